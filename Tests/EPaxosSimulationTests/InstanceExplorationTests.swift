import EPaxosSimulation
import Glibc
import Synod
import SynodSimulation
import Testing

/// Small worlds, walked as far as a test may take.
@Suite struct InstanceExplorationTests {
  static let budget = getenv("SYNOD_EXPLORE").flatMap { Int(String(cString: $0)) } ?? 1_500

  /// In a test run each world is walked to a bounded number of states; set `SYNOD_EXPLORE` to a number
  /// of states to go on.
  @Test(arguments: ExploredInstances.all.map(\.name))
  func nothingIsWrongInAnyWorld(_ name: String) throws {
    let world = try #require(ExploredInstances.named(name))
    let report = world.explore(limits: ExplorationLimits(states: Self.budget))
    #expect(
      report.violation == nil,
      "\(name): \(report.violation ?? "")\n\(report.trace.joined(separator: "\n"))")
  }

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
