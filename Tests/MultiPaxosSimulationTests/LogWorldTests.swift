import MultiPaxosSimulation
import Synod
import SynodSimulation
import Testing

/// The machine that ships, in the world that attacks it.
@Suite struct LogWorldTests {
  @Test(arguments: 0..<30 as Range<UInt64>)
  func tapesHold(_ seed: UInt64) {
    var world = World<LogSubject<TapeWorkload>>(RunPlan(seed: seed))
    #expect(world.run().outcome == .passed, "seed \(seed)")
  }

  @Test(arguments: 1_000..<1_010 as Range<UInt64>)
  func tapesHoldWhereNobodyJoins(_ seed: UInt64) {
    var plan = RunPlan(seed: seed)
    plan.spares = 0
    plan.memberPercent = 0
    var world = World<LogSubject<TapeWorkload>>(plan)
    #expect(world.run().outcome == .passed, "seed \(seed)")
  }

  @Test(
    arguments: [
      // Of the only quorum that knew what was chosen last one had left, and told nobody.
      44_309_012_783
    ] as [UInt64])
  func seedsThatFailedOnceHold(_ seed: UInt64) {
    var world = World<LogSubject<TapeWorkload>>(RunPlan(seed: seed))
    #expect(world.run().outcome == .passed, "seed \(seed)")
  }
}
