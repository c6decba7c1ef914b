import CASPaxos
import Synod
import Testing

/// Deletion and collection in worlds drawn from seeds.
@Suite struct CollectionWorldTests {
  /// Any shape, with registers that are often deleted and seldom used.
  static func world(from seed: UInt64) -> RandomWorld {
    var shape = RandomWorld.Shape.drawn(from: seed)
    shape.collectAfter = [1, 5, 20][Int(seed % 3)]
    shape.keys = 3
    shape.retransmitAfter = min(shape.retransmitAfter, 20)
    return RandomWorld(shape)
  }

  @Test(arguments: 0..<4 as Range<UInt64>)
  func whatIsDeletedAndCollectedStaysDeletedAndChangesCountOnce(part: UInt64) {
    var collected: UInt64 = 0
    var forgotten = 0
    for seed in RandomWorld.seeds where seed % 4 == part {
      var world = Self.world(from: seed)
      for _ in 0..<80 {
        let key = DuelTests.keys[world.draw(3)]
        if world.draw(3) == 0 {
          world.propose(.change(.delete), at: world.draw(world.nodes.count), key: key)
        } else {
          DuelTests.proposeAny(in: &world, key: key)
        }
        let steps = world.draw(5) == 0 ? 300 : world.shape.gap
        for _ in 0..<world.draw(steps) { world.step() }
        if world.draw(100) < world.faults.cancel {
          world.cancel(ProposalID(UInt64(1 + world.draw(world.calls.count))))
        }
      }
      for _ in 0..<200 { world.step() }
      guard DuelTests.expectSafe(&world, keys: DuelTests.keys) else { return }
      collected += world.nodes.reduce(0) { $0 + $1.machine.statistics.collected }
      forgotten += world.calls.values.count { $0.outcome.map { "\($0)" } == "unknown(forgotten)" }
    }
    #expect(collected > 0)
  }
}
