import CASPaxosSimulation
import Synod
import SynodSimulation
import Testing

/// What a world is to try is tried often enough.
@Suite struct TornBlockTests {
  @Test func blocksOfSeveralSectorsAreTornInManyRunsWithCrashes() {
    var (crashed, torn) = (0, 0)
    for seed in 0..<300 as Range<UInt64> {
      var plan = RunPlan(seed: seed)
      plan.operations = min(plan.operations, 50)
      let report = Simulation<RegisterSubject<AppendWorkload>>.run(plan, events: 4_000)
      func count(_ name: String) -> UInt64 { report.injected.first { $0.name == name }?.count ?? 0 }
      if count("kill") + count("power cut") + count("power cut of all") > 0 { crashed += 1 }
      if count("disk: torn block of several sectors") > 0 { torn += 1 }
    }
    #expect(crashed > 100)
    #expect(torn * 50 >= crashed, "\(torn) of \(crashed)")
  }
}
