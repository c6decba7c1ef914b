import EPaxos
import Synod
import Testing

/// The commit path (rules 8 to 13).
@Suite struct CommitTests {
  @Test(arguments: [1, 2, 3, 4, 5, 7]) func commandsAreAppliedEverywhere(_ voters: Int) {
    var world = World(voters)
    let first = world.add(5, at: 1)
    world.calm()
    #expect(world.completions[first]?.number == 5)
    let second = world.add(2, at: UInt32(voters))
    world.pass(5)
    #expect(world.completions[second]?.number == 17)
    world.settle(200)
    world.expectAgreement()
  }

  @Test func whatDoesNotConflictIsDecidedInOneRoundTrip() {
    var world = World(5)
    for voter in 1...5 as ClosedRange<UInt32> { world.add(1, to: [UInt8(voter)], at: voter) }
    world.calm()
    #expect(world.completions.count == 5)
    for voter in 1...5 as ClosedRange<UInt32> {
      #expect(world[voter].statistics.fast == 1)
      #expect(world[voter].statistics.slow == 0)
    }
    world.expectAgreement()
  }

  @Test func whatConflictsIsDecidedInTwo() {
    var world = World(3)
    for voter in 1...3 as ClosedRange<UInt32> { world.add(Int32(voter), at: voter) }
    world.pass(3)
    #expect(world.completions.count == 3)
    #expect(world.completions.values.allSatisfy { $0.number != nil })
    world.settle(200)
    world.expectAgreement()
    #expect((1...3).contains { world[$0].statistics.slow > 0 })
  }

  @Test func aReadSeesWhatWasToldOfBefore() {
    var world = World(3)
    world.add(4, at: 1)
    world.calm()
    let read = world.propose(.query(.init(0), .linearizable), at: 3)
    world.pass(3)
    #expect(world.completions[read]?.number == 4)
  }

  @Test func readsDoNotConflictWithReads() {
    var world = World(3)
    world.add(4, at: 1)
    world.settle(100)
    let reads = (1...3).map { world.propose(.query(.init(0), .linearizable), at: $0) }
    world.calm()
    #expect(reads.allSatisfy { world.completions[$0]?.number == 4 })
    #expect((1...3).allSatisfy { world[$0].statistics.slow == 0 })
  }

  @Test func whatIsProposedTogetherIsDecidedTogether() {
    var world = World(3)
    let ids = (1...10).map { ProposalID(UInt64(1000 + $0)) }
    world.with(VoterID(1)) { machine in
      machine.propose(
        ids.map { (Proposal<Shelf>(.command(.add(1, [UInt8($0.rawValue % 7)]))), $0) })
    }
    world.calm()
    #expect(ids.allSatisfy { world.completions[$0]?.number != nil })
    #expect(world[1].statistics.executed == 1)
    world.expectAgreement()
  }

  @Test func aDeadReplicaStopsNobody() {
    var world = World(5)
    world.crash(4)
    world.crash(5)
    let proposals = (1...3).map { world.add(Int32($0), to: [UInt8($0)], at: $0) }
    world.calm()
    #expect(proposals.allSatisfy { world.completions[$0]?.number != nil })
  }

  @Test func thriftyOwnersAskNoMoreThanItTakes() {
    var world = World(5) { $0.isThrifty = true }
    world.isHeldBack = { _ in true }
    world.add(1, at: 1)
    #expect(world.network.map(\.to) == [VoterID(2), VoterID(3)])
    world.isHeldBack = { _ in false }
    world.crash(2)
    let proposal = world.add(2, at: 1)
    for _ in 0..<5 { world.pass(60) }
    #expect(world.completions[proposal]?.number != nil)
    world.settle(1000)
    world.expectAgreement([1, 3, 4, 5])
  }

  @Test(arguments: 1...30) func messagesMayBeLostRepeatedAndReordered(_ seed: UInt64) {
    var world = World(seed % 3 == 0 ? 5 : 3, seed: seed) { $0.barrierEvery = 20 }
    world.loss = 5
    world.duplication = 10
    for step in 0..<1500 {
      if step % 25 == 0 {
        let voter = UInt32(1 + world.draw(world.nodes.count))
        world.add(Int32(step), to: [UInt8(world.draw(4))], at: voter)
      }
      world.step()
    }
    world.settle()
    world.expectAgreement()
    #expect(world.completions.count == 60)
    // One that fell behind the others' barrier does not hear what its commands came to.
    #expect(
      world.completions.values.allSatisfy { $0.number != nil || $0 == .unknown(.forgotten) })
  }

  @Test(arguments: 1...30) func nodesMayCrash(_ seed: UInt64) {
    var world = World(seed % 3 == 0 ? 5 : 3, seed: seed) { $0.barrierEvery = 20 }
    world.loss = 5
    world.duplication = 10
    for step in 0..<1500 {
      if step % 25 == 0 {
        let voter = UInt32(1 + world.draw(world.nodes.count))
        world.add(Int32(step), to: [UInt8(world.draw(4))], at: voter)
      }
      world.step(crash: 5)
    }
    world.settle(4000)
    world.expectAgreement()
  }
}
