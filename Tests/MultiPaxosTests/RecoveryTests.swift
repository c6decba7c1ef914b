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
}
