import Synod
import SynodSimulation
import Testing

@Suite struct RunPlanTests {
  @Test func aSeedGivesTheSamePlanAlways() {
    for seed in 0..<100 as Range<UInt64> {
      #expect(RunPlan(seed: seed) == RunPlan(seed: seed))
      #expect((1...7).contains(RunPlan(seed: seed).voters))
    }
    #expect(RunPlan(seed: 1) != RunPlan(seed: 2))
  }
}
