#if PlantedBugs
  import Synod
  import SynodSimulation
  import Testing

  @testable import CASPaxosSimulation

  /// Mistakes that are planted are found by walking every run of a small world.
  @Suite struct ExplorationPlantedTests {
    /// The mistakes of changing the members: each is told by what it breaks. That a retired voter returns
    /// takes one that leaves and one that comes, more than a small world can be walked with: it has a
    /// trace of its own.
    @Test(arguments: [
      (PlantedBug.skippedTransfer, "members-2-1-flexible", "k was not accepted anew in it"),
      (.copiedStates, "members-2-1", "k was not accepted anew in it"),
      (.earlyKeyList, "members-2-1", "voter 2 answers 1.2.1, and durable is 0"),
      (.ignoredEpoch, "members-2-1", "voter 2 answers 1.2.1, and durable is 0"),
      (.epochlessBallot, "members-old-epoch", "took effect at 2.6.1 and was lost at 2.102.2"),
      (.unguardedMembers, "members-duel", "two memberships were decided"),
      (.unguardedMembers, "members-add-remove", "two memberships were decided"),
      (.skippedTransfer, "members-two-keys", "k was not accepted anew in it"),
      (.copiedStates, "members-collect-leave", "k was not accepted anew in it"),
      (.erasureWithoutJoining, "members-collect", "does not descend from it"),
      (.ignoredEpoch, "members-return", "voter 3 answers 1.3.1, and durable is 0"),
    ])
    func aMistakeAboutTheMembersIsFound(
      _ bug: PlantedBug, in name: String, as what: String
    ) throws {
      let world = try #require(ExploredWorld.named(name))
      let report = PlantedBug.$planted.withValue(bug) { world.explore() }
      #expect(report.violation?.contains(what) == true, "\(bug): \(report.violation ?? "nothing")")
      #expect(report.trace.count == report.depth)
    }

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
