@testable import EPaxos
import Synod
import Testing

/// What each rule is worth: schedules in which leaving it out loses agreement, or stays stuck. Three
/// voters cannot show most of it; five can.
@Suite struct RuleTests {
  let x = at(1, 1)

  /// R3. Y was decided by 3, 2 and 4. With the owner's own answer counted, two would hold X unchanged,
  /// and its recovery would have Y's yield.
  @Test func anOwnerThatAnswersEndsTheFastPath() {
    var world = World.directed(5)
    let y = at(3, 1)
    world.furnish(1, [.preaccepted(x, Value(World.command(1), deps()), held: deps())])
    world.tell(.preAccept(x, Value(World.command(1), deps())), from: 1, to: 5)
    world.network.removeAll()
    world.add(2, at: 3)
    world.ask(3, [2, 4], "preAccept", "preAccepted")
    #expect(world.decided(y, at: 3) == Value(World.command(2), deps()))
    world.recover(x, at: 5)
    world.ask(5, [1, 4], "recover", "holding")
    #expect(world[5].statistics.recoveryRows == [0, 0, 1, 0, 0])
    world.mingle(1, 4, 5)
    #expect(world.decided(x, at: 5) == .nop)
    world.recover(y, at: 5)
    world.mingle(1, 2, 4, 5)
    #expect(world.decided(y, at: 5) == Value(World.command(2), deps()))
    #expect(world.problems == [])
  }

  /// W3's threshold. That one voter holds Y unchanged says nothing against X, which its owner decides.
  @Test func aRecoveryYieldsOnlyToOneThatMoreHoldUnchanged() {
    var world = World.directed(5)
    let y = at(5, 1)
    world.add(1, at: 1)
    world.hand(1, 2, "preAccept")
    world.hand(1, 3, "preAccept")
    world.tell(.preAccept(y, Value(World.command(2), deps())), from: 5, to: 4)
    world.recover(x, at: 2)
    world.ask(2, [3, 4], "recover", "holding")
    world.ask(2, [3, 4], "validate", "validated")
    #expect(world[2].statistics.validationRows == [0, 0, 1])
    world.tell(.waiting(y, unchanged: 1), from: 5, to: 2)
    #expect(world[2].statistics.waitingRows == [0, 0, 0, 0])
    // The answers were under way all along.
    world.hand(2, 1, "preAccepted")
    world.hand(3, 1, "preAccepted")
    #expect(world.decided(x, at: 1) == Value(World.command(1), deps()))
    world.mingle(1, 2, 3)
    #expect(world.decided(x, at: 2) == Value(World.command(1), deps()))
    #expect(world.problems == [])
  }

  /// Rule 6. What is void conflicts with everything, until it is forgotten: or X could be decided
  /// without it, and be found void by those who hold what it was.
  @Test func theVoidConflictsWithEverything() {
    var world = World.directed(5)
    let y = at(3, 1)
    world.tell(.preAccept(y, Value(World.command(2), deps())), from: 3, to: 5)
    world.recover(y, at: 2)
    world.ask(2, [3, 4], "recover", "holding")
    world.mingle(2, 3, 4)
    #expect(world.decided(y, at: 3) == .nop)
    let proposal = world.add(1, to: [7], at: 1)
    world.ask(1, [2, 3], "preAccept", "preAccepted")
    #expect(world.held(x, at: 2).dep == deps(y) && world.held(x, at: 3).dep == deps(y))
    #expect(world.decided(x, at: 1) == nil)
    world.mingle(1, 2, 3, 4)
    #expect(world.completions[proposal]?.number == 1)
    #expect(world.problems == [])
  }

  /// Rule 19. What its owner proposed counts, not what was found here.
  @Test func anObjectionLooksAtWhatTheOwnerProposed() {
    var world = World.directed(5)
    let y = at(5, 1)
    world.tell(.preAccept(x, Value(World.command(1), deps())), from: 1, to: 2)
    world.tell(.preAccept(y, Value(World.command(2), deps())), from: 5, to: 2)
    #expect(world.held(y, at: 2).dep == deps(x))
    let found = world[2].core.objections(to: Value(World.command(1), deps()), of: x)
    #expect(found == [Objection(y, isCommitted: false)])
    // One that its owner proposed behind X does not object, nor one that commutes, nor what X knows.
    world.tell(.preAccept(at(5, 2), Value(World.command(2), deps(x))), from: 5, to: 2)
    world.tell(.preAccept(at(4, 1), Value(World.command(2, [9]), deps())), from: 4, to: 2)
    #expect(world[2].core.objections(to: Value(World.command(1), deps()), of: x) == found)
    #expect(world[2].core.objections(to: Value(World.command(1), deps(y)), of: x) == [])
  }

