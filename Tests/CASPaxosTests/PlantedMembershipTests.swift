#if PlantedBugs
  import Synod
  import Testing

  @testable import CASPaxos

  /// Each mistake about the members makes the trace fail that is there for it.
  @Suite struct PlantedMembershipTests {
    /// Fails unless `trace` does, with the mistake.
    private func isFound(_ bug: PlantedBug, by trace: () throws -> Void) {
      withKnownIssue(Comment(rawValue: bug.rawValue)) {
        try PlantedBug.$planted.withValue(bug) { try trace() }
      }
    }

    @Test func skippingTheTransfer() {
      isFound(.skippedTransfer) { try MembershipTraceTests().theTransferCoversEveryRegister() }
    }

    @Test func listingTheKeysTooEarly() {
      isFound(.earlyKeyList) {
        try MembershipTraceTests().pagesCountOnlyFromVotersThatHaveAdoptedTheEpoch()
      }
    }

    @Test func ignoringTheEpoch() {
      isFound(.ignoredEpoch) {
        try MembershipTraceTests()
          .aDelayedAcceptDoesNotOverwriteWhatWasChosenAfterADiskWasLost()
      }
    }

    @Test func leavingTheEpochOutOfTheComparison() {
      isFound(.epochlessBallot) {
        try MembershipTraceTests().anAcceptOfAnOldEpochOutranksNothingThatTheNewOneWrote()
      }
    }

    @Test func droppingTheGuard() {
      isFound(.unguardedMembers) {
        try AdoptionTests().aBaseOfAHigherEpochIsWrittenBackBeforeItIsChanged()
      }
    }

    @Test func lettingARetiredVoterReturn() {
      isFound(.returningVoter) { try MembershipTraceTests().aRetiredVoterNeverVotesAgain() }
    }
  }
#endif
