@testable import EPaxos
import Synod
import Testing

/// Mistakes that others made, each with the schedule that shows it.
@Suite struct BugTests {
  let x = at(1, 1)

  /// B1: with one field for what is promised and at what ballot a value was accepted, a promise lends
  /// an old value a new rank (Sutra 2019).
  @Test func aPromiseLendsAnAcceptedValueNoHigherBallot() {
    var world = World.directed(3)
    let c = World.command(1)
    let y = at(3, 1)
    world.furnish(2, [.accepted(x, .zero, c, deps()), .promised(x, ballot(1, 3))])
    world.furnish(3, [.accepted(x, ballot(1, 3), c, deps(y)), .promised(x, ballot(3, 3))])
    #expect(world.held(x, at: 3).abal == ballot(1, 3))
    #expect(world.held(x, at: 3).bal == ballot(3, 3))
    // 2 has its value accepted at ballot 2 by 1; that it was is still on its way.
    world.recover(x, at: 2)
    #expect(world.held(x, at: 2).bal == ballot(2, 2))
    world.ask(2, [1], "recover", "holding")
    world.hand(2, 1, "accept")
    #expect(world.held(x, at: 1).abal == ballot(2, 2))
    var late = world
    // The value at ballot 2 is chosen. Whoever recovers over 1 and 3 must find that one.
    world.nodes[VoterID(2)]!.isCutOff = true
    world.recover(x, at: 1)
    world.hand(1, 3, "recover")
    world.hand(3, 1, "refused")
    for _ in 0..<60 where world.decided(x, at: 1) == nil {
      world.pass(20)
      world.mingle(1, 3)
    }
    #expect(world.decided(x, at: 1) == Value(c, deps()))
    // For as soon as the answer comes it counts.
    late.hand(1, 2, "accepted")
    #expect(late.decided(x, at: 2) == world.decided(x, at: 1))
    #expect(world.problems + late.problems == [])
  }

  /// Two recoveries that wait for each other: X, of voter 1, is held unchanged by 2 and 3; Y, of voter
  /// 7, by 4, 5 and 6.
  static func duel() -> World {
    var world = World.directed(7)
    let (x, y) = (at(1, 1), at(7, 1))
    world.tell(.preAccept(x, Value(World.command(1), deps())), from: 1, to: 2, 3)
    world.tell(.preAccept(y, Value(World.command(2), deps())), from: 7, to: 4, 5, 6)
    world.furnish(7, [.preaccepted(y, Value(World.command(2), deps()), held: deps())])
    world.network.removeAll()
    return world
  }

  /// B2: the first EPaxos has each recovery put off for the other, for ever. Here one process recovers
  /// both, and frees exactly one (rules 22, W3 and W2).
  @Test func ofTwoRecoveriesThatWaitForEachOtherOneYields() {
    var world = Self.duel()
    let y = at(7, 1)
    world.recover(x, at: 4)
    world.ask(4, [2, 3, 7], "recover", "holding")
    world.ask(4, [2, 3, 7], "validate", "validated")
    #expect(world[4].statistics.validationRows == [0, 0, 1])
    world.network.removeAll()
    world.recover(y, at: 4)
    world.ask(4, [2, 5, 6], "recover", "holding")
    world.ask(4, [2, 5, 6], "validate", "validated")
    // It heard itself say that three hold Y unchanged: X was never decided.
    #expect(world[4].statistics.waitingRows[2] == 1)
    // The owners stay silent: their answers would end it, too (W4).
    world.network.removeAll { $0.message.kind == "recover" }
    world.mingle(2, 3, 4, 5, 6, 7)
    #expect(world.decided(x, at: 4) == .nop)
    #expect(world.decided(y, at: 4) == Value(World.command(2), deps()))
    #expect(world[4].statistics.waitingRows[1] == 1)
    #expect(world.problems == [])
  }

  /// B2 with two processes.
  @Test func twoProcessesThatWaitForEachOtherAreFreed() {
    var world = Self.duel()
    let y = at(7, 1)
    world.recover(x, at: 2)
    world.ask(2, [3, 4, 7], "recover", "holding")
    world.ask(2, [3, 4, 7], "validate", "validated")
    world.recover(y, at: 5)
    world.ask(5, [2, 4, 6], "recover", "holding")
    world.ask(5, [2, 4, 6], "validate", "validated")
    #expect(world[2].statistics.validationRows == [0, 0, 1])
    #expect(world[5].statistics.validationRows == [0, 0, 1])
    world.hand(5, 2, "waiting")
    #expect(world[2].statistics.waitingRows[2] == 1)
    world.network.removeAll { $0.message.kind == "recover" }
    world.mingle(2, 3, 4, 5, 6, 7)
    #expect(world.decided(x, at: 5) == .nop)
    #expect(world.decided(y, at: 2) == Value(World.command(2), deps()))
    #expect(world.problems == [])
  }

