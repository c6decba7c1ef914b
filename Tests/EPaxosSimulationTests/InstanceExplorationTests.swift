import EPaxosSimulation
import Synod
import SynodSimulation
import Testing

/// Small worlds, walked as far as a test may take.
@Suite struct InstanceExplorationTests {
  @Test func oneCommandIsDecidedInWhateverOrderMessagesCome() {
    let world = InstanceExploration(writes: [(0, 1)], budget: ExplorationBudget(timeOuts: 3))
    let report = ClusterExploration.explore(world)
    #expect(report.isExhaustive && report.states > 100, "\(report.trace)")
    #expect(report.sights.contains { $0.contains("applied") })
  }

  @Test func ofTwoThatInterfereOneComesBehindTheOther() {
    let world = InstanceExploration(
      writes: [(0, 1), (2, 1)], budget: ExplorationBudget(timeOuts: 3))
    let report = ClusterExploration.explore(world, limits: ExplorationLimits(states: 2_000))
    #expect(report.violation == nil && report.states >= 2_000, "\(report.trace)")
  }
}
