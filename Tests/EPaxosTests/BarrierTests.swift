@testable import EPaxos
import Synod
import Testing

/// Barriers that come to nothing.
@Suite struct BarrierTests {
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
