public import EPaxos
public import Synod
internal import SynodSimulation

extension InstanceSubject {
  /// A command on one key or several, a query, or a barrier.
  public mutating func proposal(
    of client: Int, at now: Ticks, random: inout SplitMix
  ) -> Proposal<Scrolls> {
    let deadline =
      random.next() % 100 < shape.deadlinePercent
      ? now.advanced(by: 1 + random.next() % shape.hurry) : nil
    if var proposal = again.removeValue(forKey: client) {
      proposal.deadline = deadline
      return proposal
    }
    operations += 1
    if let change = membersInstead() { return Proposal(.members(change), deadline: deadline) }
    let kind = random.next() % 100
    if kind < shape.queryPercent {
      let query = Scrolls.Query(
        keys: keys(&random), isRange: shape.keys > 4 && random.next() % 20 == 0)
      return Proposal(
        .query(query, random.next() % 5 == 0 ? .stale : .linearizable), deadline: deadline)
    }
    if kind < shape.queryPercent + shape.barrierPercent {
      return Proposal(.barrier, deadline: deadline)
    }
    let once =
      random.next() % 100 < shape.oncePercent
      ? Once(Identity128(high: plan.seed | 1, low: UInt64(client)), operations) : nil
    let isChasing = chased != 0 && random.next() % 100 < shape.chasePercent
    let writes = isChasing ? chased : keys(&random)
    let reads = random.next() % 100 < shape.severalPercent ? keys(&random) & ~writes : 0
    return Proposal(
      .command(.init(item: operations, writes: writes, reads: reads, filling: shape.filling)),
      deadline: deadline, once: once)
  }

  private func keys(_ random: inout SplitMix) -> UInt16 {
    func one() -> UInt16 {
      let isHot = random.next() % 100 < UInt64(plan.hotKeyPercent)
      return 1 << UInt16(isHot ? 0 : random.next() % shape.keys)
    }
    guard random.next() % 100 < shape.severalPercent else { return one() }
    return one() | one() | one()
  }

  /// A read of all that there is, so that the end of every history is seen.
  public mutating func closing() -> [Proposal<Scrolls>] {
    isClosing = true
    return [Proposal(.query(.init(keys: .max), .linearizable)), Proposal(.barrier)]
  }

  /// What did not answer says nothing of the end of the history.
  public func mustAskAgain(_ completion: Completion<Scrolls>) -> Bool {
    switch completion.result {
    case .answered, .passed, .changed: false
    case .applied, .notApplied, .unknown: true
    }
  }

  /// Reads are instances as well.
  public static func needsSpace(_ proposal: Proposal<Scrolls>) -> Bool { true }

  /// Enters a call.
  public mutating func invoked(
    _ proposal: Proposal<Scrolls>, as id: ProposalID, of client: Int, at voter: VoterID,
    moment: UInt64
  ) {
    places[id] = calls.count
    calls.append(Call(id: id, client: client, voter: voter, proposal: proposal, began: moment))
    switch proposal.operation {
    case .members(let change): roll.asked.append(change)
    case .barrier: calls[calls.count - 1].floor = told
    case .command(let command): chronicle.events.ask(command)
    case .query: break
    }
  }

  /// Whether it happened is open for ever.
  public mutating func lost(_ id: ProposalID) { ledger.reach(.restartInFlight) }

  /// Judges what a client is told.
  public mutating func ended(
    _ completion: Completion<Scrolls>, at voter: VoterID, moment: UInt64
  ) -> String? {
    let id = completion.proposal
    guard let place = places[id] else { return "proposal \(id) ends, and nobody made it" }
    if calls[place].ended != nil { return "proposal \(id) ends twice" }
    if calls[place].voter != voter { return "proposal \(id) ends at voter \(voter)" }
    calls[place].ended = moment
    judge(completion.result, place)
    return ledger.violation
  }

  private mutating func judge(_ outcome: Outcome<Scrolls>, _ place: Int) {
    let call = calls[place]
    switch (outcome, call.proposal.operation) {
    case (.applied(let heads, _), .command(let command)):
      tell(heads, of: command.writes | command.reads, place)
    case (.answered(let heads), .query(let query, let kind)):
      tell(heads, of: query.keys, place)
      ledger.reach(kind == .stale ? .readStale : .read)
    case (.passed, .barrier):
      ledger.reach(.barrier)
      if let floor = call.floor { chronicle.passed(call.id, at: call.voter, floor: floor) }
    case (.notApplied(let reason), _):
      calls[place].isNotApplied = true
      switch reason {
      case .overloaded: ledger.reach(.overloaded)
      case .abandoned(let why):
        ledger.reach(.givenUp)
        judge(why, call)
      case .tooLarge, .malformed:
        ledger.violate("proposal \(call.id) ends as \(reason), and it is as it should be")
      case .members:
        ledger.reach(.membersRefused)
        if case .members = call.proposal.operation { return }
        ledger.violate("proposal \(call.id) ends as a change of the members, and is none")
      case .outdated:
        if call.proposal.once == nil { ledger.violate("proposal \(call.id) ends as outdated") }
      }
    case (.unknown(let why), let operation):
      ledger.reach(.unknown)
      judge(why, call)
      if case .query = operation {
        ledger.violate("proposal \(call.id) reads, and its outcome is unknown")
      }
      if call.proposal.once != nil, !isClosing {
        again[call.client] = call.proposal
        ledger.reach(.appliedOnce)
      }
    case (.changed(let membership), .members):
      calls[place].hasChanged = true
      if let wrong = roll.observe(membership, of: call.voter) { ledger.violate(wrong) }
    case (.applied, _), (.answered, _), (.passed, _), (.changed, _):
      ledger.violate("proposal \(call.id) ends as if it had asked for something else")
    }
  }

  /// Whatever is given up had a reason.
  private mutating func judge(_ why: Abandoned, _ call: Call) {
    let isSo =
      switch why {
      case .cancelled, .forgotten: true
      case .deadline: call.proposal.deadline != nil
      case .notAMember: plan.spares > 0
      case .storageFailed: hasFailed.contains(call.voter)
      case .countersExhausted, .blankStore, .machineStopped: false
      }
    if why == .notAMember { ledger.reach(.notAMember) }
    if !isSo { ledger.violate("proposal \(call.id) is given up (\(why)), and there is no reason") }
  }

  /// A client is told how keys stand: those that it asked for, and no others.
  private mutating func tell(_ heads: Scrolls.Heads, of keys: UInt16, _ place: Int) {
    if heads.heads.map(\.key) != Scrolls.keys(keys) {
      let found = heads.heads.map(\.key)
      ledger.violate(
        "proposal \(calls[place].id) asks for \(Scrolls.keys(keys)), and is told of \(found)")
    }
    calls[place].heads = heads.heads
    for head in heads.heads where head.key < Scrolls.keys {
      told[Int(head.key)] = max(told[Int(head.key)], head.count)
    }
  }
}
