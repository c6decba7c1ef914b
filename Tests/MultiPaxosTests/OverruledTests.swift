import Synod
import Testing

@testable import MultiPaxos

/// Leaders and learners that hear what they did not expect.
@Suite struct OverruledTests {
  /// Rule 13: a receiver takes what it accepted at the claim's ballot for chosen. So a leader that learns
  /// of another entry in a slot of its own must not claim that slot under its ballot.
  @Test func aLeaderThatLearnsOfAnotherEntryInItsSlotLeadsNoMore() {
    var world = World(3, window: 4)
    world.pass(2_000)
    guard let leader = world.leader else {
      Issue.record("nobody leads")
      return
    }
    world.isHeldBack = { _ in true }
    world.propose(.command(.add(7)), at: leader.rawValue)
    let slot = world[leader.rawValue].status.chosen.next
    #expect(world[leader.rawValue].accepted(at: slot) != nil)
    let other = VoterID(leader.rawValue % 3 + 1)
    world.with(leader) {
      $0.receive(.entries(first: slot, [.filler], chosen: slot), from: other)
    }
    #expect(!world[leader.rawValue].status.isLeading)
    #expect(world[leader.rawValue].status.chosen == slot)
  }

  /// Its first piece says what a snapshot is of; without it the others mean nothing.
  @Test(arguments: [2, 3, 4] as [UInt8])
  func aSnapshotWithoutItsFirstPieceIsRefused(_ kind: UInt8) {
    var target = SnapshotTarget<Calculator>(slot: Slot(9))
    #expect(throws: RestoreError.self) { try target.take(Bytes([kind, 1, 2, 3])) }
  }
}
