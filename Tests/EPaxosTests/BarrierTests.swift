@testable import EPaxos
import Synod
import Testing

/// When barriers are proposed.
@Suite struct BarrierTests {
  /// Long commands take the memory of many.
  @Test func barriersComeByTheBytesThatAreKept() {
    var world = World(3) {
      $0.barrierEvery = 1 << 20
      $0.barrierBytes = 1 << 12
    }
    let keys = (0..<200).map { UInt8($0) }
    for round in 0..<200 {
      world.add(Int32(round), to: keys, at: UInt32(1 + round % 3))
      if round % 10 == 0 { world.pass(10) }
    }
    world.settle(600)
    for voter in 1...3 as ClosedRange<UInt32> { #expect(world[voter].instances.count < 60) }
    world.expectAgreement()
  }

  @Test func aNodeWhoseBarrierBecameVoidProposesAnother() {
    var world = World.directed(3) {
      $0.barrierEvery = 4
      $0.recoverAfter = 1 << 20
    }
    for number in 1...4 as ClosedRange<UInt64> {
      world.tell(
        .commit([.init(at(2, number), Value(World.command(Int32(number)), deps()))]),
        from: 2, to: 1)
    }
    let barrier = at(1, 1)
    #expect(world.held(barrier, at: 1).cmd == Batch([Entry(.barrier)]))
    world.tell(.commit([.init(barrier, .nop)]), from: 3, to: 1)
    #expect(world[1].isExecuted(barrier))
    #expect(world.held(at(1, 2), at: 1).cmd == Batch([Entry(.barrier)]))
    #expect(world.problems == [])
  }
}
