internal import EPaxos
internal import Synod
public import SynodSimulation

/// The whole history: everything took effect as it was asked, once, and in an order that agrees with
/// time.
extension InstanceSubject {
  /// Judges it.
  public mutating func verdict(budget: Int) -> HistoryVerdict {
    if let violation = ledger.violation { return .violation(violation) }
    var wishes: [UInt64: [Call]] = [:]
    var operations: [StrictOrder.Operation] = []
    for call in calls {
      switch call.proposal.operation {
      case .command(let command): wishes[command.item, default: []].append(call)
      case .query(_, let kind):
        guard let heads = call.heads else { continue }
        if let head = heads.first(where: { !chronicle.holds($0) }) {
          return .violation("proposal \(call.id) saw key \(head.key) as it never was")
        }
        if kind == .stale { continue }
        operations.append(
          .init(
            name: "read \(call.id)", began: call.began, ended: call.ended,
            stands: heads.map { ($0.key, 2 * Int($0.count) + 1) }))
      case .barrier, .members: break
      }
    }
    for key in 0..<Scrolls.keys {
      for line in chronicle.lines[Int(key)] where wishes[line.item] == nil {
        return .violation("key \(key) holds \(line.item), which nobody asked for")
      }
    }
    for item in wishes.keys.sorted() {
      switch judge(wishes[item] ?? []) {
      case .success(let operation): if let operation { operations.append(operation) }
      case .failure(let wrong): return .violation(wrong.text)
      }
    }
    return StrictOrder.violation(operations).map { .violation($0) } ?? .good
  }

  private struct Wrong: Error {
    let text: String
  }

  /// All calls of one command.
  private func judge(_ calls: [Call]) -> Result<StrictOrder.Operation?, Wrong> {
    guard let first = calls.first, case .command(let command) = first.proposal.operation else {
      return .success(nil)
    }
    let keys = Scrolls.keys(command.writes)
    let writes = keys.compactMap { key in
      chronicle.place(of: command.item, in: key).map { (key: key, at: 2 * $0) }
    }
    let wrote = (0..<Scrolls.keys).filter { chronicle.place(of: command.item, in: $0) != nil }
    if writes.isEmpty, wrote.isEmpty {
      guard let told = calls.first(where: { $0.heads != nil }) else { return .success(nil) }
      return .failure(Wrong(text: "proposal \(told.id) ends as applied, and no node applied it"))
    }
    if wrote != keys {
      return .failure(Wrong(text: "proposal \(first.id) writes \(keys), and wrote \(wrote)"))
    }
    if calls.allSatisfy(\.isNotApplied) {
      return .failure(Wrong(text: "proposal \(first.id) ends as not applied, and is applied"))
    }
    var stands = writes
    let told = calls.filter { $0.heads != nil }
    for call in told {
      guard let heads = call.heads, heads == told[0].heads else {
        return .failure(Wrong(text: "proposal \(call.id) is told another outcome than before"))
      }
      for head in heads {
        let place = chronicle.place(of: command.item, in: head.key)
        if !chronicle.holds(head) || place.map({ $0 != Int(head.count) }) ?? false {
          return .failure(Wrong(text: "proposal \(call.id) left key \(head.key) as it never was"))
        }
        if place == nil, call.id == told[0].id {
          stands.append((head.key, 2 * Int(head.count) + 1))
        }
      }
    }
    return .success(
      .init(
        name: "command \(command.item)", began: first.began, ended: told.compactMap(\.ended).min(),
        stands: stands))
  }
}
