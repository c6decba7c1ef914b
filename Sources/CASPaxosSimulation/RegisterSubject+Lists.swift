internal import CASPaxos
internal import Synod
internal import SynodSimulation

/// Lists of the registers: what clients ask for, and what the answers must say.
extension RegisterSubject {
  /// Now and then a list takes the place of an operation; drawn apart, so that the other draws of a
  /// seed stay what they are.
  mutating func listInstead() -> CASPaxos.Operation<Workload.C>? {
    guard lists.next() % 100 < listPercent else { return nil }
    let limits = [1, 2, 1000]
    let limit = limits[Int(lists.next() % 3)]
    // From the beginning, or on from where the last one ended.
    return .list(after: lists.next() % 2 == 0 ? nil : listedThrough, limit: limit)
  }

  /// Each register that it covers has, or has not, a value: in a state that took effect and is no older
  /// than what was told before the list was asked for.
  mutating func judge(_ call: Call, _ list: KeyList) {
    guard case .list(let after, _) = call.operation else {
      return ledger.violate("proposal \(call.id) is no list, and ended as one")
    }
    ledger.reach(list.through == .max ? .listedToTheEnd : .listedInPart)
    listedThrough = list.through == .max ? nil : list.through
    let told = floors.removeValue(forKey: call.id) ?? []
    var seen: Set<Bytes> = []
    var last: UInt64?
    for key in list.keys {
      let hash = shape.settings.hash(of: key)
      if hash > list.through || after.map({ hash <= $0 }) ?? false
        || last.map({ hash < $0 }) ?? false
      {
        return ledger.violate("proposal \(call.id) lists \(key), which is not in its place")
      }
      last = hash
      if !seen.insert(key).inserted {
        return ledger.violate("proposal \(call.id) lists \(key) twice")
      }
      if ledger.numbers[key] == nil {
        return ledger.violate("proposal \(call.id) lists \(key), which nobody wrote")
      }
    }
    for (number, name) in ledger.names.enumerated() {
      let hash = shape.settings.hash(of: name)
      if hash > list.through || after.map({ hash <= $0 }) ?? false || name == Membership.key {
        continue
      }
      let floor = number < told.count ? told[number] : .zero
      if !ledger.told(number, hasValue: seen.contains(name), since: floor) {
        let what = seen.contains(name) ? "lists" : "leaves out"
        return ledger.violate("proposal \(call.id) \(what) \(name), told of at \(floor) before")
      }
    }
  }
}
