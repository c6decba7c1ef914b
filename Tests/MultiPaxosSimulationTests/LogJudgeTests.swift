import Synod
import SynodSimulation
import Testing

@testable import MultiPaxos
@testable import MultiPaxosSimulation

/// What the judge of the log must not let pass.
@Suite struct LogJudgeTests {
  typealias Subject = LogSubject<TapeWorkload>
  typealias Operation = MultiPaxos.Operation<Tape>

  /// A cluster of three of which all is told by hand.
  struct Told {
    var subject: Subject
    let ballot = Ballot(epoch: Epoch(0), counter: 1, voter: VoterID(1))
    var violation: String?
    private var asked: UInt64 = 0
    private var slot = Slot.none

    init(where suits: (Subject) -> Bool = { _ in true }) {
      var seed: UInt64 = 0
      repeat {
        var plan = RunPlan(seed: seed)
        plan.voters = 3
        plan.spares = 0
        plan.faults.clockDrift = 0
        var random = SplitMix(seed: seed)
        subject = Subject(plan, random: &random)
        seed += 1
      } while !suits(subject)
      let reserve = Record.reserve(counter: 8, number: 8, read: 8)
      note(subject.persisted([reserve], by: VoterID(1)))
    }

    mutating func note(_ what: String?) { if violation == nil { violation = what } }

    mutating func ask(_ operation: Operation, at voter: UInt32 = 1) -> ProposalID {
      asked += 1
      let id = ProposalID(asked)
      subject.invoked(
        Proposal(operation), as: id, of: Int(asked), at: VoterID(voter), moment: asked)
      return id
    }

    mutating func end(_ id: ProposalID, _ outcome: Outcome<Tape>, at voter: UInt32 = 1) {
      note(
        subject.ended(
          Completion(proposal: id, result: outcome), at: VoterID(voter), moment: 100 + id.rawValue))
    }

    static func entry(_ number: UInt64, _ operation: Operation, of voter: UInt32 = 1) -> Entry {
      let id = EntryID(origin: VoterID(voter), number: number)
      switch operation {
      case .command(let command): return Entry(.command, id: id, payload: command.encoded)
      case .lease(let request): return Entry(.lease, id: id, payload: request.encoded)
      case .changeMembership(let change): return Entry(.membership, id: id, payload: change.encoded)
      case .barrier: return Entry(.barrier, id: id)
      case .query, .transferLeadership: return .filler
      }
    }

    /// All of them accept it.
    @discardableResult
    mutating func choose(_ entry: Entry) -> Slot {
      slot = slot.next
      for voter in 1...3 as ClosedRange<UInt32> {
        let record = Record.accept(ballot, first: slot, [entry])
        note(subject.persisted([record], by: VoterID(voter)))
      }
      return slot
    }

    mutating func propose(_ entry: Entry) {
      let accept = Message.Accept(
        ballot: ballot, chosen: slot, first: slot.next, entries: [entry])
      note(subject.sent(Envelope(to: .peers, message: .accept(accept)), by: VoterID(1)))
    }
  }

  static let take = LeaseRequest.take(Bytes("lease 0"), holder: Bytes("client 1"), ticks: 500)

  // MARK: What ended as not applied

  @Test func aLeaseThatWasNotTakenIsNotHeld() {
    var told = Told()
    let id = told.ask(.lease(Self.take))
    told.end(id, .notApplied(.notLeader(nil)))
    #expect(told.violation == nil)
    told.choose(Told.entry(1, .lease(Self.take)))
    #expect(told.violation?.contains("may have it 0 times") == true)
  }

  @Test func nobodyIsToldThatALeaseWasNotTakenThatIsHeld() {
    var told = Told()
    let id = told.ask(.lease(Self.take))
    told.choose(Told.entry(1, .lease(Self.take)))
    #expect(told.violation == nil)
    told.end(id, .notApplied(.abandoned(.deadline)))
    #expect(told.violation?.contains("may have it 0 times") == true)
  }

  @Test func othersAreNotTheMembersWhomNobodyAskedFor() {
    var told = Told()
    let change = MembershipChange([.remove(VoterID(3))])
    told.choose(Told.entry(1, .changeMembership(change)))
    #expect(told.violation?.contains("may have it 0 times") == true)
  }

  @Test func oneIsNotToldWhatCameOfAnothersRequest() {
    var told = Told()
    let first = told.ask(.lease(Self.take))
    let other = told.ask(.lease(Self.take), at: 2)
    let slot = told.choose(Told.entry(1, .lease(Self.take)))
    told.choose(Told.entry(1, .lease(Self.take), of: 2))
    let lease = Lease(holder: Bytes("client 1"), fence: slot, version: slot, ticks: 500)
    told.end(first, .lease(.held(lease), at: slot))
    #expect(told.violation == nil)
    told.end(other, .lease(.held(lease), at: slot), at: 2)
    #expect(told.violation?.contains("does not give") == true)
  }