  /// V2's second half. Both owners are dead, and one voter holds each: both would wait for ever.
  @Test func twoThatOneEachHoldDoNotWaitForEver() {
    var world = World(5)
    world.isHeldBack = { _ in true }
    let (a, b) = (at(4, 1), at(5, 1))
    world.tell(.preAccept(a, Value(World.command(1), deps())), from: 4, to: 1)
    world.tell(.preAccept(b, Value(World.command(2), deps())), from: 5, to: 2)
    world.crash(4)
    world.crash(5)
    world.network.removeAll()
    world.isHeldBack = { _ in false }
    world.settle(4000)
    for voter in 1...3 as ClosedRange<UInt32> {
      #expect(world[voter].isExecuted(a) && world[voter].isExecuted(b))
    }
    #expect(world.decided(a, at: 3)?.batch.isNop == true || world.decided(b, at: 3) != nil)
    let more = world.add(5, at: 3)
    world.settle(300)
    #expect(world.completions[more]?.number != nil)
    world.expectAgreement([1, 2, 3])
  }

  /// W1. Y was proposed while X was recovered, and is decided without it: X was not, and must not be.
  @Test func aRecoveryEndsWhereWhatItWaitsForIsDecidedWithoutIt() {
    var world = World.directed(5)
    let y = at(2, 1)
    world.tell(.preAccept(x, Value(World.command(1), deps())), from: 1, to: 3)
    world.recover(x, at: 3)
    world.ask(3, [2, 4], "recover", "holding")
    world.add(2, at: 2)
    world.hand(2, 4, "preAccept")
    world.hand(2, 5, "preAccept")
    world.ask(3, [2, 4], "validate", "validated")
    #expect(world[3].statistics.validationRows == [0, 0, 1])
    world.hand(4, 2, "preAccepted")
    world.hand(5, 2, "preAccepted")
    #expect(world.decided(y, at: 2) == Value(World.command(2), deps()))
    world.hand(2, 3, "commit")
    #expect(world[3].statistics.waitingRows == [1, 0, 0, 0])
    world.mingle(2, 3, 4, 5)
    #expect(world.decided(x, at: 3) == .nop)
    #expect(world.problems == [])
  }

  /// Rule 42. What was forgotten is in the way of whatever does not know it.
  @Test func theForgottenIsInTheWay() {
    var world = World(3)
    world.add(1, to: [1], at: 3)
    world.calm()
    world.propose(.barrier, at: 3)
    world.settle(300)
    #expect(world[2].isForgotten(at(3, 1)))
    world.isHeldBack = { _ in true }
    // X conflicts with nothing that is known; it was sent long ago.
    world.tell(.preAccept(x, Value(World.command(1, [7]), deps())), from: 1, to: 2)
    #expect(world.held(x, at: 2).dep == deps(at(3, 2)))
  }

  /// Rule 43. Whatever was not behind a barrier comes behind it, or is void.
  @Test func whatABarrierDidNotSeeComesBehindIt() {
    var world = World.directed(5)
    // X is held by its owner and by 2; nobody else knows it.
    world.tell(.preAccept(x, Value(World.command(1), deps())), from: 1, to: 2)
    let barrier = at(3, 1)
    world.propose(.barrier, at: 3)
    world.ask(3, [4, 5], "preAccept", "preAccepted")
    #expect(world.decided(barrier, at: 3)?.dep == deps())
    world.mingle(3, 4, 5)
    world.recover(x, at: 2)
    world.ask(2, [4, 5], "recover", "holding")
    world.ask(2, [4, 5], "validate", "validated")
    #expect(world[2].statistics.validationRows == [0, 1, 0])
    world.mingle(2, 4, 5)
    #expect(world.decided(x, at: 2) == .nop)
    #expect(world.problems == [])
  }

  /// Rule 23. One of those that answered dies before it says what speaks against it.
  @Test func aRecoveryBeginsAnewWithThoseWhoAreThere() {
    var world = World.directed(5)
    world.tell(.preAccept(x, Value(World.command(1), deps())), from: 1, to: 2, 3)
    world.crash(1)
    world.recover(x, at: 2)
    world.ask(2, [3, 4], "recover", "holding")
    world.hand(2, 3, "validate")
    world.crash(4)
    world.network.removeAll()
    world.isHeldBack = { _ in false }
    world.settle(1500)
    #expect(world.decided(x, at: 2) == Value(World.command(1), deps()))
    #expect(world.decided(x, at: 5) == Value(World.command(1), deps()))
    world.expectAgreement([2, 3, 5])
  }

  /// Rule 9. What was said is said again.
  @Test func aRepeatedPreAcceptGetsTheSameAnswer() {
    var world = World.directed(3)
    world.tell(.preAccept(x, Value(World.command(1), deps())), from: 1, to: 2)
    world.tell(.preAccept(at(3, 1), Value(World.command(1), deps())), from: 3, to: 2)
    world.tell(.preAccept(x, Value(World.command(1), deps())), from: 1, to: 2)
    let answers = world.network.filter { $0.to == VoterID(1) }.map(\.message)
    #expect(answers == [.preAccepted(x, deps()), .preAccepted(x, deps())])
  }
}
