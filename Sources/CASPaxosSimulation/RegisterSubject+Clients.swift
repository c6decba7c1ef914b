public import CASPaxos
public import Synod
public import SynodSimulation

extension RegisterSubject {
  /// The workload's next operation, on a register that the plan has.
  public mutating func proposal(
    of client: Int, at now: Ticks, random: inout SplitMix
  ) -> CASPaxos.Proposal<Workload.C> {
    var key = 0
    if Int(random.next() % 100) >= plan.hotKeyPercent {
      key = Int(random.next() % UInt64(keyNames.count))
    }
    isUsed[key] = true
    operations += 1
    var operation = workload.operation(number: operations, on: key, random: &random)
    if let list = listInstead() { operation = list }
    if let change = membersInstead() { operation = change }
    let again = onceInstead(operation, on: keyNames[key], of: client)
    var deadline: Ticks?
    // Once nothing goes wrong any more, all must come to its end by itself.
    if random.next() % 100 < shape.deadlinePercent {
      let time = 1 + random.next() % shape.hurry
      deadline = isClosing ? nil : now.advanced(by: time)
    }
    if var again {
      again.deadline = deadline
      return again
    }
    return Proposal(key: keyNames[key], operation: operation, deadline: deadline)
  }

  /// What was to be made once and is open yet; a barrier and a read of every register that was used.
  public mutating func closing() -> [CASPaxos.Proposal<Workload.C>] {
    var proposals = retriers.compactMap { $0.attempt }
    for (key, name) in keyNames.enumerated() where isUsed[key] {
      proposals.append(Proposal(key: name, operation: .barrierRead))
      proposals.append(Proposal(key: name, operation: .read))
    }
    return proposals
  }

  /// A barrier or a read that did not read says nothing of the end of the history, and a client that
  /// wants something made once asks until it is told.
  public func mustAskAgain(_ completion: CASPaxos.Completion<Workload.C>) -> Bool {
    if let place = places[completion.proposal], let once = calls[place].once {
      return retriers[self.place(of: once)].wish?.sequence == once.sequence
    }
    if case .read = completion.result { return false }
    return true
  }

  /// See `Proposal`.
  @inlinable
  public static func deadline(of proposal: CASPaxos.Proposal<Workload.C>) -> Ticks? {
    proposal.deadline
  }

  /// Whether it was in time or not: nothing came of it, or perhaps nothing.
  public static func earlyEnd(of completion: CASPaxos.Completion<Workload.C>) -> EarlyEnd? {
    switch completion.result {
    case .notApplied(.abandoned(.deadline)), .unknown(.deadline): .deadline
    case .notApplied(.abandoned(.cancelled)), .unknown(.cancelled): .cancelled
    case .applied, .read, .listed, .membership, .notApplied, .unknown: nil
    }
  }

  /// What is said of erasing, of members and of lists.
  @inlinable
  public static func isRare(_ message: CASPaxos.Message) -> Bool {
    switch message.kind {
    case .erase, .configuration, .list, .page: true
    case .prepare, .promise, .accept, .accepted, .conflict, .read, .readReply, .watch, .observed,
      .behind:
      false
    }
  }

  /// Reads are let through.
  @inlinable
  public static func needsSpace(_ proposal: CASPaxos.Proposal<Workload.C>) -> Bool {
    switch proposal.operation {
    case .read, .list, .watch, .membership: false
    case .barrierRead, .forget, .changeMembership: true
    case .change(let change): !change.isReadOnly
    }
  }

  /// It may say so from now on.
  public mutating func storageFailed(at voter: VoterID) { hasFailed.insert(voter) }