  @Test(
    arguments: [
      .notApplied(.malformed), .notApplied(.outdated), .notApplied(.noLease),
      .notApplied(.tooLarge(size: 3, limit: 9)), .unknown(.storageFailed), .unknown(.notAMember),
      .notApplied(.abandoned(.shutDown)),
    ] as [Outcome<Tape>])
  func nothingEndsForAReasonThatItHadNot(_ outcome: Outcome<Tape>) {
    var told = Told()
    told.end(told.ask(.barrier), outcome)
    #expect(told.violation?.contains("ends because of") == true)
  }

  @Test func whatIsAskedLastIsAskedUntilItIsAnswered() {
    var told = Told()
    _ = told.subject.closing()
    for _ in 0..<200 {
      let completion = Completion<Tape>(
        proposal: told.ask(.barrier), result: .notApplied(.notLeader(VoterID(2))))
      #expect(told.subject.mustAskAgain(completion))
      told.end(completion.proposal, completion.result)
    }
    #expect(told.violation == nil)
  }

  // MARK: What nodes tell

  /// Two commands that are applied.
  private func twoCommands() -> Told {
    var told = Told()
    for item in 1...2 as ClosedRange<UInt64> {
      let command = Operation.command(Tape.Command(key: 0, item: item))
      _ = told.ask(command)
      told.choose(Told.entry(item, command))
    }
    return told
  }

  @Test func anEventIsToldOnce() {
    var told = twoCommands()
    told.note(told.subject.heard(.event(1, at: Slot(1)), of: VoterID(2)))
    #expect(told.violation == nil)
    told.note(told.subject.heard(.event(1, at: Slot(1)), of: VoterID(2)))
    #expect(told.violation?.contains("tells of @1 after @1") == true)
  }

  @Test func anEventStandsWhereItIsSaidTo() {
    var told = twoCommands()
    told.note(told.subject.heard(.event(1, at: Slot(2)), of: VoterID(2)))
    #expect(told.violation?.contains("does not stand") == true)
  }

  @Test func noEventIsLeftOut() {
    var told = twoCommands()
    told.note(told.subject.heard(.event(2, at: Slot(2)), of: VoterID(2)))
    let machine = Subject.Machine(told.subject.settings(of: VoterID(2)))
    #expect(told.violation == nil)
    told.note(told.subject.inspect(machine, of: VoterID(2)))
    #expect(told.violation?.contains("leaves out @1") == true)
  }

  @Test func aSnapshotMayLeaveOutEvents() {
    var told = twoCommands()
    told.note(told.subject.heard(.installed(Slot(1)), of: VoterID(2)))
    told.note(told.subject.heard(.event(2, at: Slot(2)), of: VoterID(2)))
    let machine = Subject.Machine(told.subject.settings(of: VoterID(2)))
    told.note(told.subject.inspect(machine, of: VoterID(2)))
    #expect(told.violation == nil)
  }

  @Test func noMemberMayGo() {
    var told = twoCommands()
    told.note(told.subject.heard(.retired(Slot(1)), of: VoterID(2)))
    #expect(told.violation?.contains("it may not") == true)
  }

  @Test func noLeaseEndsThatIsHeld() {
    var told = Told()
    _ = told.ask(.lease(Self.take))
    let slot = told.choose(Told.entry(1, .lease(Self.take)))
    let lease = Lease(holder: Bytes("client 1"), fence: slot, version: slot, ticks: 500)
    told.note(told.subject.heard(.leaseEnded(Bytes("lease 0"), lease), of: VoterID(2)))
    #expect(told.violation?.contains("it did not") == true)
  }

  // MARK: The time of leases

  /// A lease of half a second, and an end of it that is proposed so many microseconds later.
  private func violation(after microseconds: UInt64) -> String? {
    var told = Told(where: \.needsTrueClocks)
    told.subject.timeIs(1_000_000)
    _ = told.ask(.lease(Self.take))
    let slot = told.choose(Told.entry(1, .lease(Self.take)))
    told.subject.timeIs(1_000_000 + microseconds)
    let expiry = LeaseRequest.expire(Bytes("lease 0"), version: slot)
    told.propose(Told.entry(2, .lease(expiry)))
    return told.violation
  }

  @Test func aLeaseLastsItsTime() {
    #expect(violation(after: 490_000)?.contains("lasts 500 ticks") == true)
    #expect(violation(after: 500_000) == nil)
  }

  @Test func aLeaseDoesNotOutlastItsTime() {
    var told = Told()
    _ = told.ask(.lease(Self.take))
    told.choose(Told.entry(1, .lease(Self.take)))
    told.subject.faultsEnded()
    #expect(told.subject.differing([]) == nil)
    told.subject.timeIs(60_000_000)
    #expect(told.subject.differing([])?.contains("does not end") == true)
  }
}
