import EPaxos
import Synod
import Testing

/// How long a command takes, in message delays: two are a round trip.
@Suite struct DelayTests {
  @Test(arguments: [3, 5, 7], [false, true])
  func whatConflictsWithNothingIsDecidedInOneRoundTrip(_ voters: Int, _ isThrifty: Bool) {
    var world = World.directed(voters) { $0.isThrifty = isThrifty }
    for voter in 1...UInt32(voters) { world.add(1, to: [UInt8(voter)], at: voter) }
    let delays = world.delays { world in
      (1...UInt32(voters)).allSatisfy { world.decided(at($0, 1), at: $0) != nil }
    }
    #expect(delays == 2)
    #expect(world.completions.count == voters)
    #expect((1...UInt32(voters)).allSatisfy { world[$0].statistics.fast == 1 })
  }

  @Test(arguments: [3, 5, 7]) func whatConflictsIsDecidedInTwoRoundTrips(_ voters: Int) {
    var world = World.directed(voters)
    for voter in 1...UInt32(voters) { world.add(1, at: voter) }
    let delays = world.delays { world in
      (1...UInt32(voters)).allSatisfy { world.decided(at($0, 1), at: $0) != nil }
    }
    #expect(delays == 4)
    // And is executed when the others' decisions have come.
    let more = world.delays { $0.completions.count == voters }
    #expect(more <= 1)
    #expect((1...UInt32(voters)).contains { world[$0].statistics.slow == 1 })
  }

  @Test(arguments: [3, 5, 7])
  func aCommandAloneIsDecidedInOneRoundTripThoughAnEarlierOneConflicts(_ voters: Int) {
    var world = World.directed(voters)
    world.add(1, at: 1)
    _ = world.delays { $0.network.isEmpty }
    let second = world.add(2, at: 2)
    #expect(world.delays { $0.completions[second] != nil } == 2)
  }

  /// Whoever died left a command that nobody knows the end of.
  @Test(arguments: [3, 5, 7]) func aDeadReplicaCostsNoPauseToWhatItDidNotTouch(_ voters: Int) {
    var world = World.directed(voters)
    let dead = UInt32(voters)
    world.add(1, at: dead)
    world.hand(dead, 1, "preAccept")
    world.crash(dead)
    world.network.removeAll()
    for voter in 1..<dead {
      let next = world.add(2, to: [UInt8(voter)], at: voter)
      #expect(world.delays { $0.completions[next]?.number != nil } == 2, "voter \(voter)")
    }
    // What does touch it waits for a recovery.
    let touching = world.add(3, at: 1)
    #expect(world.delays { $0.completions[touching] != nil } == 20)
    world.isHeldBack = { _ in false }
    world.settle(1000)
    #expect(world.completions[touching]?.number != nil)
    world.expectAgreement((1..<dead).map { $0 })
  }
}
