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
      44_309_012_783,
      // A new voter knew the first voters alone, who were gone, and asked nobody that asked it.
      219_690_049_426, 594_816_820_484,
      // A slot that was known to be chosen was applied, and forgotten, before its leader had sent it.
      594_816_820_616,
    ] as [UInt64])
  func seedsThatFailedOnceHold(_ seed: UInt64) {
    var plan = RunPlan(seed: seed)
    // They are older than sieges.
    plan.faults.siegePercent = 0
    var world = World<LogSubject<TapeWorkload>>(plan)
    #expect(world.run().outcome == .passed, "seed \(seed)")
  }

  @Test(
    arguments: [
      // Questions for pieces of a snapshot came late, and each had it given anew from its first one.
      991_238_827_361, 991_238_827_280,
      // A superblock was lost where a torn one stood, and a power cut tore the other.
      308_754_640_823,
    ] as [UInt64])
  func seedsThatFailedSinceHold(_ seed: UInt64) {
    var world = World<LogSubject<TapeWorkload>>(RunPlan(seed: seed))
    #expect(world.run().outcome == .passed, "seed \(seed)")
  }
}
