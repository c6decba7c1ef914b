#if PlantedBugs
  import EPaxos
  import Synod
  import Testing

  /// Leaving a rule out is caught: by a schedule in which two decisions of one instance differ, at five
  /// voters where three cannot show it, or by the sentence that the rule is there for.
  @Suite struct PlantedRuleTests {
    /// Nothing is wrong with the schedule by itself; with the mistake in, two take one instance for
    /// two things.
    private func losesAgreement(_ bug: PlantedBug, _ schedule: () -> World) {
      #expect(schedule().problems == [])
      let world = PlantedBug.$planted.withValue(bug) { schedule() }
      #expect(world.problems.contains { $0.contains(" and, at ") }, "\(bug)")
    }

    /// Fails unless `sentence` does, with the mistake.
    private func isFound(_ bug: PlantedBug, by sentence: () -> Void) {
      withKnownIssue(Comment(rawValue: bug.rawValue)) {
        PlantedBug.$planted.withValue(bug) { sentence() }
      }
    }

    private static let (x, y) = (at(1, 1), at(3, 1))
    private static func value(_ number: Int32) -> Value { Value(World.command(number), deps()) }

    /// Y is decided by 3 with 2 and 4. The recovery of X counts the owner's own answer, and so holds as
    /// many as Y's, which yields to it.
    @Test func leavingOutR3() {
      losesAgreement(.unheededOwner) {
        var world = World.directed(5)
        world.furnish(1, [.preaccepted(Self.x, Self.value(1), held: deps())])
        world.tell(.preAccept(Self.x, Self.value(1)), from: 1, to: 5)
        world.network.removeAll()
        world.add(2, at: 3)
        world.ask(3, [2, 4], "preAccept", "preAccepted")
        world.recover(Self.x, at: 5)
        world.mingle(1, 4, 5)
        world.recover(Self.y, at: 5)
        world.mingle(2, 4, 5)
        return world
      }
    }

    /// X, whose owner decides it with 2 and 3, yields to a recovery of Y that found it at one voter.
    @Test func leavingOutTheThresholdOfW3() {
      losesAgreement(.yieldToAny) {
        var world = World.directed(5)
        let y = at(5, 1)
        world.add(1, at: 1)
        world.hand(1, 2, "preAccept")
        world.hand(1, 3, "preAccept")
        world.tell(.preAccept(y, Self.value(2)), from: 5, to: 4)
        world.recover(y, at: 4)
        world.ask(4, [1, 3], "recover", "holding")
        world.ask(4, [1, 3], "validate", "validated")
        world.recover(Self.x, at: 2)
        world.ask(2, [3, 4], "recover", "holding")
        world.ask(2, [3, 4], "validate", "validated")
        world.hand(4, 2, "waiting")
        world.hand(2, 1, "preAccepted")
        world.hand(3, 1, "preAccepted")
        world.mingle(2, 3, 4)
        return world
      }
    }

    /// X is decided by 1 with 2 and 3, who know that Y is void; 5, who does not, objects to X.
    @Test func takingTheVoidForWhatConflictsWithNothing() {
      losesAgreement(.commutingVoid) {
        var world = World.directed(5)
        world.tell(.preAccept(Self.y, Self.value(2)), from: 3, to: 5)
        world.recover(Self.y, at: 2)
        world.ask(2, [3, 4], "recover", "holding")
        world.mingle(2, 3, 4)
        world.network.removeAll { $0.to == VoterID(5) }
        world.add(1, at: 1)
        world.ask(1, [2, 3], "preAccept", "preAccepted")
        world.recover(Self.x, at: 2)
        world.mingle(2, 4, 5)
        return world
      }
    }

    /// What was accepted at ballot 1 is told of as if at 3, and so before what is chosen at 2.
    @Test func keepingOneBallot() {
      isFound(.singleBallot) { BugTests().aPromiseLendsAnAcceptedValueNoHigherBallot() }
    }

    /// The owner decides by the first answer and is gone; to the others nothing looks decided.
    @Test func decidingThoughDependenciesWereAdded() {
      losesAgreement(.agreedDependencies) {
        var world = BugTests.disagreement()
        world.crash(1)
        world.recover(Self.x, at: 2)
        world.mingle(2, 3)
        return world
      }
      isFound(.agreedDependencies) { BugTests().answersThatAgreeAgainstTheOwnerDoNotDecide() }
    }

    @Test func leavingOutTheGuardOfRule18() {
      isFound(.lateValidate) { BugTests().aLateValidateChangesNothing() }
    }

    @Test func objectingByWhatWasFound() {
      isFound(.foundDependencies) { RuleTests().anObjectionLooksAtWhatTheOwnerProposed() }
    }

    @Test func leavingOutTheSecondHalfOfV2() {
      isFound(.endlessWait) { RuleTests().twoThatOneEachHoldDoNotWaitForEver() }
    }

    @Test func ignoringWhatAValidationFinds() {
      isFound(.unheardObjections) { RuleTests().whatABarrierDidNotSeeComesBehindIt() }
    }

    @Test func answeringAnew() {
      isFound(.recomputedAnswer) { RuleTests().aRepeatedPreAcceptGetsTheSameAnswer() }
    }

    @Test func takingAMajorityForAFastQuorum() {
      isFound(.fastMajority) { BugTests().sevenVotersNeedFiveOnTheFastPath() }
    }

    @Test func tellingOfADecisionTooSoon() {
      isFound(.earlyCommit) { BugTests().aDecisionIsDurableBeforeAnyoneHearsOfIt() }
    }

    @Test func forgettingWhatAnEarlierLifeProposed() {
      isFound(.forgottenProposal) {
        LifeTests().whatAnEarlierLifeProposedIsInTheWayOfTheNext()
      }
    }

    @Test func takingTheForgottenForTheUnknown() {
      isFound(.unknownForgotten) { BugTests().theForgottenIsNotTakenForTheUnknown() }
    }
  }
#endif
