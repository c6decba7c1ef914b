@testable import EPaxos
import Synod
import Testing

/// Nodes that lost messages end alike, without further traffic.
@Suite struct TellingTests {
  /// Loses what is sent from now on and fits, until time passes.
  func lose(_ world: inout World, _ fits: @escaping (World.Parcel) -> Bool) {
    world.isHeldBack = fits
    world.calm()
    world.network.removeAll(where: fits)
    world.isHeldBack = { _ in false }
  }

  @Test func whoMissedTheLastDecisionsLearnsOfThemFromAnIdleCluster() {
    var world = World(3)
    world.isHeldBack = { _ in true }
    for key in 1...3 as ClosedRange<UInt8> { world.add(Int32(key), to: [key], at: 1) }
    lose(&world) { $0.to == VoterID(3) }
    #expect(world[2].app.histories.count == 3)
    #expect(world[3].app.histories.isEmpty)
    world.settle(400)
    #expect(world[3].app.histories.count == 3)
    world.expectAgreement()
    for voter in 1...3 as ClosedRange<UInt32> { #expect(world[voter].nextDeadline == nil) }
  }

  @Test func whatOnlyTheDeadKnewOfIsNotWaitedFor() {
    var world = World(3)
    world.isHeldBack = { _ in true }
    world.add(1, to: [1], at: 1)
    lose(&world) { $0.message.kind == "commit" }
    world.crash(1)
    #expect(world[2].app.histories.isEmpty)
    world.settle(600)
    // It was decided, so it is found.
    #expect(world.numbers(2, 1) == [1])
    world.restart(VoterID(1))
    world.settle(600)
    world.expectAgreement()
  }

  @Test func aRestartOfAllEndsInOneState() {
    var world = World(3)
    for round in 0..<9 {
      world.isHeldBack = { $0.message.kind == "commit" && $0.to == VoterID(UInt32(1 + round % 3)) }
      world.add(Int32(round), to: [UInt8(round)], at: UInt32(1 + round % 3))
      world.calm()
      world.network.removeAll()
    }
    for voter in world.voters { world.crash(voter.rawValue) }
    world.isHeldBack = { _ in false }
    for voter in world.voters { world.restart(voter) }
    world.settle(600)
    #expect(world[1].app.histories.count == 9)
    world.expectAgreement()
  }

  @Test func whoIsDeadIsToldMoreAndMoreSeldom() {
    var world = World(3)
    world.crash(3)
    world.add(1, at: 1)
    world.settle(200)
    var told: [UInt64] = []
    world.isHeldBack = { $0.to == VoterID(3) }
    for _ in 0..<1000 {
      world.network.removeAll { $0.to == VoterID(3) && $0.message.kind != "standing" }
      let before = world.network.count
      world.pass(20)
      if world.network.contains(where: { $0.from == VoterID(1) && $0.message.kind == "standing" }) {
        told.append(world.now)
      }
      #expect(world.network.count <= before + 4)
      world.network.removeAll { $0.to == VoterID(3) }
    }
    #expect((4...16).contains(told.count), "\(told)")
    let pauses = zip(told, told.dropFirst()).map { $1 - $0 }
    #expect(pauses.last ?? 0 > 1500)
    world.restart(VoterID(3))
    world.isHeldBack = { _ in false }
    world.settle(600)
    world.expectAgreement()
    #expect(world[1].nextDeadline == nil)
  }

  @Test func aRestartMakesFewInstancesVoidAndSoon() {
    var world = World(3) { $0.numberBlock = 256 }
    for key in 1...3 as ClosedRange<UInt8> { world.add(1, to: [key], at: 1) }
    world.settle(300)
    let used = world[1].instances.count
    world.restart(VoterID(1))
    // Nobody else is asked to find out: long before they would take it for dead.
    world.settle(70)
    let void = world[1].instances.filter { $0.instance.cmd?.isNop ?? false }
    #expect((1...16).contains(void.count))
    #expect(world[1].instances.count == used + void.count)
    #expect(world[2].statistics.recoveries == 0 && world[3].statistics.recoveries == 0)
    let proposal = world.add(2, at: 1)
    world.calm()
    #expect(world.completions[proposal]?.number == 2)
  }

  @Test func blocksOfNumbersGrowWhereProposalsWaitForThem() {
    var world = World.directed(3) {
      $0.numberBlock = 64
      $0.maxBatch = 1
    }
    #expect(world[1].reserved <= 16)
    for number in 0..<200 { world.add(Int32(number), at: 1) }
    world.calm()
    #expect(world[1].instances.count == 200)
    #expect((200...200 + 2 * 64).contains(world[1].reserved))
    var idle = World.directed(3) { $0.numberBlock = 64 }
    for number in 0..<6 { idle.add(Int32(number), at: 1) }
    idle.calm()
    #expect(idle[1].reserved <= 16)
  }
}
