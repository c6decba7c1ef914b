public import MultiPaxos
internal import Synod
public import SynodSimulation

/// Whether one entry is chosen in each slot, by the voters of its configuration, and clients are told
/// of that.
extension LogExploration {
  /// Nothing was proposed or accepted.
  public var blank: LogHistory { LogHistory(nodes: settings.count) }

  /// What ballots carry.
  public func matters(_ message: Message) -> Bool {
    if case .accept = message { true } else { false }
  }

  /// What was accepted, and what is taken for chosen.
  public func matters(_ record: Record) -> Bool {
    switch record {
    case .accept, .learned, .chosen: true
    case .begun, .reserve, .promise, .stateBegins, .statePiece, .installed, .grants, .gaveUp: false
    }
  }

  /// Takes note of what a ballot carries.
  public func note(_ message: Message, of node: Int, in history: inout LogHistory) -> String? {
    guard case .accept(let accept) = message else { return nil }
    for (offset, entry) in accept.entries.enumerated() {
      let slot = accept.first.advanced(by: UInt64(offset))
      if let wrong = history.propose(entry, in: slot, at: accept.ballot) { return wrong }
    }
    return nil
  }

  /// Takes note of what was accepted.
  public func note(_ record: Record, of node: Int, in history: inout LogHistory) -> String? {
    switch record {
    case .accept(let ballot, let first, let entries):
      for (offset, entry) in entries.enumerated() {
        let slot = first.advanced(by: UInt64(offset))
        if let wrong = history.propose(entry, in: slot, at: ballot, by: node) { return wrong }
      }
    case .learned(let first, let entries):
      history.told[node] = max(
        history.told[node], first.advanced(by: UInt64(entries.count)).previous)
    case .chosen(let slot): history.told[node] = max(history.told[node], slot)
    case .begun, .reserve, .promise, .stateBegins, .statePiece, .installed, .grants, .gaveUp: break
    }
    return nil
  }

  /// What is wrong with all that happened.
  public func judge(_ ledger: ExploredLedger<Self>) -> String? {
    let log = chosen(ledger.history)
    if let violation = log.violation { return violation }
    let last = Slot(UInt64(log.entries.count))
    if let told = ledger.history.told.max(), told > last {
      return "\(told) is taken for chosen, and \(last) is the last that is"
    }
    var known = Slot.none
    for step in ledger.steps {
      guard let slot = step.completion?.result.slot else { continue }
      if slot > last {
        return "a client is told of \(slot), and \(last) is the last that is chosen"
      }
      known = max(known, slot)
    }
    return judgeTold(ledger, log)
  }

  /// Who began after another had ended is told of a later slot, or, where it reads, of none earlier;
  /// and of what was written.
  private func judgeTold(_ ledger: ExploredLedger<Self>, _ log: Chosen) -> String? {
    for (index, step) in ledger.steps.enumerated() {
      guard let result = step.completion?.result, let slot = result.slot else { continue }
      for (other, earlier) in ledger.steps.enumerated()
      where step.after & 1 << UInt32(other) != 0 {
        guard let floor = earlier.completion?.result.slot else { continue }
        var isRead = false
        if case .answered = result { isRead = true }
        if slot < floor || slot == floor && !isRead {
          return "step \(index) is told of \(slot), and step \(other) of \(floor) before it began"
        }
      }
      if case .answered(let answer, _) = result, answer != log.states[Int(slot.rawValue)].answer(0)
      {
        return "step \(index) reads \(answer), and \(slot) gives another state"
      }
      if case .applied(let head, _) = result, head != log.states[Int(slot.rawValue)].answer(0) {
        return "step \(index) is told \(head), which \(slot) does not give"
      }
    }
    return nil
  }

  /// The log that is chosen, as far as it has no gap, and the states that it makes.
  struct Chosen {
    var entries: [Entry] = []
    var states = [Tape()]
    var schedule: Schedule
    var violation: String?
  }

  func chosen(_ history: LogHistory) -> Chosen {
    var schedule = Schedule(Membership(settings[0].configuration), window: settings[0].window)
    let first = schedule
    var log = Chosen(schedule: first)
    var applied: Set<EntryID> = []
    while true {
      let slot = Slot(UInt64(log.entries.count + 1))
      let configuration = schedule.membership(at: slot).configuration
      let found = history.chosen(in: slot, by: configuration)
      guard let one = found.first else { break }
      if found.contains(where: { $0.entry != one.entry }) {
        log.violation = "two entries are chosen in \(slot)"
        break
      }
      let others = history.proposed.filter { $0.slot == slot && $0.entry != one.entry }
      if let other = others.first(where: { $0.ballot > one.ballot }) {
        log.violation =
          "\(one.entry) is chosen in \(slot) at \(one.ballot), and \(other.entry) is proposed at "
          + "\(other.ballot)"
        break
      }
      log.entries.append(one.entry)
      var state = log.states[log.states.count - 1]
      if one.entry.kind == .filler || applied.insert(one.entry.id).inserted {
        var reader = ByteReader(one.entry.payload)
        if one.entry.kind == .command, let command = try? Tape.Command(from: &reader) {
          _ = state.apply(command, at: ApplyContext(position: slot.rawValue))
        }
        if one.entry.kind == .membership, let change = try? MembershipChange(from: &reader) {
          _ = try? schedule.apply(change, at: slot)
        }
      }
      log.states.append(state)
    }
    log.schedule = schedule
    return log
  }

  /// The memberships that were chosen beside the first, and how long the log became.
  public func sights(_ history: LogHistory) -> [String] {
    let log = chosen(history)
    return log.schedule.items.dropFirst().map { "chosen: \($0.membership) from \($0.from)" }
      + ["\(log.entries.count) slots chosen"]
  }

  // MARK: Durability

  /// Compares what a message says with what its sender's store holds.
  public func sent(_ message: Message, by machine: Machine, durable: Machine) -> String? {
    switch message {
    case .prepare(let ballot, _):
      return ballot.counter > durable.reservedCounter
        ? "\(ballot) left before its counter was durably reserved" : nil
    case .promise(let promise):
      if durable.status.promised < promise.ballot {
        return "the promise of \(promise.ballot) left before it was durable"
      }
      return nil
    case .accepted(let ballot, let first, let last):
      var slot = first
      while slot <= last {
        // What is chosen is so whoever accepted it: one who knows that may say so in these words.
        let isChosen = slot <= machine.status.chosen || machine.accepted(at: slot)?.isChosen == true
        if durable.accepted(at: slot)?.ballot != ballot, !isChosen {
          return "the acceptance of \(slot) at \(ballot) left before it was durable"
        }
        slot = slot.next
      }
      return nil
    case .probe, .probed, .refused, .accept, .heartbeat, .echo, .fetch, .entries, .compacted,
      .fetchPiece, .piece, .forward, .notLeading, .askIndex, .index, .takeOver, .digest, .diverged,
      .returned, .acknowledged, .askKnown, .known, .release:
      return nil
    }
  }

  /// Compares what an acceptor holds before and after an input.
  public func stepped(from before: Machine, to after: Machine) -> String? {
    if let stopped = after.stopped { return "a machine stopped: \(stopped)" }
    if after.status.promised < before.status.promised {
      return "a promise of \(before.status.promised) was taken back"
    }
    return nil
  }
}

extension Outcome<Tape> {
  /// What a client is told of.
  fileprivate var slot: Slot? {
    switch self {
    case .applied(_, let slot), .answered(_, let slot), .passed(let slot): slot
    case .membership, .lease, .transferred, .notApplied, .unknown: nil
    }
  }
}
