import EPaxos
import Synod
import Testing

/// Mistakes about what answers count for.
extension BugTests {
  /// B5, as it was told: one that answers adds b, the other c. The owner that decided by the first answer
  /// would be gone, and the others would see that neither holds what it sent.
  static func disagreement() -> World {
    var world = World.directed(3)
    for voter in [2, 3] as [UInt32] {
      let value = Value(World.command(Int32(voter)), deps())
      world.furnish(voter, [.preaccepted(at(voter, 1), value, held: deps())])
    }
    world.add(1, at: 1)
    world.ask(1, [2], "preAccept", "preAccepted")
    world.hand(1, 3, "preAccept")
    return world
  }

  @Test func oneAnswerThatAddsToTheOwnersDoesNotDecide() {
    var world = Self.disagreement()
    let (b, c) = (at(2, 1), at(3, 1))
    let added = [2, 3].map { world.held(x, at: $0).dep }
    #expect(added[0].contains(b) && !added[0].contains(c))
    #expect(added[1].contains(c) && !added[1].contains(b))
    #expect(world.decided(x, at: 1) == nil && world.held(x, at: 1).phase == .preaccepted)
    world.hand(3, 1, "preAccepted")
    #expect(world[1].statistics.slow == 1 && world[1].statistics.fast == 0)
    #expect(world.decided(x, at: 1) == nil)
    world.ask(1, [2], "accept", "accepted")
    #expect(world.decided(x, at: 1) == Value(World.command(1), added[0].union(added[1])))
    #expect(world.problems == [])
  }

  /// B14: an owner asks for its slow proposal before that is durable, and forgets it. What went out stays
  /// the only one at ballot zero, so it may be decided, and no other is.
  @Test func anOwnerThatForgotItsProposalMakesNoOther() {
    var world = World.directed(3)
    let y = at(3, 1)
    world.tell(.preAccept(y, Value(World.command(2), deps())), from: 3, to: 2)
    world.furnish(3, [.preaccepted(y, Value(World.command(2), deps()), held: deps())])
    world.network.removeAll()
    world.add(1, at: 1)
    world.ask(1, [2], "preAccept", "preAccepted")
    world.hand(1, 3, "preAccept")
    world.deliver(from: 3, to: 1) { $0.kind == "preAccepted" }
    #expect(world.held(x, at: 1).phase == .accepted)
    #expect(!world.nodes[VoterID(1)]!.unsynced.isEmpty)
    world.deliver(from: 1, to: 2) { $0.kind == "accept" }
    world.restart(VoterID(1))
    #expect(world.held(x, at: 1).phase == .preaccepted && world.held(x, at: 1).dep == deps())
    #expect(world.held(x, at: 2).phase == .accepted && world.held(x, at: 2).dep.contains(y))
    // From here on all of it is looked at; the one to 3 is lost.
    world.network.removeAll { $0.message.kind == "accept" }
    let asked = Asked()
    world.isHeldBack = { parcel in
      if parcel.message.kind == "accept", parcel.from == VoterID(1) {
        asked.messages.append(parcel.message)
      }
      return false
    }
    for _ in 0..<100 { world.pass(20) }
    for case .accept(let ballot, x, _) in asked.messages { #expect(!ballot.isZero) }
    let decided = world.decided(x, at: 1)
    #expect(decided != nil)
    #expect(world.decided(x, at: 2) == decided && world.decided(x, at: 3) == decided)
    #expect(world.problems == [])
  }

  private final class Asked {
    var messages: [Message] = []
  }

  /// B18 of a recovery, in each of its three round trips.
  @Test func aRepeatedAnswerToARecoveryCountsOnce() {
    var world = World.directed(5)
    world.tell(.preAccept(x, Value(World.command(1), deps())), from: 1, to: 2, 3)
    world.recover(x, at: 2)
    world.hand(2, 3, "recover")
    for _ in 0..<4 { world.hand(3, 2, "holding", keeping: true) }
    #expect(world[2].statistics.recoveryRows == [0, 0, 0, 0, 0])
    world.ask(2, [4], "recover", "holding")
    #expect(world[2].statistics.recoveryRows == [0, 0, 0, 1, 0])
    world.hand(2, 3, "validate")
    for _ in 0..<4 { world.hand(3, 2, "validated", keeping: true) }
    #expect(world[2].statistics.validationRows == [0, 0, 0])
    world.ask(2, [4], "validate", "validated")
    #expect(world[2].statistics.validationRows == [1, 0, 0])
    world.hand(2, 3, "accept")
    for _ in 0..<4 { world.hand(3, 2, "accepted", keeping: true) }
    #expect(world.decided(x, at: 2) == nil)
    world.ask(2, [4], "accept", "accepted")
    #expect(world.decided(x, at: 2) == Value(World.command(1), deps()))
    #expect(world.problems == [])
  }
}
