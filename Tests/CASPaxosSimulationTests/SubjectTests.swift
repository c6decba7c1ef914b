import CASPaxos
import CASPaxosSimulation
import Synod
import SynodSimulation
import Testing

@Suite struct SubjectTests {
  @Test(arguments: 0..<60)
  func itAgreesWithMachinesThatAreRight(_ seed: UInt64) {
    var world = SmallWorld<AppendWorkload>(RunPlan(seed: seed))
    world.run(operations: 120)
    #expect(world.violation == nil, "seed \(seed)")
  }
}