  /// Enters a call.
  public mutating func invoked(
    _ proposal: CASPaxos.Proposal<Workload.C>, as id: ProposalID, of client: Int,
    at voter: VoterID, moment: UInt64
  ) {
    ledger.clock = moment
    places[id] = calls.count
    open[Int(voter.rawValue) - 1] += 1
    var key = RegisterLedger.noKey
    switch proposal.operation {
    case .list: floors[id] = ledger.newest
    case .watch(let request): beginWatch(proposal.key, request, as: id, at: voter)
    case .membership, .changeMembership: revisions[id] = ledger.toldRevision
    case .change, .read, .barrierRead, .forget: key = ledger.number(of: proposal.key)
    }
    calls.append(
      Call(
        id: id, key: key, client: client, voter: voter, operation: proposal.operation,
        floor: key == RegisterLedger.noKey ? .zero : ledger.newest(of: key), invoked: moment,
        once: proposal.once))
    if case .forget(let identity, let sequence) = proposal.operation {
      ledger.mayForget(identity, through: sequence, of: key)
    }
    if proposal.once != nil { begin(proposal, as: id) }
  }

  /// Whether it happened is open for ever.
  public mutating func lost(_ id: ProposalID) {
    if let place = places[id] {
      calls[place].lost = ledger.clock
      open[Int(calls[place].voter.rawValue) - 1] -= 1
      attemptEnded(calls[place])
      watchEnded(id, of: calls[place].client)
    }
    ledger.reach(.restartInRound)
  }

  /// Nothing can have come of it.
  public mutating func neverAsked(_ id: ProposalID) {
    if let place = places[id] { calls[place].isDead = true }
  }

  /// Judges what a client is told as far as it can be judged at once.
  public mutating func ended(
    _ completion: CASPaxos.Completion<Workload.C>, at voter: VoterID, moment: UInt64
  ) -> String? {
    unplanted { judge(completion, at: voter, moment: moment) }
  }

  private mutating func judge(
    _ completion: CASPaxos.Completion<Workload.C>, at voter: VoterID, moment: UInt64
  ) -> String? {
    ledger.clock = moment
    let id = completion.proposal
    guard let place = places[id] else { return "proposal \(id) ends, and nobody made it" }
    if calls[place].outcome != nil { return "proposal \(id) ends twice" }
    if calls[place].voter != voter { return "proposal \(id) ends at voter \(voter)" }
    calls[place].outcome = completion.result
    calls[place].returned = moment
    open[Int(voter.rawValue) - 1] -= 1
    if calls[place].once != nil { judgeOnce(place, completion.result) }
    if let outcome = calls[place].outcome, let register = outcome.register {
      if let sight = sight(of: register, calls[place]) {
        calls[place].outcome = outcome.telling(of: sight)
      } else {
        calls[place].isVague = true
      }
    }
    if let outcome = calls[place].outcome { judge(calls[place], outcome) }
    attemptEnded(calls[place])
    watchEnded(id, of: calls[place].client)
    return ledger.violation
  }

