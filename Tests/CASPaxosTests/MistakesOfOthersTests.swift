import Synod
import Testing

@testable import CASPaxos

@Suite struct MistakesOfOthersTests {
  @Test("Gryadka: a promise kept for later is used once, whatever became of the accept")
  func aPromiseKeptForLaterIsUsedOnce() { MistakesOfOthers.keepingAPromiseThatWasUsed() }

  @Test("caspaxos-kv: silence is no success, and one ballot has one value")
  func silenceIsNoSuccess() { MistakesOfOthers.takingSilenceForSuccess() }

  @Test("durable-utils: a change whose accept had no answer is applied once")
  func aChangeWhoseAcceptHadNoAnswerIsAppliedOnce() { MistakesOfOthers.applyingAChangeAgain() }

  @Test("durable-utils: what is under way keeps its ballot, and a promise its key")
  func whatIsUnderWayKeepsItsBallot() throws {
    try MistakesOfOthers.sharingBallotsAndMixingUpKeys()
  }

  @Test("Kshaka: a quorum is a quorum of all voters, for both phases", arguments: 2...7)
  func aQuorumIsAQuorumOfAllVoters(_ voters: Int) {
    MistakesOfOthers.countingTowardsAMovingNumber(voters)
  }

  @Test("Kshaka: equal counters are told apart by their voters")
  func equalCountersAreToldApart() { MistakesOfOthers.leavingTheIdentityOut() }

  @Test("Kshaka: no ballot is drawn twice, not after a failure and not at one time")
  func noBallotIsDrawnTwice() { MistakesOfOthers.beginningTheCounterAnew() }

  @Test("Kshaka: promise, ballot and value do not tear")
  func promiseBallotAndValueDoNotTear() { MistakesOfOthers.tearingAnAcceptance() }

  @Test("peterbourgon/caspaxos: the counter never falls, and a ballot is taken once")
  func theCounterNeverFalls() { MistakesOfOthers.loweringTheCounter() }

  @Test("peterbourgon/caspaxos: every key is transferred when the voters change")
  func everyKeyIsTransferredWhenTheVotersChange() { MistakesOfOthers.transferringOneKey() }

  @Test("peterbourgon/caspaxos: a value is not collected, whatever was read before")
  func aValueIsNotCollected() { MistakesOfOthers.collectingAValue() }

  @Test("peterbourgon/caspaxos: what is erased is known by its ballot, not by its bytes")
  func whatIsErasedIsKnownByItsBallot() { MistakesOfOthers.erasingByBytes() }

  @Test("peterbourgon/caspaxos: what stands for what was erased only rises")
  func aFloorOnlyRises() { MistakesOfOthers.loweringAFloor() }

  @Test("peterbourgon/caspaxos: a growth is undone by all or by none")
  func aGrowthIsUndoneByAllOrByNone() { MistakesOfOthers.ignoringThatAnUndoFailed() }

  @Test("caspaxos-kv: a promise outlives a restart")
  func aPromiseOutlivesARestart() throws { try MistakesOfOthers.forgettingPromises() }

  @Test(
    "fast-caspaxos: what a client is told is settled",
    arguments: [.read, .change(.swap(1, for: 2)), .change(.get)] as [CASPaxos.Operation<Counter>])
  func whatAClientIsToldIsSettled(_ operation: CASPaxos.Operation<Counter>) {
    MistakesOfOthers.answeringFromWhatIsNotSettled(operation)
  }

  @Test("fast-caspaxos: a reply leaves when what it says is saved")
  func aReplyLeavesWhenWhatItSaysIsSaved() { MistakesOfOthers.answeringBeforeSaving() }

  @Test("fast-caspaxos: a restarted proposer goes on counting")
  func aRestartedProposerGoesOnCounting() throws {
    try MistakesOfOthers.countingFromOneAfterARestart()
  }

  @Test("The Python prototype: a conflict is overcome, and an acceptance outranks a prepare")
  func aConflictIsOvercome() { MistakesOfOthers.waitingAfterAConflict() }

  @Test("Scylla: an acceptor takes nothing below what it accepted")
  func anAcceptorTakesNothingBelowWhatItAccepted() throws {
    try MistakesOfOthers.acceptingByThePromiseAlone()
  }

  @Test("An early TLA+ model: what is committed may derive from what never was")
  func whatIsCommittedMayDeriveFromWhatNeverWas() throws {
    try MistakesOfOthers.takingWhatIsCommittedForAChain()
  }

  #if PlantedBugs
    /// With the mistake planted, its test fails.
    @Test func plantedMistakesAreSeen() throws {
      let bodies: [(PlantedBug, () throws -> Void)] = [
        (.reusedBallot, MistakesOfOthers.keepingAPromiseThatWasUsed),
        (.reusedBallot, MistakesOfOthers.takingSilenceForSuccess),
        (.doubleApply, MistakesOfOthers.applyingAChangeAgain),
        (.shortQuorum, { MistakesOfOthers.countingTowardsAMovingNumber(3) }),
        (.counterAlone, MistakesOfOthers.leavingTheIdentityOut),
        (.forgottenPromise, MistakesOfOthers.forgettingPromises),
        (.skippedTransfer, MistakesOfOthers.transferringOneKey),
        (.erasureByValue, MistakesOfOthers.erasingByBytes),
        (.forgottenFloor, MistakesOfOthers.loweringAFloor),
        (.staleRead, { MistakesOfOthers.answeringFromWhatIsNotSettled(.read) }),
        (
          .unsettledRefusal,
          { MistakesOfOthers.answeringFromWhatIsNotSettled(.change(.swap(1, for: 2))) }
        ),
        (.sentBeforeDurable, MistakesOfOthers.answeringBeforeSaving),
        (.forgottenReservation, MistakesOfOthers.countingFromOneAfterARestart),
        (.sharedBallot, MistakesOfOthers.sharingBallotsAndMixingUpKeys),
        (.restartedCounter, MistakesOfOthers.beginningTheCounterAnew),
        (.tornAcceptance, MistakesOfOthers.tearingAnAcceptance),
        (.loweredCounter, MistakesOfOthers.loweringTheCounter),
        (.collectedValue, MistakesOfOthers.collectingAValue),
        (.endlessPrepare, MistakesOfOthers.waitingAfterAConflict),
        (.looseAcceptance, MistakesOfOthers.acceptingByThePromiseAlone),
        (.oldestState, MistakesOfOthers.takingWhatIsCommittedForAChain),
      ]
      for (bug, body) in bodies {
        withKnownIssue("\(bug)") { try PlantedBug.$planted.withValue(bug) { try body() } }
      }
    }
  #endif
}