  /// B3: a repeated Validate must not put the owner's command in the place of what was accepted since.
  @Test func aLateValidateChangesNothing() {
    var world = World.directed(3)
    let y = at(3, 1)
    world.tell(.preAccept(x, Value(World.command(1), deps())), from: 1, to: 2)
    world.tell(.commit([.init(y, Value(World.command(2), deps()))]), from: 1, to: 3)
    world.recover(x, at: 3)
    world.ask(3, [2], "recover", "holding")
    world.hand(3, 2, "validate", keeping: true)
    world.hand(2, 3, "validated")
    #expect(world[3].statistics.validationRows == [0, 1, 0])
    world.hand(3, 2, "accept")
    #expect(world.held(x, at: 2).cmd == .nop)
    let before = world.held(x, at: 2)
    world.hand(3, 2, "validate")
    #expect(world.held(x, at: 2) == before)
    #expect(!world.network.contains { $0.message.kind == "validated" })
    #expect(world.problems == [])
  }

  /// B4: a majority is a fast quorum of three and five voters only.
  @Test func sevenVotersNeedFiveOnTheFastPath() {
    let sizes = [1, 2, 3, 4, 5, 6, 7, 9].map { Thresholds(voters: $0) }
    #expect(sizes.map(\.slow) == [1, 2, 2, 3, 3, 4, 4, 5])
    #expect(sizes.map(\.fast) == [1, 2, 2, 3, 3, 4, 5, 6])
    for size in sizes {
      let (n, e, f) = (size.voters, size.fastFailures, size.failures)
      #expect(n >= 2 * e + f - 1 && n >= 2 * f + 1 && e <= f)
    }
    var world = World.directed(7)
    world.add(1, at: 1)
    world.ask(1, [2, 3, 4], "preAccept", "preAccepted")
    #expect(world.decided(x, at: 1) == nil)
    world.ask(1, [5], "preAccept", "preAccepted")
    #expect(world.decided(x, at: 1) != nil)
  }

  /// B5: answers that agree with each other but not with the owner do not decide.
  @Test func answersThatAgreeAgainstTheOwnerDoNotDecide() {
    var world = World.directed(3)
    let y = at(3, 1)
    world.tell(.preAccept(y, Value(World.command(2), deps())), from: 3, to: 2)
    world.furnish(3, [.preaccepted(y, Value(World.command(2), deps()), held: deps())])
    world.network.removeAll()
    world.add(1, at: 1)
    world.ask(1, [2, 3], "preAccept", "preAccepted")
    #expect(world.decided(x, at: 1) == nil)
    #expect(world[1].statistics.slow == 1 && world[1].statistics.fast == 0)
    #expect(world.held(x, at: 1).dep.contains(y))
  }

  /// B6: what is void has no dependencies, so a chain through it would be cut; prefixes are not.
  @Test func aVoidInstanceCutsNoChain() {
    let (a, b, c) = (at(1, 1), at(1, 2), at(2, 1))
    let decisions: [InstanceID: Value] = [
      a: Value(World.command(1), deps()), b: .nop, c: Value(World.command(3), deps(b)),
    ]
    for order in [[a, b, c], [c, b, a], [b, c, a], [c, a, b]] {
      var world = World.directed(3)
      for id in order { world.tell(.commit([.init(id, decisions[id]!)]), from: 1, to: 3) }
      #expect(world.numbers(3) == [1, 3])
    }
  }

  /// B7: members of a cycle are executed in one order, wherever it is entered.
  @Test func aCycleIsExecutedInOneOrder() {
    let (a, b, c) = (at(1, 1), at(2, 1), at(3, 1))
    let decisions: [InstanceID: Value] = [
      a: Value(World.command(1), deps(c)), b: Value(World.command(2), deps(a)),
      c: Value(World.command(3), deps(b)),
    ]
    for order in [[a, b, c], [c, b, a], [b, c, a], [c, a, b]] {
      var world = World.directed(3)
      for id in order { world.tell(.commit([.init(id, decisions[id]!)]), from: 1, to: 2) }
      #expect(world.numbers(2) == [1, 2, 3])
    }
  }

