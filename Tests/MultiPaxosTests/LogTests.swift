import MultiPaxos
import Synod
import Testing

/// One log, one leader, the same state everywhere.
@Suite struct LogTests {
  @Test(arguments: [1, 2, 3, 5]) func aLeaderIsElectedAndCommandsAreApplied(voters: Int) {
    var world = World(voters)
    world.elect()
    let leader = world.leader!.rawValue
    let outcome = world.end(.command(.add(5)), at: leader)
    #expect(outcome?.number == 5)
    #expect(world.end(.command(.multiply(3)), at: leader)?.number == 15)
    #expect(world.end(.command(.divide(0)), at: leader) != nil)
    world.pass(200)
    world.expectAgreement()
    #expect(world[1].app.value == 15)
    #expect(world[1].app.history.count == 3)
  }

  @Test func aFollowerHandsItsProposalsToTheLeaderAndIsToldOfTheOutcomeItself() {
    var world = World(3)
    world.elect()
    let follower = world.voters.first { $0 != world.leader }!.rawValue
    #expect(world.end(.command(.add(7)), at: follower)?.number == 7)
    let refused = world.propose(.command(.add(1)), at: follower, importance: .maintain)
    #expect(world.completions[refused] == .notApplied(.notLeader(world.leader)))
  }

  @Test func whenTheLeaderDiesAnotherGoesOnFromWhatWasChosen() {
    var world = World(3, window: 8)
    world.elect()
    let old = world.leader!
    for number in 1...5 as ClosedRange<Int32> { world.add(number, at: old.rawValue) }
    world.calm()
    world.crash(old)
    let other = world.voters.first { $0 != old }!.rawValue
    #expect(world.end(.command(.add(100)), at: other)?.number == 115)
    world.restart(old)
    world.settle([])
    world.expectAgreement()
  }

  @Test func aMinorityChoosesNothing() {
    var world = World(3)
    world.elect()
    let leader = world.leader!
    for voter in world.voters where voter != leader { world.crash(voter) }
    let id = world.propose(.command(.add(1)), at: leader.rawValue, deadline: 500)
    for _ in 0..<100 { world.pass(10) }
    #expect(world.completions[id] == .unknown(.deadline))
    #expect(world[leader.rawValue].app.value == 0)
  }

  @Test func whatNeverLeftIsSurelyNotApplied() {
    var world = World(3)
    for voter in world.voters where voter != VoterID(1) { world.crash(voter) }
    let id = world.propose(.command(.add(1)), at: 1, deadline: 500)
    for _ in 0..<100 { world.pass(10) }
    #expect(world.completions[id] == .notApplied(.abandoned(.deadline)))
  }

  @Test(arguments: [1, 3, 16] as [UInt64], 0..<6 as Range<UInt64>)
  func lossRepetitionReorderingAndCrashesChangeNothing(window: UInt64, seed: UInt64) {
    var world = World(seed % 2 == 0 ? 3 : 5, window: window, seed: seed) {
      $0.maxRetained = seed % 3 == 0 ? 2 : 64
    }
    world.loss = 10
    world.duplication = 10
    var open: [ProposalID] = []
    for index in 0..<2500 {
      if index % 25 == 0 {
        let voter = UInt32(1 + world.draw(world.nodes.count))
        open.append(
          index % 75 == 0
            ? world.propose(.query(.value, .follower), at: voter)
            : world.add(Int32(index), at: voter))
      }
      world.step(crash: 4)
      if index % 500 == 499 {
        let voter = world.voters[world.draw(world.nodes.count)]
        world.sync(voter)
        world.compact(voter)
      }
    }
    for voter in world.voters { world.sync(voter) }
    world.settle([])
    world.expectAgreement()
    #expect(world.end(.command(.add(1)), at: 1) != nil)
    #expect(open.filter { world.completions[$0] != nil }.count > open.count / 4)
  }
}
