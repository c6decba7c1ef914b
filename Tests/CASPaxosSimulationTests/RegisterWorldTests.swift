import CASPaxosSimulation
import Synod
import SynodSimulation
import Testing

/// The machine that ships, in the world that attacks it.
@Suite struct RegisterWorldTests {
  @Test(arguments: 0..<30)
  func appendsHold(_ seed: UInt64) {
    var world = World<RegisterSubject<AppendWorkload>>(RunPlan(seed: seed))
    #expect(world.run().outcome == .passed, "seed \(seed)")
  }

  @Test(arguments: 0..<30)
  func keysAndValuesHold(_ seed: UInt64) {
    var world = World<RegisterSubject<KeyValueWorkload>>(RunPlan(seed: seed))
    #expect(world.run().outcome == .passed, "seed \(seed)")
  }
}
