public import MultiPaxos
public import Synod
public import SynodSimulation

extension LogSubject {
  /// A command or a query of the workload's, a lease, a barrier, or another leader.
  public mutating func proposal(
    of client: Int, at now: Ticks, random: inout SplitMix
  ) -> Proposal<Workload.App> {
    if var proposal = again.removeValue(forKey: client) {
      proposal.deadline = deadline(at: now, &random)
      return proposal
    }
    operations += 1
    var once: Once?
    let operation = operation(of: client, &random, &once)
    return Proposal(
      operation, deadline: deadline(at: now, &random), once: once,
      importance: random.next() % 100 < shape.maintainPercent ? .maintain : .gain)
  }

  private func deadline(at now: Ticks, _ random: inout SplitMix) -> Ticks? {
    // Once nothing goes wrong any more, all must come to its end by itself.
    guard random.next() % 100 < shape.deadlinePercent else { return nil }
    let time = 1 + random.next() % shape.hurry
    return hasSettled ? nil : now.advanced(by: time)
  }

  private mutating func operation(
    of client: Int, _ random: inout SplitMix, _ once: inout Once?
  ) -> MultiPaxos.Operation<Workload.App> {
    if let change = membersInstead() { return .changeMembership(change) }
    let kind = random.next() % 100
    var bound = shape.queryPercent
    if kind < bound {
      let query = workload.query(random: &random)
      if random.next() % 100 < shape.leasedPercent { return .query(query, .lease) }
      return .query(query, [.leader, .follower, .lease, .stale][Int(random.next() % 4)])
    }
    bound += shape.leasePercent
    if kind < bound { return .lease(lease(of: client, &random)) }
    bound += shape.transferPercent
    if kind < bound {
      let voters = ledger.newest.membership.configuration.voters
      // To one that holds out, where there is one.
      if plan.faults.siegePercent > 0, let patient = voters.first(where: shape.isPatient) {
        return .transferLeadership(to: patient)
      }
      return .transferLeadership(
        to: random.next() % 2 == 0 ? nil : voters[Int(random.next() % UInt64(voters.count))])
    }
    bound += shape.barrierPercent
    if kind < bound { return .barrier }
    if random.next() % 100 < shape.oncePercent {
      once = Once(Identity128(high: plan.seed | 1, low: operations), 1)
    }
    return .command(workload.command(number: operations, random: &random))
  }

  private func lease(of client: Int, _ random: inout SplitMix) -> LeaseRequest {
    let name = Bytes("lease \(random.next() % 2)")
    let ticks = [1, 50, 500][Int(random.next() % 3)] as UInt64
    guard let held = model.leases[name], random.next() % 2 == 0 else {
      return .take(name, holder: Bytes("client \(client)"), ticks: ticks)
    }
    return random.next() % 2 == 0
      ? .refresh(name, fence: held.fence) : .release(name, fence: held.fence)
  }

  /// Reads of all that there is, so that the end of every history is seen.
  public mutating func closing() -> [Proposal<Workload.App>] {
    isClosing = true
    return workload.closing.map { Proposal(.query($0, .follower)) }
      + [Proposal(.barrier, importance: shape.maintainPercent == 100 ? .maintain : .gain)]
  }

  /// What did not answer says nothing of the end of the history.
  public func mustAskAgain(_ completion: Completion<Workload.App>) -> Bool {
    switch completion.result {
    case .answered, .passed: false
    case .applied, .membership, .lease, .transferred, .notApplied, .unknown: true
    }
  }

  /// See `Proposal`.
  public static func deadline(of proposal: Proposal<Workload.App>) -> Ticks? {
    // Whoever is to lead has a time of its own to begin with it.
    if case .transferLeadership = proposal.operation { return Ticks(0) }
    return proposal.deadline
  }

  /// Whether it was in time or not: nothing came of it, or perhaps nothing.
  public static func earlyEnd(of completion: Completion<Workload.App>) -> EarlyEnd? {
    switch completion.result {
    case .notApplied(.abandoned(.deadline)), .unknown(.deadline): .deadline
    case .notApplied(.abandoned(.cancelled)), .unknown(.cancelled): .cancelled
    case .applied, .answered, .passed, .membership, .lease, .transferred, .notApplied, .unknown: nil
    }
  }

  /// Where nobody hands on.
  public static func leader(toldBy completion: Completion<Workload.App>) -> VoterID? {
    if case .notApplied(.notLeader(let leader)) = completion.result { leader } else { nil }
  }

  /// Reads are let through.
  public static func needsSpace(_ proposal: Proposal<Workload.App>) -> Bool {
    if case .query = proposal.operation { return false }
    return true
  }

  /// Enters a call.
  public mutating func invoked(
    _ proposal: Proposal<Workload.App>, as id: ProposalID, of client: Int, at voter: VoterID,
    moment: UInt64
  ) {
    let place = calls.count
    places[id] = place
    calls.append(Call(id: id, client: client, voter: voter, proposal: proposal, floor: newest))
    if let wanted = Wanted(proposal, at: voter) { asked[wanted, default: Asked()].possible += 1 }
    guard case .command(let command) = proposal.operation else { return }
    let payload = command.encoded
    wishes[payload, default: Wish()].calls.append(place)
  }

