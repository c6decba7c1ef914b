import EPaxos
import Synod
import SynodSimulation
import Testing

@testable import EPaxosSimulation

/// The judge itself: what must not pass.
@Suite struct InstanceSubjectTests {
  static let one = VoterID(1)
  static let write = Proposal<Scrolls>(.command(.init(item: 1, writes: 1, reads: 0)))
  static let line = Scrolls.Line(item: 1, position: 1)
  static let head = Scrolls.Head(key: 0, count: 1, hash: Scrolls.hash(line, after: 0))

  var subject: InstanceSubject

  init() { subject = Self.subject(spares: 1) }

  static func subject(spares: Int) -> InstanceSubject {
    var random = SplitMix(seed: 1)
    var plan = RunPlan(seed: 1)
    plan.voters = 3
    plan.spares = spares
    return InstanceSubject(plan, random: &random)
  }

  mutating func ask(_ proposal: Proposal<Scrolls>, as id: UInt64) {
    subject.invoked(proposal, as: ProposalID(id), of: 0, at: Self.one, moment: 2 * id)
  }

  mutating func end(_ id: UInt64, _ outcome: Outcome<Scrolls>) -> String? {
    subject.ended(
      .init(proposal: ProposalID(id), result: outcome), at: Self.one, moment: 2 * id + 1)
  }

  func machine() -> InstanceSubject.Machine { .init(subject.settings(of: Self.one)) }

  @Test mutating func aReadIsToldOfTheKeysThatItAskedFor() {
    ask(Proposal(.query(.init(keys: 1), .linearizable)), as: 1)
    let wrong1 = end(1, .answered(.init([])))
    #expect(wrong1 != nil)
  }

  @Test mutating func aCommandIsToldOfTheKeysThatItTouches() {
    ask(Self.write, as: 1)
    let other = Scrolls.Head(key: 1, count: 0, hash: 0)
    let wrong2 = end(1, .applied(.init([other]), at: 1))
    #expect(wrong2 != nil)
  }

  @Test(arguments: [false, true])
  mutating func aBarrierPassesBehindAllThatWasToldBefore(_ isToldBefore: Bool) {
    ask(Self.write, as: 1)
    if isToldBefore {
      let told = end(1, .applied(.init([Self.head]), at: 1))
      #expect(told == nil)
    }
    ask(Proposal(.barrier), as: 2)
    if !isToldBefore {
      let told = end(1, .applied(.init([Self.head]), at: 1))
      #expect(told == nil)
    }
    let wrong5 = end(2, .passed)
    #expect(wrong5 == nil)
    // Its state holds nothing.
    let wrong = subject.inspect(machine(), of: Self.one)
    #expect((wrong != nil) == isToldBefore)
  }

  @Test mutating func whatIsNoChangeOfTheMembersDoesNotEndAsOne() {
    ask(Self.write, as: 1)
    let wrong6 = end(1, .notApplied(.members(.malformed)))
    #expect(wrong6 != nil)
  }

  @Test(arguments: [
    Outcome<Scrolls>.notApplied(.abandoned(.deadline)), .unknown(.storageFailed),
    .notApplied(.abandoned(.notAMember)), .unknown(.machineStopped),
  ])
  mutating func whatIsGivenUpHasAReason(_ outcome: Outcome<Scrolls>) {
    subject = Self.subject(spares: 0)
    ask(Self.write, as: 1)
    let told = end(1, outcome)
    #expect(told != nil)
  }

  @Test mutating func membersAreWhatSomebodyAskedFor() throws {
    let before = subject.roll.newest
    let change = MembershipChange([.remove(Self.one)], expected: 0)
    let after = try before.applying(change)
    let wrong7 = subject.heard(.members(after), of: Self.one)
    #expect(wrong7 != nil)
    var other = InstanceSubjectTests()
    other.ask(Proposal(.members(change)), as: 1)
    let wrong8 = other.end(1, .changed(after))
    #expect(wrong8 == nil)
    // Another epoch of the same number is none.
    let another = try before.applying(MembershipChange([.remove(VoterID(2))]))
    let wrong9 = other.subject.heard(.members(another), of: VoterID(2))
    #expect(wrong9 != nil)
  }

  @Test mutating func eventsAreToldOnceAndOfWhatIsApplied() {
    ask(Self.write, as: 1)
    let wrong10 = subject.inspect(machine(), of: Self.one)
    #expect(wrong10 == nil)
    let wrong11 = subject.heard(.event(1, at: 1), of: Self.one)
    #expect(wrong11 == nil)
    let wrong12 = subject.inspect(machine(), of: Self.one)
    #expect(wrong12 != nil)
    var (hearing, state) = (EventHearing(), Scrolls())
    hearing.ask(.init(item: 1, writes: 1, reads: 0))
    let wrong13 = hearing.look(at: state, of: Self.one)
    #expect(wrong13 == nil)
    _ = state.apply(.init(item: 1, writes: 1, reads: 0), at: ApplyContext(position: 1))
    hearing.tell(1, 1, at: Self.one)
    var silent = hearing
    let wrong14 = hearing.look(at: state, of: Self.one)
    #expect(wrong14 == nil)
    hearing.tell(1, 1, at: Self.one)
    let wrong15 = hearing.look(at: state, of: Self.one)
    #expect(wrong15 != nil)
    _ = state.apply(.init(item: 2, writes: 2, reads: 0), at: ApplyContext(position: 1))
    let wrong16 = silent.look(at: state, of: Self.one)
    #expect(wrong16 != nil)
  }

  /// A snapshot says of what it holds that it is decided, and of nothing else.
  @Test mutating func aSnapshotIsBelievedAsFarAsItGoes() {
    let (mine, its) = (
      Row(epoch: Epoch(0), owner: Self.one), Row(epoch: Epoch(0), owner: VoterID(2))
    )
    var through = Dependencies()
    through.insert(through: 3, of: mine)
    subject.ledger.stores[0].installed.through = through
    let holdsIt = subject.ledger.holds(through, 0)
    #expect(holdsIt)
    through.insert(through: 1, of: its)
    let holdsMore = subject.ledger.holds(through, 0)
    #expect(!holdsMore)
  }

  /// Of two that interfere one comes behind the other; or behind a barrier that does, where enough hold
  /// the other for it to be forgotten.
  @Test(arguments: [(false, 3), (true, 1), (true, 2)] as [(Bool, Int)])
  mutating func aBarrierStandsForWhatIsForgottenBehindIt(_ isBehindBarrier: Bool, _ holders: Int) {
    let ids = (1...3).map { InstanceID(row: Row(epoch: Epoch(0), owner: VoterID($0)), number: 1) }
    var (one, barrier) = (Dependencies(), Dependencies())
    one.insert(ids[0])
    barrier.insert(ids[1])
    let command = Scrolls.Command(item: 1, writes: 1, reads: 0)
    let write = Batch([Entry(.command, payload: command.encoded)])
    let values = [
      Value(write, Dependencies()), Value(Batch([Entry(.barrier)]), one),
      Value(write, isBehindBarrier ? barrier : Dependencies()),
    ]
    for (place, (id, value)) in zip(ids, values).enumerated() {
      for voter in 1...3 as ClosedRange<UInt32> {
        let record = Record.preaccepted(id, value, held: value.dep)
        subject.ledger.persisted([record], by: VoterID(voter))
      }
      for voter in 1...UInt32(place == 0 ? holders : 3) {
        subject.ledger.persisted([.committed(id, nil, value.dep)], by: VoterID(voter))
      }
    }
    #expect((subject.ledger.violation == nil) == (isBehindBarrier && holders > 1))
  }
}