  /// B8: what waits for an instance that nobody decides stops nothing else, and has that recovered.
  @Test func whatWaitsForTheUndecidedBlocksNothingElse() {
    var world = World(3)
    world.crash(3)
    world.tell(
      .commit([.init(at(3, 2), Value(World.command(9), deps(at(3, 1))))]), from: 1, to: 2)
    #expect(world.numbers(2) == [])
    let other = world.add(5, to: [1], at: 2)
    world.calm()
    #expect(world.completions[other]?.number == 5)
    #expect(world.numbers(2) == [])
    world.settle(1000)
    #expect(world.decided(at(3, 1), at: 2) == .nop)
    #expect(world.numbers(2) == [9])
  }

  /// B9: an answer leaves when what it says is durable.
  @Test func answersWaitForTheStore() {
    var world = World.directed(3)
    world.with(VoterID(2)) {
      $0.receive(.preAccept(x, Value(World.command(1), deps())), from: VoterID(1))
    }
    #expect(!world.network.contains { $0.message.kind == "preAccepted" })
    world.sync(VoterID(2))
    #expect(world.network.contains { $0.message.kind == "preAccepted" })
    world.with(VoterID(2)) {
      $0.receive(.accept(.zero, x, Value(World.command(1), deps())), from: VoterID(1))
    }
    #expect(!world.network.contains { $0.message.kind == "accepted" })
    world.sync(VoterID(2))
    #expect(world.network.contains { $0.message.kind == "accepted" })
  }

  /// B10: what is promised and at what ballot was accepted are two numbers on disk, too.
  @Test func bothBallotsSurviveARestart() {
    var world = World.directed(3)
    world.tell(.accept(ballot(2, 3), x, Value(World.command(1), deps())), from: 3, to: 2)
    world.tell(.recover(ballot(9, 3), x), from: 3, to: 2)
    for round in 0..<2 {
      if round == 1 { world.compact(VoterID(2)) }
      world.restart(VoterID(2))
      #expect(world.held(x, at: 2).bal == ballot(9, 3))
      #expect(world.held(x, at: 2).abal == ballot(2, 3))
    }
  }

  /// B11: a recovery is of the row of the instance, not of whoever recovers.
  @Test func aRecoveryTouchesNoOtherRow() {
    var world = World.directed(3)
    let id = at(1, 7)
    world.tell(.preAccept(id, Value(World.command(1), deps())), from: 1, to: 2, 3)
    world.recover(id, at: 3)
    world.ask(3, [2], "recover", "holding")
    world.ask(3, [2], "validate", "validated")
    world.mingle(2, 3)
    #expect(world.decided(id, at: 2) == Value(World.command(1), deps()))
    #expect(world[3].instance(at(3, 7)) == nil && world[2].instance(at(3, 7)) == nil)
  }

  /// B12: whoever accepts knows what.
  @Test func anAcceptThatOvertakesBringsItsCommand() {
    var world = World.directed(3)
    world.tell(.accept(.zero, x, Value(World.command(1), deps())), from: 1, to: 2)
    #expect(world.held(x, at: 2).cmd == World.command(1))
    // What is known from an accept only was not proposed to this node: it does not object.
    #expect(world.held(x, at: 2).initCmd == nil)
    world.add(2, at: 2)
    #expect(world.held(at(2, 1), at: 2).dep == deps(x))
    world.tell(.preAccept(x, Value(World.command(1), deps())), from: 1, to: 2)
    #expect(world.held(x, at: 2).phase == .accepted)
  }

  /// B13: nobody hears of a decision before it is durable.
  @Test func aDecisionIsDurableBeforeAnyoneHearsOfIt() {
    var world = World.directed(3)
    let proposal = world.add(1, at: 1)
    world.sync(VoterID(1))
    world.hand(1, 2, "preAccept")
    world.deliver(from: 2, to: 1) { $0.kind == "preAccepted" }
    #expect(world.decided(x, at: 1) != nil)
    #expect(world.completions[proposal] == nil && world.numbers(1) == [])
    #expect(!world.network.contains { $0.message.kind == "commit" })
    world.sync(VoterID(1))
    #expect(world.completions[proposal]?.number == 1 && world.numbers(1) == [1])
    #expect(world.network.contains { $0.message.kind == "commit" })
  }

