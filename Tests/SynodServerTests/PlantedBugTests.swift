import Testing

@testable import SynodServer

#if PlantedBugs
  import ArgumentParser
  import Synod

  /// Those of the log that are found within some hundred seeds.
  private let ofLogFoundSoon: [PlantedBug] = [
    .firstQuorumForAll, .filledReports, .silentPromise, .claimOfAnyBallot, .widerWindow,
    .overwritingSnapshot, .rejoinByName, .readWithoutPromises, .earlyOwnVote, .appliedTwice,
  ]

  /// And of instances.
  private let ofInstancesFoundSoon: [PlantedBug] = [
    .singleBallot, .agreedDependencies, .unheardObjections, .recomputedAnswer, .earlyCommit,
    .freeOfForgotten,
  ]

  /// The simulator finds what it is there to find.
  @Test(arguments: PlantedBug.ofRegisters + ofLogFoundSoon + ofInstancesFoundSoon)
  func everyPlantedMistakeIsFound(_ bug: PlantedBug) throws {
    let subject =
      PlantedBug.ofLog.contains(bug)
      ? "multipaxos" : PlantedBug.ofInstances.contains(bug) ? "epaxos" : "caspaxos"
    let options = try SimulateOptions(
      try SimulateCommand.parse(["--from", "1", "--protocol", subject]))
    let find = PlantedBugShow(options, limit: PlantedBugShow.mostSeeds).hunt(bug, time: 0)
    #expect(find.what != nil, "not found in \(find.seeds) seeds: \(bug.rawValue)")
    #expect(PlantedBug.planted == nil)
  }

  @Test func aMistakeIsPlantedByItsName() throws {
    let command = try SimulateCommand.parse(["--seed", "3", "--plant", "doubleVote"])
    let options = try SimulateOptions(command)
    #expect(options.command(for: options.plan(0), events: 9).hasSuffix("--plant doubleVote"))
    #expect(runSynod(["simulate", "--plant", "nothing"]) == 2)
  }

  @Test func wordsThatDifferFromRunToRunAreLeftOutOfATable() {
    #expect(PlantedBugShow.gist("voter 2 took 0.5.1 | late\nmore") == "voter … took … / late")
  }
#else
  @Test func noMistakeIsInWhatUsersBuild() {
    #expect(runSynod(["simulate", "--planted-bugs"]) == 2)
    #expect(runSynod(["simulate", "--plant", "doubleVote"]) == 2)
  }
#endif
