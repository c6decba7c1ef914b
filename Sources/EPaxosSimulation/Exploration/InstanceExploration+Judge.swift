public import EPaxos
internal import Synod
public import SynodSimulation

/// Agreement, Visibility (rule 7), durability before sending (rule 26), and what clients are told.
extension InstanceExploration {
  /// A message rests on what is durable.
  public func sent(
    _ message: Message, by machine: Machine, durable: Machine
  ) -> String? {
    switch message {
    case .preAccept(let id, _):
      return durable.reserved >= id.number ? nil : "\(id) left before its number was reserved"
    case .preAccepted(let id, _):
      let phase = durable.instance(id)?.phase ?? .initial
      return phase >= .preaccepted ? nil : "a pre-acceptance of \(id) left before it was durable"
    case .accepted(let ballot, let id):
      guard let held = durable.instance(id) else { return "an acceptance of \(id) left too soon" }
      let isHeld = held.phase == .committed || held.phase == .accepted && held.abal >= ballot
      return isHeld ? nil : "an acceptance of \(id) at \(ballot) left before it was durable"
    case .holding(let ballot, let id, let holding):
      guard let held = durable.instance(id) else { return "a promise of \(id) left too soon" }
      let isHeld = held.phase == .committed || held.bal >= ballot && held.abal >= holding.abal
      return isHeld ? nil : "a promise of \(id) at \(ballot) left before it was durable"
    case .validated(_, let id, _):
      let isHeld = durable.instance(id)?.initCmd != nil || durable.isCommitted(id)
      return isHeld ? nil : "objections to \(id) left before its command was durable"
    case .commit(let committed):
      let loose = committed.first { !durable.isCommitted($0.id) }
      return loose.map { "the decision of \($0.id) left before it was durable" }
    case .accept, .recover, .validate, .waiting, .fetch, .refused, .standing, .executed,
      .fetchPiece, .piece:
      return nil
    }
  }

  /// No promise, acceptance or decision is taken back.
  public func stepped(from before: Machine, to after: Machine) -> String? {
    if let why = after.stopped { return "a machine stopped: \(why)" }
    for (id, held) in before.instances {
      guard let now = after.instance(id) else { return "\(id) was lost" }
      if held.phase == .committed {
        if now.phase != .committed || now.cmd != held.cmd || now.dep != held.dep {
          return "the decision of \(id) was taken back"
        }
      } else if now.phase != .committed {
        if now.bal < held.bal { return "a promise of \(id) was taken back" }
        if now.abal < held.abal || now.phase < held.phase {
          return "the acceptance of \(id) was taken back"
        }
      }
    }
    return nil
  }

  /// None.
  public func matters(_ message: Message) -> Bool { false }

  /// Decisions, and what is held, which they may rest on.
  public func matters(_ record: Record) -> Bool {
    switch record {
    case .preaccepted, .accepted, .validated, .committed: true
    case .begun, .reserve, .promised, .truncated, .entered, .instance, .stateBegins, .statePiece,
      .installed:
      false
    }
  }

  /// What stores say of what happened before.
  public var blank: InstanceHistory {
    var history = InstanceHistory()
    for node in stored.keys.sorted() {
      for record in stored[node] ?? [] { _ = note(record, of: node, in: &history) }
    }
    return history
  }

  /// None matters.
  public func note(
    _ message: Message, of node: Int, in history: inout InstanceHistory
  ) -> String? { nil }

  /// Takes note of a decision.
  public func note(
    _ record: Record, of node: Int, in history: inout InstanceHistory
  ) -> String? {
    func hold(_ id: InstanceID, _ batch: Batch) {
      history.held[.init(node: node, id: id)] = batch
    }
    switch record {
    case .preaccepted(let id, let value, _), .validated(let id, let value): hold(id, value.batch)
    case .accepted(let id, _, let batch, _): if let batch { hold(id, batch) }
    case .committed(let id, let batch, let dep):
      guard let batch = batch ?? history.held[.init(node: node, id: id)] else {
        return "node \(node) takes nothing for decided in \(id)"
      }
      let value = Value(batch, dep)
      if let known = history.decided.updateValue(value, forKey: id), known != value {
        return "agreement: \(id) is \(known), and \(value)"
      }
      history.held[.init(node: node, id: id)] = batch
      if batch.isNop { history.sights.insert("void") }
    case .begun, .reserve, .promised, .truncated, .entered, .instance, .stateBegins, .statePiece,
      .installed:
      break
    }
    return nil
  }

  /// What is wrong with all that happened.
  public func judge(_ ledger: ExploredLedger<Self>) -> String? {
    let decided = ledger.history.decided.filter { !$0.value.batch.isNop }
    for (a, x) in decided {
      for (b, y) in decided where a < b && !x.dep.contains(b) && !y.dep.contains(a) {
        let footprint = InstanceLedger.footprint(of: x.batch)
        if footprint.interferes(with: InstanceLedger.footprint(of: y.batch)) {
          return "visibility: \(a) and \(b) interfere, and neither comes behind the other"
        }
      }
    }
    if let wrong = misled(ledger) { return wrong }
    for (place, step) in ledger.steps.enumerated() {
      guard case .applied(let mine, _)? = step.completion?.result else { continue }
      for (other, before) in ledger.steps.enumerated() where other != place {
        guard case .applied(let theirs, _)? = before.completion?.result else { continue }
        for head in mine.heads {
          guard let seen = theirs.heads.first(where: { $0.key == head.key }) else { continue }
          if seen.count == head.count { return "steps \(other) and \(place) wrote one version" }
          if step.after & 1 << UInt32(other) != 0, seen.count > head.count {
            return "step \(other) ended before step \(place) began, and comes behind it"
          }
        }
      }
    }
    return nil
  }

  /// What is told as applied was decided, once, and what is told as not applied is not.
  private func misled(_ ledger: ExploredLedger<Self>) -> String? {
    var times: [UInt64: Int] = [:]
    for (_, value) in ledger.history.decided {
      for entry in value.batch.entries where entry.kind == .command {
        var reader = ByteReader(entry.payload)
        if let command = try? Scrolls.Command(from: &reader) {
          times[command.item, default: 0] += 1
        }
      }
    }
    for item in times.keys.sorted() where times[item] ?? 0 > 1 {
      return "command \(item) is decided in two instances"
    }
    for (place, step) in ledger.steps.enumerated() {
      guard case .command(let command) = plan[place].proposal.operation else { continue }
      switch step.completion?.result {
      case .applied where times[command.item] == nil:
        return "step \(place) ended as applied, and was not decided"
      case .notApplied where times[command.item] != nil:
        return "step \(place) ended as not applied, and was decided"
      case .applied, .notApplied, .answered, .passed, .changed, .unknown, nil: break
      }
    }
    return nil
  }

  /// What there is to tell.
  public func sights(_ history: InstanceHistory) -> [String] { history.sights.sorted() }
}
