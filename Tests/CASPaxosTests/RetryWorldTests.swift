import Testing

@testable import CASPaxos

/// Exactly-once under losses, crashes, cuts, deletions and registers that forget.
@Suite struct RetryWorldTests {
  @Test func whateverIsAskedForOnceIsDoneOnceHoweverOftenItIsAskedFor() {
    var (recalled, forgotten, told, looks, asked, collected) = (0, 0, 0, 0, 0, UInt64(0))
    for seed in RandomWorld.seeds {
      var world = RetryWorld(seed: seed)
      world.run(steps: 2500)
      #expect(world.world.violations == [], "\(world.world.shape), overlaps \(world.overlaps)")
      recalled += world.recalled
      forgotten += world.forgotten
      told += world.granted.count
      looks += world.looks.count
      asked += world.asked
      collected += world.collected
    }
    if RandomWorld.seeds.count >= RandomWorld.seedsOfATest {
      #expect(
        told > 500 && recalled > 50 && forgotten > 10 && looks > 10,
        "\(told) \(recalled) \(forgotten) \(looks)")
      #expect(asked > 50 && collected > 0, "\(asked) \(collected)")
    }
  }
}
