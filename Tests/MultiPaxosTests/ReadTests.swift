import MultiPaxos
import Synod
import Testing

/// Reads that see all that was told of before (rules 43 to 45), and what a leader may trust.
@Suite struct ReadTests {
  @Test(arguments: [Read.leader, .follower, .stale])
  func aReadSeesWhatWasToldOf(_ kind: Read) {
    var world = World(3)
    world.elect()
    let leader = world.leader!.rawValue
    _ = world.end(.command(.add(3)), at: leader)
    #expect(world.end(.query(.value, kind), at: leader)?.number == 3)
    let follower = world.voters.first { $0.rawValue != leader }!.rawValue
    let answer = world.end(.query(.value, kind), at: follower)
    switch kind {
    case .leader: #expect(answer == .notApplied(.notLeader(VoterID(leader))))
    case .follower: #expect(answer?.number == 3)
    case .lease, .stale: #expect(answer != nil)
    }
  }

  @Test func aLeaderThatIsCutOffAnswersNoRead() {
    var world = World(3)
    world.elect()
    let old = world.leader!
    world.nodes[old]!.isCutOff = true
    let read = world.propose(.query(.value, .leader), at: old.rawValue, deadline: 2000)
    world.pass(20)
    #expect(world.completions[read] == nil)
    let other = world.voters.first { $0 != old }!.rawValue
    #expect(world.end(.command(.add(4)), at: other)?.number == 4)
    world.pass(100)
    if case .answered = world.completions[read] { Issue.record("it was answered") }
    #expect(world.problems == [])
  }

  static func leased(_ settings: inout Settings) {
    settings.leaseDuration = 200
    settings.clockRateError = 0
    settings.leaseMargin = 1
  }

  /// A query under a lease, answered by a clock that is read when so many ticks have passed.
  func readUnderLease(
    at voter: VoterID, after ticks: UInt64 = 0, _ world: inout World
  ) -> Outcome<Calculator>? {
    world.proposed += 1
    let id = ProposalID(world.proposed)
    world.now += ticks
    let now = Ticks(world.now)
    world.with(voter) {
      $0.propose(Proposal(.query(.value, .lease)), as: id)
      $0.tick(to: now)
    }
    return world.completions[id]
  }

  @Test func aLeaderWithALeaseAnswersAtOnceAndNoLongerThanThat() {
    var world = World(3, adjust: Self.leased)
    world.elect()
    let leader = world.leader!
    _ = world.end(.command(.add(3)), at: leader.rawValue)
    world.pass(60)
    #expect(readUnderLease(at: leader, &world)?.number == 3)
    // Stopped, and woken late: the clock comes first.
    world.nodes[leader]!.isCutOff = true
    #expect(readUnderLease(at: leader, after: 198, &world)?.number == 3)
    #expect(readUnderLease(at: leader, after: 2, &world) == .notApplied(.noLease))
    let other = world.voters.first { $0 != leader }!
    #expect(readUnderLease(at: other, &world) == .notApplied(.notLeader(leader)))
  }

  /// Rule 44: the clock that says that a lease lives is read after the query came. A process that stood
  /// still between both would answer with what was true long ago.
  @Test func aLeaseIsLookedAtByAClockThatIsReadAfterTheQueryCame() {
    var world = World(3) {
      Self.leased(&$0)
      $0.decorations.checksQuorum = false
    }
    world.elect()
    let leader = world.leader!
    _ = world.end(.command(.add(3)), at: leader.rawValue)
    world.pass(60)
    let asked = ProposalID(1 << 40)
    world.with(leader) { $0.propose(Proposal(.query(.value, .lease)), as: asked) }
    #expect(world.completions[asked] == nil)
    #expect(world.nodes[leader]!.machine.nextDeadline! <= Ticks(world.now))
    // It stands still; meanwhile another leads, and a client is told of more.
    world.nodes[leader]!.isCutOff = true
    let other = world.voters.first { $0 != leader }!.rawValue
    let now = world.now
    let stopped = world.nodes.removeValue(forKey: leader)!
    #expect(world.end(.command(.add(4)), at: other)?.number == 7)
    #expect(world.now > now + 200)
    world.nodes[leader] = stopped
    world.turn(leader)
    #expect(world.completions[asked] == .notApplied(.noLease))
  }

  @Test func theTrustedTimeIsShorterByWhatClocksMayDiffer() {
    var settings = Settings.test(1, of: 1)
    settings.leaseDuration = 1_000
    settings.clockRateError = 100_000
    settings.leaseMargin = 8
    var world = World([settings])
    world.elect()
    // Of 1000 ticks 9/11 are kept, and 8 are taken off: 810, from when the heartbeat was sent, which
    // is at the end of each of these turns.
    world.now += 60
    world.turn(VoterID(1))
    #expect(readUnderLease(at: VoterID(1), after: 810, &world) == .notApplied(.noLease))
    #expect(readUnderLease(at: VoterID(1), after: 809, &world)?.number == 0)
  }

