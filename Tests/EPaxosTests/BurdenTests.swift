@testable import EPaxos
import Synod
import Testing

/// What a machine must not do more of than it takes.
@Suite struct BurdenTests {
  /// Who was not asked does not answer.
  @Test func aThriftyOwnerWaitsForNobodyThatItDidNotAsk() {
    var world = World.directed(5) { $0.isThrifty = true }
    world.tell(.preAccept(at(5, 1), Value(World.command(2), deps())), from: 5, to: 2)
    world.network.removeAll()
    world.add(1, at: 1)
    world.ask(1, [2, 3], "preAccept", "preAccepted")
    #expect(world[1].statistics.slow == 1)
    // All are asked once it sends again: then those may answer, too.
    var other = World.directed(5) { $0.isThrifty = true }
    other.tell(.preAccept(at(5, 1), Value(World.command(2), deps())), from: 5, to: 2)
    other.network.removeAll()
    other.add(1, at: 1)
    other.pass(other[1].settings.retransmitAfter * 2)
    other.ask(1, [2, 3, 4], "preAccept", "preAccepted")
    #expect(other[1].statistics.fast == 1 && other[1].statistics.slow == 0)
    #expect(world.problems + other.problems == [])
  }

  @Test func anAttemptThatIsOftenPutOffHasOneTimer() {
    var world = World.directed(3)
    let x = at(1, 1)
    world.tell(.preAccept(x, Value(World.command(1), deps())), from: 1, to: 3)
    world.recover(x, at: 3)
    for counter in 2...60 as ClosedRange<UInt64> {
      world.tell(.refused(ballot(1, 3), x, promised: ballot(counter, 2)), from: 2, to: 3)
    }
    #expect(world[3].core.timers.count <= 2)
    #expect(world[3].core.attempts[x] != nil)
    // It still comes up.
    world.pass(10_000)
    world.pass(10_000)
    #expect(world.held(x, at: 3).bal.counter > 60)
    #expect(world.problems == [])
  }

  @Test func manyThatEndTogetherLeaveTheOthersInTheirPlaces() {
    var world = World.directed(3) { $0.maxOpenInstances = 1 }
    let first = world.add(0, at: 1)
    let waiting = (1...9 as ClosedRange<Int32>).map {
      world.propose(.command(.add($0, [0])), at: 1, deadline: $0 % 3 == 0 ? nil : 10)
    }
    world.pass(11)
    for (place, id) in waiting.enumerated() where (place + 1) % 3 != 0 {
      #expect(world.completions[id] == .notApplied(.abandoned(.deadline)))
    }
    #expect(world.completions[first] == nil && world[1].openProposals == 4)
    world.isHeldBack = { _ in false }
    world.settle(300)
    #expect(world.numbers(2) == [0, 3, 6, 9])
    world.expectAgreement()
  }

  /// It votes and records no more.
  @Test func nothingIsTakenBehindADecisionThatContradicts() {
    var world = World.directed(3)
    let value = Value(World.command(1), deps())
    world.tell(.commit([.init(at(3, 1), value)]), from: 3, to: 1)
    world.with(VoterID(1)) {
      $0.receive(
        .commit([.init(at(3, 1), .nop), .init(at(3, 2), value)]), from: VoterID(2))
    }
    #expect(world[1].stopped == .machineStopped)
    #expect(world[1].instance(at(3, 2)) == nil)
    #expect(world.nodes[VoterID(1)]!.unsynced.isEmpty)
  }

  /// What is placed is not walked again by each that comes behind it.
  @Test func aSearchBeginsBehindWhatIsPlaced() {
    var graph = ExecutionGraph()
    for number in 1...100 as ClosedRange<UInt64> {
      graph.commit(
        at(1, number), behind: number == 1 ? deps() : deps(at(1, number - 1)), footprint: .barrier)
      #expect(graph.next() == at(1, number))
      if number == 60 { graph.truncate(through: deps(at(1, 40))) }
    }
    #expect(graph.lines.map(\.placed) == [100])
    #expect(graph.next() == nil)
  }

  /// What one waits for must be recovered, too, however many wait.
  @Test func recoveriesThatWaitTakeNoPlaceOfOthers() {
    var world = BugTests.duel()
    world.recover(at(1, 1), at: 4)
    #expect(world[4].core.recoveries == 1)
    world.ask(4, [2, 3, 7], "recover", "holding")
    world.ask(4, [2, 3, 7], "validate", "validated")
    #expect(world[4].statistics.validationRows == [0, 0, 1])
    #expect(world[4].core.recoveries == 0 && world[4].status.recoveries == 1)
  }
}
