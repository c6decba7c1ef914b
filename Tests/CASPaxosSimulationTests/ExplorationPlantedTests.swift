#if PlantedBugs
  import Synod
  import SynodSimulation
  import Testing

  @testable import CASPaxosSimulation

  /// Mistakes that are planted are found by walking every run of a small world.
  @Suite struct ExplorationPlantedTests {
    @Test(arguments: [
      (PlantedBug.shortQuorum, "two-ballots"),
      (.reusedBallot, "cancelled-change"),
      (.lowerBallot, "two-ballots"),
      (.forgottenPromise, "two-ballots"),
      (.sentBeforeDurable, "one-change"),
      (.staleRead, "read"),
      (.unsettledRefusal, "refusal-and-read"),
      (.earlyErasure, "collect"),
    ])
    func aMistakeIsFound(_ bug: PlantedBug, in name: String) throws {
      let world = try #require(ExploredWorld.named(name))
      let report = PlantedBug.$planted.withValue(bug) { world.explore() }
      #expect(report.violation != nil, "\(bug) in \(name): \(report.states) states")
      #expect(report.trace.count == report.depth)
      print("\(bug) in \(name): \(report.states) states, \(report.violation ?? "not found")")
    }
  }
#endif
