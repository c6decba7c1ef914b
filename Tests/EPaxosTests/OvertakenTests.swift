import EPaxos
import Synod
import Testing

/// Rule 41: what waits is not left behind for ever by what is newer.
@Suite struct OvertakenTests {
  /// On key 0, one waits for another of a silent owner; so many of key 7 are decided since.
  private static func world(newer: UInt64) -> World {
    var world = World.directed(3) { $0.maxOvertaken = 4 }
    let waits = Value(World.command(8), deps(at(3, 1)))
    world.tell(.commit([.init(at(3, 2), waits)]), from: 3, to: 1)
    for number in 1...newer {
      let value = Value(World.command(Int32(number), [7]), deps())
      world.tell(.commit([.init(at(2, number), value)]), from: 2, to: 1)
    }
    world.network.removeAll()
    return world
  }

  private static func hasAsked(_ world: World) -> Bool {
    world.network.contains { $0.message.kind == "preAccept" && $0.from == VoterID(1) }
  }

  @Test func aNodeProposesWhatInterferesUntilTheBound() {
    var world = Self.world(newer: 3)
    world.add(1, at: 1)
    #expect(Self.hasAsked(world))
  }

  @Test func aNodeWaitsWithWhatInterferesWithTheOvertaken() {
    var world = Self.world(newer: 4)
    let waits = world.add(1, at: 1)
    world.calm()
    #expect(!Self.hasAsked(world))
    for _ in 0..<10 { world.pass(1) }
    #expect(!Self.hasAsked(world))
    // It goes on as soon as what was overtaken is executed.
    let late = Value(World.command(9), deps())
    world.tell(.commit([.init(at(3, 1), late)]), from: 3, to: 1)
    #expect(world.numbers(1) == [9, 8])
    #expect(Self.hasAsked(world))
    world.ask(1, [2], "preAccept", "preAccepted")
    world.mingle(1, 2)
    #expect(world.completions[waits]?.number != nil)
    #expect(world.numbers(1) == [9, 8, 1])
    #expect(world.problems == [])
  }

  @Test func whatDoesNotInterfereGoesOn() {
    var world = Self.world(newer: 4)
    let other = world.add(1, to: [3], at: 1)
    #expect(Self.hasAsked(world))
    world.ask(1, [2], "preAccept", "preAccepted")
    #expect(world.completions[other]?.number == 1)
    #expect(world.problems == [])
  }
}
