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

  @Test(
    arguments: [
      // A founder lost its disk and came back blank: what it had told was held against that.
      431_573_275_463, 431_573_275_572,
      // A slow disk: what had been promised was answered when it was durable, and forgotten by then.
      151_243_113_807,
      // A voter alone had decided to leave its epoch, and was killed before it knew that to be durable.
      484_878_076_809, 484_878_076_010,
      // Two that a snapshot could not reach asked for it again and again, and nobody else got one.
      284_965_173_890,
    ] as [UInt64])
  func seedsThatFailedOnceHold(_ seed: UInt64) {
    var world = World<InstanceSubject>(RunPlan(seed: seed))
    #expect(world.run().outcome == .passed, "seed \(seed)")
  }
}
