import Synod
import Testing

@testable import MultiPaxos

/// A node whose store was lost asks to take its place until it does, or cannot (rule 33).
@Suite struct RecoveryTests {
  /// Three voters, of whom 3 is lost, and 4, which is to take its place and hears of 3 by a snapshot.
  func makeWorld(adjust: (inout Settings) -> Void = { _ in }) -> World {
    var world = World(3, adjust: adjust)
    TraceTests().led(by: 1, &world)
    return world
  }

  func recovering(retained: Int) -> Settings {
    var settings = MembershipTests.joiner(4, mode: .recover(replacing: VoterID(3)), store: 1)
    settings.maxRetained = retained
    return settings
  }

  /// What it asked for was lost, and then it was given a snapshot of a state that does not know it.
  @Test func whatItAsksForOutlastsASnapshot() {
    var world = makeWorld { $0.maxRetained = 1 }
    for number in 1...9 as ClosedRange<Int32> { _ = world.end(.command(.add(number)), at: 1) }
    world.crash(VoterID(3))
    world.isLost = {
      if case .forward = $0.message { $0.from == VoterID(4) } else { false }
    }
    world.add(recovering(retained: 1))
    for _ in 0..<200 where world[4].statistics.installed == 0 { world.pass(20) }
    #expect(world[4].statistics.installed == 1)
    // It is the same question still.
    #expect(world[4].core.recovery.refusals == 0)
    world.isLost = { _ in false }
    for _ in 0..<100 { world.pass(20) }
    #expect(world[4].status.isVoter)
    #expect(world[1].schedule.newest.membership.member(VoterID(3)) == nil)
    world.expectAgreement([1, 2, 4])
  }

  /// What it asks for is refused while too many changes are under way, and asked for again.
  @Test func whatIsRefusedForNowIsAskedForAgain() {
    var world = World(3, window: 1000) { $0.decorations.fillsWindow = false }
    TraceTests().led(by: 1, &world)
    for number in 0..<Schedule.maxItems {
      _ = world.end(
        .changeMembership(
          MembershipChange([.setAddress(VoterID(1), Bytes(Array("\(number)".utf8)))])), at: 1)
    }
    #expect(world[1].schedule.items.count == Schedule.maxItems)
    world.crash(VoterID(3))
    var settings = recovering(retained: 8192)
    settings.window = 1000
    settings.decorations.fillsWindow = false
    world.add(settings)
    for _ in 0..<100 { world.pass(20) }
    #expect(world[4].status.applied > Slot(UInt64(Schedule.maxItems)))
    #expect(!world[4].status.isVoter)
    for _ in 0..<1000 { world.add(1, at: 1) }
    for _ in 0..<100 { world.pass(20) }
    #expect(world[4].status.isVoter)
    #expect(world.problems == [])
  }

  /// The log pinned the identity to another store than this, which was begun anew: it votes no more once it
  /// knows that, whatever it did before.
  @Test func aFirstVoterBegunAnewVotesNoMoreOnceItKnowsOfItsPin() {
    func store(_ number: UInt64, _ voter: UInt32) -> Identity128 {
      Identity128(high: number, low: UInt64(voter))
    }
    var world = World(3) { $0.store = store(1, $0.voter.rawValue) }
    TraceTests().led(by: 1, &world)
    _ = world.end(
      .changeMembership(MembershipChange([.pin(VoterID(3), store(1, 3))])), at: 1)
    for _ in 0..<5 { world.pass(20) }
    #expect(world[3].status.isVoter)
    world.crash(VoterID(3))
    // Nobody remembers what it acknowledged.
    for voter in 1...2 as ClosedRange<UInt32> { world.restart(VoterID(voter)) }
    var settings = Settings.test(3)
    settings.store = store(2, 3)
    world.checked[VoterID(3)] = nil
    world.add(settings)
    for _ in 0..<60 { world.pass(20) }
    #expect(world[3].stopped == .rolledBack)
    world.restart(VoterID(3))
    for _ in 0..<20 { world.pass(20) }
    #expect(!world[3].status.isVoter || world[3].stopped == .rolledBack)
    #expect(world.end(.command(.add(1)), at: 2)?.number == 1)
    #expect(world.problems == [])
  }

  /// Whose place it asks for is no voter, or nobody's: that fills no log.
  @Test(arguments: [5, 9] as [UInt32])
  func whoAsksForAPlaceThatIsNoVotersAsksSeldom(_ lost: UInt32) {
    var world = makeWorld()
    _ = world.end(
      StaleReadTests.change([.add(StaleReadTests.member(5, .learner))]), at: 1)
    let before = world[1].status.applied
    world.add(MembershipTests.joiner(12, mode: .recover(replacing: VoterID(lost)), store: 1))
    for _ in 0..<100 { world.pass(20) }
    #expect(world[12].status.applied >= before)
    #expect(world[1].status.applied < before.advanced(by: 8))
    #expect(!world[12].status.isVoter)
  }
}
