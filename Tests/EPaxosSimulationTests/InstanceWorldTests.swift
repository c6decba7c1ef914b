import EPaxosSimulation
import Synod
import SynodSimulation
import Testing

/// The machine that ships, in the world that attacks it. Runs are short: whole ones are for `synod
/// simulate`.
@Suite struct InstanceWorldTests {
  @Test(arguments: 0..<8 as Range<UInt64>)
  func scrollsHold(_ seed: UInt64) {
    var plan = RunPlan(seed: seed)
    plan.voters = seed % 4 == 0 ? 5 : 3
    plan.operations = min(plan.operations, 30)
    plan.clients = min(plan.clients, 4)
    plan.spares = 0
    plan.memberPercent = 0
    var world = World<InstanceSubject>(plan)
    #expect(world.run().outcome == .passed, "seed \(seed)")
  }

  @Test(arguments: 0..<6 as Range<UInt64>)
  func scrollsHoldWhileTheMembersChange(_ seed: UInt64) {
    var plan = RunPlan(seed: seed)
    plan.voters = 3
    plan.operations = min(plan.operations, 40)
    plan.clients = min(plan.clients, 4)
    plan.spares = 4
    plan.memberPercent = 20
    var world = World<InstanceSubject>(plan)
    #expect(world.run().outcome == .passed, "seed \(seed)")
  }
}