  /// One voter that has followed `leader` at `ballot`.
  func granted(to ballot: Ballot) -> CalculatorMachine {
    var settings = Settings.test(2)
    Self.leased(&settings)
    var machine = CalculatorMachine(settings)
    machine.tick(to: Ticks(1))
    var ready = Ready<CalculatorMachine>()
    machine.drain(into: &ready)
    machine.persisted(through: ready.batch)
    machine.receive(.heartbeat(ballot, chosen: .none, round: 1), from: ballot.voter)
    machine.drain(into: &ready)
    if !ready.persist.isEmpty { machine.persisted(through: ready.batch) }
    machine.tick(to: Ticks(1))
    return machine
  }

  static func ballot(_ counter: UInt64, _ voter: UInt32) -> Ballot {
    Ballot(epoch: Epoch(0), counter: counter, voter: VoterID(voter))
  }

  /// Rule 45: a live grant refuses other voters' accepts too, not only their prepares.
  @Test func aLiveGrantRefusesOthersPreparesAndAccepts() {
    var machine = granted(to: Self.ballot(5, 1))
    let other = Self.ballot(9, 3)
    func ask(_ machine: inout CalculatorMachine) {
      machine.receive(.prepare(other, from: Slot(1)), from: VoterID(3))
      machine.receive(
        .accept(.init(ballot: other, chosen: .none, first: Slot(1), entries: [.filler])),
        from: VoterID(3))
      machine.receive(.heartbeat(other, chosen: .none, round: 1), from: VoterID(3))
    }
    machine.tick(to: Ticks(200))
    ask(&machine)
    #expect(machine.status.promised == Self.ballot(5, 1))
    #expect(machine.accepted(at: Slot(1)) == nil)
    machine.tick(to: Ticks(201))
    ask(&machine)
    #expect(machine.status.promised == other)
    #expect(machine.accepted(at: Slot(1)) != nil)
  }

  /// Rule 44: a grant lasts from when the heartbeat came. The clock of the turn in which it came may have
  /// been read before that was sent.
  @Test func aGrantLastsFromTheNextReadingOfTheClock() {
    var settings = Settings.test(2)
    Self.leased(&settings)
    var machine = CalculatorMachine(settings)
    var ready = Ready<CalculatorMachine>()
    machine.tick(to: Ticks(1))
    machine.drain(into: &ready)
    machine.persisted(through: ready.batch)
    // The process stood still for 500 ticks behind its reading of the clock.
    machine.receive(.heartbeat(Self.ballot(5, 1), chosen: .none, round: 1), from: VoterID(1))
    machine.receive(.prepare(Self.ballot(9, 3), from: Slot(1)), from: VoterID(3))
    machine.tick(to: Ticks(501))
    machine.tick(to: Ticks(700))
    machine.receive(.prepare(Self.ballot(10, 3), from: Slot(1)), from: VoterID(3))
    #expect(machine.status.promised == Self.ballot(5, 1))
    machine.tick(to: Ticks(701))
    machine.receive(.prepare(Self.ballot(11, 3), from: Slot(1)), from: VoterID(3))
    #expect(machine.status.promised == Self.ballot(11, 3))
  }

  /// Rule 45: grants do not survive a restart, so everyone is refused for as long as the longest could
  /// live; the one whose ballot is promised is no exception.
  @Test func afterARestartEveryoneIsRefusedForTheLongestGrant() throws {
    let before = granted(to: Self.ballot(5, 1))
    var records: [Record] = []
    var cursor: CalculatorMachine.Cursor?
    repeat {
      cursor = before.restate(after: cursor, limit: 100, into: &records)
    } while cursor != nil
    var settings = before.settings
    settings.leaseDuration = 10
    var machine = CalculatorMachine(settings)
    for record in records { try machine.restore(record) }
    machine.tick(to: Ticks(1000))
    for voter in [1, 3] as [UInt32] {
      machine.receive(.prepare(Self.ballot(20, voter), from: Slot(1)), from: VoterID(voter))
      machine.receive(
        .accept(
          .init(
            ballot: Self.ballot(20, voter), chosen: .none, first: Slot(1), entries: [.filler])),
        from: VoterID(voter))
    }
    machine.tick(to: Ticks(1199))
    machine.receive(.prepare(Self.ballot(21, 1), from: Slot(1)), from: VoterID(1))
    #expect(machine.status.promised == Self.ballot(5, 1))
    #expect(machine.accepted(at: Slot(1)) == nil)
    machine.tick(to: Ticks(1200))
    machine.receive(.prepare(Self.ballot(22, 3), from: Slot(1)), from: VoterID(3))
    #expect(machine.status.promised == Self.ballot(22, 3))
  }
}
