import Synod
import Testing

@testable import CASPaxos

/// A joint epoch whose new voters hold no quorum decides nothing any more, not even its rollback: it
/// is begun only where they answer.
@Suite struct AnsweringVotersTests {
  private func refusal(_ answering: [UInt32]) -> Outcome<Counter> {
    .notApplied(.refused(.noQuorumAfter(answering: answering.map { VoterID($0) })))
  }

  @Test func aVoterIsNotRemovedWhereTheOthersAreDown() throws {
    var world = MembersWorld()
    #expect(world.result(.change(.add(1)), at: 1) != nil)
    world.stop(3)
    // Voter 3 was meant.
    let wrong = world.propose(.changeMembership(.remove(VoterID(2))), at: 1)
    world.run(1000, among: [1, 2])
    #expect(world.ended[wrong] == refusal([1]))
    #expect(!world[1].configuration.isJoint && !world[2].configuration.isJoint)
    let write = world.propose(.change(.add(1)), at: 2)
    world.run(1000, among: [1, 2])
    guard case .applied? = world.ended[write] else {
      Issue.record("\(String(describing: world.ended[write]))")
      return
    }
    let right = world.propose(.changeMembership(.remove(VoterID(3))), at: 1)
    world.run(6000, among: [1, 2])
    #expect(AdoptionTests.members(world.ended[right]) != nil)
    #expect(world[2].configuration.voters == [VoterID(1), VoterID(2)])
    #expect(world.number(at: 1) == 2)
  }

  @Test func aVoterThatAnswersLateIsWaitedFor() throws {
    var world = MembersWorld()
    let change = world.propose(.changeMembership(.remove(VoterID(2))), at: 1)
    world.run(50, among: [1, 2])
    #expect(world.ended[change] == nil && !world[1].configuration.isJoint)
    world.run(6000)
    #expect(AdoptionTests.members(world.ended[change]) != nil)
    #expect(world[3].configuration.voters == [VoterID(1), VoterID(3)])
  }

  /// What was asked first may be lost: it is asked again while there is time.
  @Test func aPromiseThatWasLostIsAskedForAgain() throws {
    var world = MembersWorld()
    let change = world.propose(.changeMembership(.remove(VoterID(2))), at: 1)
    world.lose { $0.to == VoterID(3) }
    world.run(50)
    #expect(world.ended[change] == nil)
    world.run(500)
    #expect(AdoptionTests.members(world.ended[change]) != nil)
  }

  /// A refusal of the promise is an answer, too: whoever gives it is there.
  @Test func aVoterThatRefusesAnswers() throws {
    var world = MembersWorld()
    world.receive(
      Message(
        .prepare, slot: 0, ballot: Ballot(epoch: Epoch(0), counter: 500, voter: VoterID(2)),
        key: Membership.key), at: 3, from: 2)
    world.lose()
    let change = world.propose(.changeMembership(.remove(VoterID(2))), at: 1)
    world.run(60)
    #expect(AdoptionTests.members(world.ended[change]) != nil)
  }

  /// Where a voter's store is to be known from its first vote on.
  @Test func aLearnerIsMadeAVoterOnceItsStoreIsPinned() throws {
    var world = MembersWorld { $0.promotesPinned = true }
    _ = world.result(.changeMembership(.add(address: "four", role: .voter)), at: 1)
    world.start(4)
    world.run(5000)
    #expect(world[4].standing == .learner && !world[1].configuration.isJoint)
    let store = StoreID(Identity128(high: 1, low: 2))
    #expect(world.result(.changeMembership(.pin(VoterID(4), store)), at: 4) != nil)
    world.run(5000)
    #expect(world[4].standing == .voter && world[1].configuration.voters.count == 4)
  }

  /// A learner counts where it was heard of late; it may have gone since.
  @Test func aLearnerThatHasGoneIsNotMadeAVoter() throws {
    var world = MembersWorld()
    #expect(world.result(.change(.add(1)), at: 1) != nil)
    _ = world.result(.changeMembership(.add(address: "four", role: .voter)), at: 1)
    world.run(100)
    world.stop(1)
    world.start(4)
    for _ in 0..<300 where world[2].core.members.ready.isEmpty {
      world.run(10, among: [2, 3, 4])
    }
    #expect(!world[2].core.members.ready.isEmpty)
    world.stop(4)
    world.run(20_000, among: [2, 3])
    #expect(!world[2].configuration.isJoint && !world[3].configuration.isJoint)
    // It comes back, and is one.
    try world.restart(4)
    world.run(20_000, among: [2, 3, 4])
    #expect(world[2].configuration.voters.count == 4)
    #expect(world.number(at: 2) == 1)
  }
}