  /// Rule 27: an owner that decided in memory only, and forgot, has decided nothing.
  @Test func aDecisionThatWasLostWasNotTold() {
    var world = World.directed(3)
    let proposal = world.add(1, at: 1)
    world.sync(VoterID(1))
    world.hand(1, 2, "preAccept")
    world.deliver(from: 2, to: 1) { $0.kind == "preAccepted" }
    #expect(world.decided(x, at: 1) != nil)
    world.restart(VoterID(1))
    #expect(world.held(x, at: 1).phase == .preaccepted)
    world.recover(x, at: 3)
    world.ask(3, [1], "recover", "holding")
    #expect(world[3].statistics.recoveryRows == [0, 0, 1, 0, 0])
    #expect(world.completions[proposal] == nil)
    world.mingle(1, 2, 3)
    #expect(world.decided(x, at: 1) == .nop)
    #expect(world.problems == [])
  }

  /// B15: a lower ballot changes nothing.
  @Test func aLowerBallotIsRefused() {
    var world = World.directed(3)
    world.tell(.accept(ballot(5, 3), x, Value(World.command(1), deps())), from: 3, to: 2)
    let before = world.held(x, at: 2)
    world.network.removeAll()
    world.tell(.accept(ballot(4, 3), x, .nop), from: 3, to: 2)
    world.tell(.recover(ballot(4, 3), x), from: 3, to: 2)
    world.tell(.validate(ballot(4, 3), x, Value(World.command(7), deps())), from: 3, to: 2)
    world.tell(.preAccept(x, Value(World.command(7), deps())), from: 1, to: 2)
    #expect(world.held(x, at: 2) == before)
    #expect(world.network.map(\.message.kind) == ["refused", "refused", "refused", "refused"])
  }

  /// B16: one that refuses is one that refuses.
  @Test func aRefusalStopsNoAttempt() {
    var world = World.directed(5)
    world.add(1, at: 1)
    world.tell(.recover(ballot(1, 5), x), from: 5, to: 2)
    world.hand(1, 2, "preAccept")
    world.hand(2, 1, "refused")
    world.ask(1, [3, 4], "preAccept", "preAccepted")
    #expect(world.decided(x, at: 1) != nil)
    #expect(world[1].statistics.fast == 1)
  }

  /// B17: what counts is whether a voter holds it as the owner sent it, not whether it holds what the
  /// recoverer does.
  @Test func aRecovererComparesWithTheOwnerAndNotWithItself() {
    let c = World.command(1)
    let y = at(3, 1)
    func holding(_ dep: Dependencies, initially initDep: Dependencies) -> Holding {
      Holding(phase: .preaccepted, abal: .zero, cmd: c, dep: dep, initDep: initDep)
    }
    let row = RecoveryRow(
      [(1, holding(deps(), initially: deps(y))), (2, holding(deps(y), initially: deps(y)))],
      owner: 0, Thresholds(voters: 3))
    #expect(row == .validate(Value(c, deps(y)), unchanged: 1))
    // None as the owner sent it: it was not decided at ballot zero, though the two agree.
    let other = RecoveryRow(
      [(1, holding(deps(y), initially: deps())), (2, holding(deps(y), initially: deps()))],
      owner: 0, Thresholds(voters: 3))
    #expect(other == .nothingDecided)
  }

  /// B18: a voter votes once.
  @Test func aRepeatedVoteCountsOnce() {
    var world = World.directed(5)
    world.add(1, at: 1)
    world.hand(1, 2, "preAccept")
    for _ in 0..<4 { world.hand(2, 1, "preAccepted", keeping: true) }
    #expect(world.decided(x, at: 1) == nil)
    world.ask(1, [3], "preAccept", "preAccepted")
    #expect(world.decided(x, at: 1) != nil)
  }

  /// B19: an owner that hears nothing asks again; recovering its own instance, it would make it void.
  @Test func anOwnerDoesNotRecoverItsOwnLiveInstance() {
    var world = World(3)
    world.isHeldBack = { _ in true }
    let proposal = world.add(1, at: 1)
    for _ in 0..<100 {
      world.pass(20)
      world.network.removeAll { $0.from != VoterID(1) }
    }
    #expect(!world.network.contains { $0.message.kind == "recover" })
    #expect(world.network.count > 10)
    world.isHeldBack = { _ in false }
    world.calm()
    #expect(world.completions[proposal]?.number == 1)
  }

