#if PlantedBugs
  import Synod
  import Testing

  /// Leaving a rule out is caught by the run that it is there for.
  @Suite struct PlantedRuleTests {
    /// Fails unless `run` does, with the mistake.
    private func isFound(_ bug: PlantedBug, by run: () throws -> Void) {
      withKnownIssue(Comment(rawValue: bug.rawValue)) {
        try PlantedBug.$planted.withValue(bug) { try run() }
      }
    }

    /// Rule 8.
    @Test(arguments: [PlantedBug.earlyMaximum, .firstQuorumForAll])
    func ofThePromisesOfASlot(_ bug: PlantedBug) {
      isFound(bug) {
        TraceTests().whatIsProposedInASlotIsJudgedByThePromisesOfItsOwnVoters()
      }
    }

    /// Rule 26.
    @Test func ofASnapshotOverWhatIsAccepted() {
      isFound(.overwritingSnapshot) {
        TraceTests().aSnapshotLeavesThePromiseAndWhatIsAcceptedBehindIt()
      }
    }

    /// Rules 32 and 33. (Of a store that comes back under its own name there is the run itself,
    /// `aForgottenPromiseLosesWhatWasChosen`.)
    @Test func ofALostStoreUnderItsOldName() {
      isFound(.rejoinByName) {
        MembershipTests().aStoreThatIsLostTwiceDoesNotTakeTheIdentityOfTheOneBefore()
      }
    }

    /// Rule 43.
    @Test func ofAReadWithoutPromises() {
      isFound(.readWithoutPromises) {
        TraceTests().aReadWaitsForThePromisesOfEveryConfigurationOfTheWindow()
      }
    }

    /// Rule 45.
    @Test func ofGrantsThatARestartForgets() {
      isFound(.forgottenGrants) { LeaseTraceTests().nothingIsChosenWhileAnotherLeaderReadsAlone() }
      isFound(.forgottenGrants) {
        try ReadTests().afterARestartEveryoneIsRefusedForTheLongestGrant()
      }
    }

    @Test func ofAGrantAgainstPreparesOnly() {
      isFound(.grantWithoutAccepts) { ReadTests().aLiveGrantRefusesOthersPreparesAndAccepts() }
    }

    @Test func ofAnExceptionForTheFirstLeader() {
      isFound(.exemptFirstLeader) {
        LeaseTraceTests().theFirstLeaderIsRefusedDuringAGrantOfALaterOne()
      }
    }

    @Test func ofALeaseThatCountsFromTheAnswer() {
      isFound(.leaseFromAnswer) { LeaseTraceTests().aLeaseCountsFromTheQuestion() }
    }
  }
#endif
