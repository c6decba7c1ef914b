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

  @Test func aLeaderWithALeaseAnswersAtOnceAndNoLongerThanThat() {
    var world = World(3, adjust: Self.leased)
    world.elect()
    let leader = world.leader!
    _ = world.end(.command(.add(3)), at: leader.rawValue)
    world.pass(60)
    let read = world.propose(.query(.value, .lease), at: leader.rawValue)
    #expect(world.completions[read]?.number == 3)
    // Stopped, and woken late: the clock comes first.
    world.nodes[leader]!.isCutOff = true
    world.now += 198
    let late = world.propose(.query(.value, .lease), at: leader.rawValue)
    #expect(world.completions[late]?.number == 3)
    world.now += 2
    let over = world.propose(.query(.value, .lease), at: leader.rawValue)
    #expect(world.completions[over] == .notApplied(.noLease))
    let other = world.voters.first { $0 != leader }!.rawValue
    let refused = world.propose(.query(.value, .lease), at: other)
    #expect(world.completions[refused] == .notApplied(.notLeader(leader)))
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
    world.propose(.query(.value, .stale), at: 1)
    world.now += 810
    let late = world.propose(.query(.value, .lease), at: 1)
    #expect(world.completions[late] == .notApplied(.noLease))
    world.now += 809
    let inTime = world.propose(.query(.value, .lease), at: 1)
    #expect(world.completions[inTime]?.number == 0)
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