  /// B20: what was forgotten was decided: whoever asks is told so, and never that it is unknown.
  @Test func theForgottenIsNotTakenForTheUnknown() {
    var world = World(3)
    world.nodes[VoterID(3)]!.isCutOff = true
    world.add(1, at: 1)
    world.calm()
    let barrier = world.propose(.barrier, at: 1)
    world.settle(300)
    #expect(world.completions[barrier] == .passed)
    #expect(world[1].isForgotten(x) && world[2].isForgotten(x))
    // The laggard knows of it, and recovers it.
    world.nodes[VoterID(3)]!.isCutOff = false
    world.isHeldBack = { $0.message.kind == "commit" }
    world.tell(.preAccept(x, Value(World.command(1), deps())), from: 1, to: 3)
    world.recover(x, at: 3)
    for _ in 0..<50 { world.pass(20) }
    #expect(world[3].statistics.recoveryRows == [0, 0, 0, 0, 0])
    #expect(world[3].statistics.installed == 1)
    world.settle(1000)
    #expect(world[3].isForgotten(x))
    #expect(world.numbers(3) == [1])
    world.expectAgreement()
  }

  /// B21: an answer to an earlier attempt says what was before.
  @Test func anAnswerToAnEarlierAttemptFreesNobody() {
    var world = Self.duel()
    world.recover(x, at: 4)
    let first = world.held(x, at: 4).bal
    world.network.removeAll()
    world.recover(x, at: 4)
    world.ask(4, [2, 3, 7], "recover", "holding")
    world.ask(4, [2, 3, 7], "validate", "validated")
    #expect(world[4].statistics.validationRows == [0, 0, 1])
    let owners = Holding(
      phase: .preaccepted, abal: .zero, cmd: World.command(1), dep: deps(), initDep: deps())
    world.tell(.holding(first, x, owners), from: 1, to: 4)
    #expect(world[4].statistics.waitingRows == [0, 0, 0, 0])
    let second = world.held(x, at: 4).bal
    #expect(second > first)
    world.tell(.holding(second, x, owners), from: 1, to: 4)
    #expect(world[4].statistics.waitingRows == [0, 0, 0, 1])
    #expect(world.held(x, at: 4).cmd == .nop)
  }

  /// B22: c1 waits for c3, that for c2, and that for c1. Told at its decision, c1's client could have
  /// c2 proposed behind it, and see it executed before.
  @Test func aClientIsToldWhenItsCommandIsExecuted() {
    var world = World.directed(3)
    let (c1, c2, c3) = (at(1, 1), at(2, 1), at(3, 1))
    // c3 is known to 2 only; so c1 comes behind it.
    world.tell(.preAccept(c3, Value(World.command(3), deps())), from: 3, to: 2)
    let proposal = world.add(1, at: 1)
    world.ask(1, [2], "preAccept", "preAccepted")
    world.pass(5)
    world.ask(1, [2], "accept", "accepted")
    #expect(world.decided(c1, at: 1)?.dep == deps(c3))
    #expect(world.completions[proposal] == nil)
    world.tell(.commit([.init(c2, Value(World.command(2), deps(c1)))]), from: 2, to: 1)
    #expect(world.completions[proposal] == nil)
    world.tell(.commit([.init(c3, Value(World.command(3), deps(c2)))]), from: 3, to: 1)
    #expect(world.completions[proposal]?.number == 1)
    #expect(world.numbers(1) == [1, 2, 3])
  }

  /// B23: a decision counts at any ballot.
  @Test func aDecisionIsTakenWhateverWasMissed() {
    var world = World.directed(3)
    world.tell(.recover(ballot(8, 3), x), from: 3, to: 2)
    world.tell(.commit([.init(x, Value(World.command(1), deps()))]), from: 1, to: 2)
    #expect(world.decided(x, at: 2) == Value(World.command(1), deps()))
    world.network.removeAll()
    // From now on that is the answer to everything.
    world.tell(.recover(ballot(9, 3), x), from: 3, to: 2)
    world.tell(.accept(ballot(9, 3), x, .nop), from: 3, to: 2)
    world.tell(.validate(ballot(9, 3), x, Value(World.command(1), deps())), from: 3, to: 2)
    world.tell(.preAccept(x, Value(World.command(1), deps())), from: 1, to: 2)
    #expect(Set(world.network.map(\.message.kind)) == ["commit"] && world.network.count == 4)
  }

  /// B24: no two draw one ballot, whatever they promised before.
  @Test func noTwoVotersDrawOneBallot() {
    var world = World.directed(3)
    world.tell(.recover(ballot(2, 2), x), from: 2, to: 1, 3)
    world.furnish(2, [.promised(x, ballot(2, 2))])
    for voter in 1...3 as ClosedRange<UInt32> { world.recover(x, at: voter) }
    let drawn = (1...3).map { world.held(x, at: $0).bal }
    #expect(Set(drawn).count == 3)
    #expect(drawn.allSatisfy { $0 > ballot(2, 2) })
  }
}