  private mutating func judge(_ call: Call, _ outcome: Outcome<Workload.C>) {
    switch outcome {
    case .applied(let output, let left):
      guard case .change(let change) = call.operation else {
        return ledger.violate("proposal \(call.id) is a read, and was applied")
      }
      // One that would keep what it left may have written it all the same: the verdict finds out.
      let wrote = !change.keeps(left, with: output) || isEffect(of: call, left)
      if wrote && change.isReadOnly {
        return ledger.violate("proposal \(call.id) does not write, and left \(left.version)")
      }
      if !wrote && !change.isReadOnly && left.version <= call.floor { ledger.reach(.blindChange) }
      saw(left, call, wrote: wrote)
    case .read(let register):
      switch call.operation {
      case .read: ledger.countRead(of: call.key, by: call.voter)
      case .barrierRead:
        ledger.reach(.barrierRead)
        ledger.fence(call.key, since: call.invoked, by: call.id)
      case .forget:
        ledger.reach(.sessionEnded)
        ledger.fence(call.key, since: call.invoked, by: call.id)
      // An earlier attempt had made it, and this is what came of that since.
      case .change where call.once != nil: break
      case .change, .watch, .list, .membership, .changeMembership:
        return ledger.violate("proposal \(call.id) does not read, and ended as a read")
      }
      saw(register, call, wrote: false)
    case .listed(let list): judge(call, list)
    case .notApplied(.rejected(let why, let register)):
      guard case .change(let change) = call.operation,
        case .reject(why) = change.decision(on: register)
      else {
        return ledger.violate(
          "proposal \(call.id) is refused because of \(register.version), which it would not refuse"
        )
      }
      ledger.reach(.rejected)
      saw(register, call, wrote: false)
    case .notApplied(.overloaded):
      // Whatever ended between the refusal and this answer ended before it.
      if open[Int(call.voter.rawValue) - 1] < shape.settings.maxOpenProposals,
        !call.isList || openLists(at: call.voter) < shape.settings.maxListings
      {
        ledger.violate(
          "proposal \(call.id) is refused, and \(open[Int(call.voter.rawValue) - 1]) are open")
      }
      ledger.reach(.overloaded)
    case .notApplied(.tooLarge(let size, let limit)):
      if size <= limit || limit != shape.settings.maxValue || !call.mayWrite {
        ledger.violate("proposal \(call.id) ends as too large, with \(size) of \(limit) bytes")
      }
      ledger.reach(.valueTooLarge)
    case .notApplied(.cannotRemember):
      if call.once == nil { ledger.violate("proposal \(call.id) ends as if it asked for once") }
    case .membership(let members): judge(call, members)
    case .notApplied(.refused) where call.asksAboutMembers: ledger.reach(.changeRefused)
    case .notApplied(.unwatchable(let why)):
      ledger.violate("proposal \(call.id) ends as a watch for which there is no room: \(why)")
    case .notApplied(.reserved), .notApplied(.refused):
      ledger.violate("proposal \(call.id) ends as if it asked about the members")
    case .notApplied(.abandoned(let why)): judge(call, why, isUnknown: false)
    case .unknown(let why): judge(call, why, isUnknown: true)
    }
  }

  private func openLists(at voter: VoterID) -> Int {
    calls.count { $0.voter == voter && $0.isList && $0.outcome == nil && $0.lost == nil }
  }

  private mutating func saw(_ register: Register, _ call: Call, wrote: Bool) {
    if call.isVague { return }
    ledger.told(register, of: call.key, floor: call.floor, wrote: wrote, as: call.id)
    if call.key < keyNames.count { workload.saw(register.seen, on: call.key) }
  }

  private mutating func judge(_ call: Call, _ why: Abandoned, isUnknown: Bool) {
    if isUnknown && !call.mayWrite {
      return ledger.violate("proposal \(call.id) does not write, and its outcome is unknown")
    }
    switch why {
    case .deadline: ledger.reach(isUnknown ? .unknownByDeadline : .notAppliedByDeadline)
    case .cancelled: ledger.reach(isUnknown ? .cancelledAfterAccept : .cancelledBeforeAccept)
    case .storageFailed:
      if !hasFailed.contains(call.voter) {
        ledger.violate("proposal \(call.id) ends because of a store that did not fail")
      }
    case .forgotten:
      let mayBeForgotten = call.once?.isRetry == true && ledger.mayForgetSessions(of: call.key)
      if mayBeForgotten && isUnknown { return ledger.reach(.onceForgotten) }
      if !isUnknown
        || ledger.stores.allSatisfy(\.floor.isZero)
          && ledger.stores.count <= RegisterState.maxLineage
      {
        ledger.violate("proposal \(call.id) was forgotten, and nothing was collected")
      }
      ledger.reach(.unknownForgotten)
    case .notAMember where ledger.mayBeNoMember(call.voter): ledger.reach(.noMember)
    case .ballotsExhausted, .otherChange, .machineStopped, .notAMember:
      ledger.violate("proposal \(call.id) ends because of \(why), which nobody gave a reason for")
    }
  }
}

extension RegisterSubject.Call {
  /// Whether it lists the registers.
  var isList: Bool {
    if case .list = operation { true } else { false }
  }

  /// Whether it may write at all.
  var mayWrite: Bool {
    switch operation {
    case .read, .barrierRead, .watch, .list, .membership: false
    case .forget, .changeMembership: true
    case .change(let change): !change.isReadOnly
    }
  }
}