  /// Whether it happened is open for ever.
  public mutating func lost(_ id: ProposalID) { ledger.reach(.restartInFlight) }

  /// Nothing can have come of it.
  public mutating func neverAsked(_ id: ProposalID) {
    guard let place = places[id] else { return }
    calls[place].isNotApplied = true
    if let wanted = Wanted(calls[place].proposal, at: calls[place].voter) {
      asked[wanted]?.possible -= 1
    }
  }

  /// Judges what a client is told.
  public mutating func ended(
    _ completion: Completion<Workload.App>, at voter: VoterID, moment: UInt64
  ) -> String? {
    let id = completion.proposal
    guard let place = places[id] else { return "proposal \(id) ends, and nobody made it" }
    if calls[place].hasEnded { return "proposal \(id) ends twice" }
    if calls[place].voter != voter { return "proposal \(id) ends at voter \(voter)" }
    calls[place].hasEnded = true
    judge(calls[place], completion.result, place)
    return ledger.violation
  }

  private mutating func judge(_ call: Call, _ outcome: Outcome<Workload.App>, _ place: Int) {
    switch (outcome, call.proposal.operation) {
    case (.applied(let outcome, let slot), .command(let command)):
      applied(call, command, outcome, in: slot)
    case (.answered(let answer, let slot), .query(let query, let kind)):
      answered(call, query, kind, answer, at: slot)
    case (.passed(let slot), .barrier):
      guard case .barrier = model.meaning(of: slot),
        ledger.chosen[slot]?.entry.id.origin == call.voter
      else {
        return ledger.violate("proposal \(call.id) passed in \(slot), which is no barrier of its")
      }
      tell(call, slot, isWrite: true)
      ledger.reach(.barrier)
    case (.membership(let membership, let from), .changeMembership):
      judge(call, membership, from)
    case (.lease(let outcome, let slot), .lease): judge(call, outcome, at: slot)
    case (.transferred(let voter), .transferLeadership):
      if voter == call.voter { ledger.violate("proposal \(call.id) handed \(voter) to itself") }
      ledger.reach(.transferred)
    case (.notApplied(let reason), _): notApplied(call, reason, place)
    case (.unknown(let reason), _): unknown(call, reason)
    case (.applied, _), (.answered, _), (.passed, _), (.membership, _), (.lease, _),
      (.transferred, _):
      ledger.violate("proposal \(call.id) ends as if it had asked for something else")
    }
  }

  /// What is told takes its place in the order: behind all that had been told of when it was asked.
  private mutating func tell(_ call: Call, _ slot: Slot, isWrite: Bool) {
    if slot < call.floor || (isWrite && slot == call.floor) {
      ledger.violate(
        "proposal \(call.id) is told of \(slot), and \(call.floor) was told of before it began")
    }
    newest = max(newest, slot)
  }

  private mutating func applied(
    _ call: Call, _ command: App.Command, _ outcome: App.Outcome, in slot: Slot
  ) {
    guard case .command(let payload, let meant) = model.meaning(of: slot),
      payload == command.encoded
    else {
      return ledger.violate("proposal \(call.id) is told of \(slot), where it does not stand")
    }
    if outcome != meant {
      ledger.violate("proposal \(call.id) is told \(outcome), and \(slot) gives \(meant)")
    }
    let isFirst = wishes[payload]?.calls.first.map { calls[$0].id } == call.id
    if isFirst { return tell(call, slot, isWrite: true) }
    // Sent again: what it is told of may be older than the second call.
    newest = max(newest, slot)
  }

  private mutating func answered(
    _ call: Call, _ query: App.Query, _ kind: Read, _ answer: App.Answer, at slot: Slot
  ) {
    guard let state = model.state(after: slot) else {
      return ledger.violate("proposal \(call.id) is answered from \(slot), which is not chosen")
    }
    if state.answer(query) != answer {
      ledger.violate(
        "proposal \(call.id) is answered \(answer) from \(slot), which gives "
          + "\(state.answer(query))")
    }
    switch kind {
    case .stale: return ledger.reach(.readStale)
    case .leader: ledger.reach(.readByLeader)
    case .follower: ledger.reach(.readByFollower)
    case .lease: ledger.reach(.readUnderLease)
    }
    tell(call, slot, isWrite: false)
  }

  private mutating func judge(_ call: Call, _ membership: Membership, _ from: Slot) {
    let slot = Slot(from.rawValue - model.schedule.window)
    guard case .membership(membership, from) = model.meaning(of: slot), isOf(call, slot) else {
      return ledger.violate("proposal \(call.id) is told of members that \(slot) does not name")
    }
    tell(call, slot, isWrite: true)
  }

  private mutating func judge(_ call: Call, _ outcome: LeaseOutcome, at slot: Slot) {
    guard case .lease(outcome) = model.meaning(of: slot), isOf(call, slot) else {
      return ledger.violate("proposal \(call.id) is told \(outcome), which \(slot) does not give")
    }
    if case .held = outcome { ledger.reach(.leaseHeld) }
    if case .taken = outcome { ledger.reach(.leaseTaken) }
    tell(call, slot, isWrite: true)
  }
}
