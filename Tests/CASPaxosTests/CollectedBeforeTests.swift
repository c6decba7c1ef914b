import Synod
import Testing

@testable import CASPaxos

/// What voters that join know of registers that were collected before they came.
@Suite struct CollectedBeforeTests {
  private static let me = Identity128(high: 0, low: 1)

  /// Three voters; a change of "k" was made once and told to nobody, then deleted, and where it is said
  /// so, collected with all that it knew of its client.
  private func world(isCollected: Bool) -> MembersWorld {
    var world = MembersWorld {
      $0.collectAfter = isCollected ? 64 : nil
      $0.sessionsLast = 1
    }
    if isCollected {
      world.propose(.change(.add(5)), at: 1, once: Once(Self.me, 1))
      world.deliverAll { $0.message.kind != .accepted || $0.to != VoterID(1) }
      world.lose()
      _ = world.result(.change(.delete), at: 2)
      for _ in 0..<1000
      where world[1].floor.isZero || world[2].floor.isZero || world[3].floor.isZero {
        world.run(10)
      }
      #expect((1...3).allSatisfy { world[$0].acceptorState(of: "k") == nil })
    }
    return world
  }

  private func end(_ world: inout MembersWorld, at voter: UInt32, _ isOver: (Configuration) -> Bool)
  {
    for _ in 0..<1000
    where world[voter].configuration.isJoint || !isOver(world[voter].configuration) {
      world.run(20)
    }
    #expect(isOver(world[voter].configuration) && !world[voter].configuration.isJoint)
  }

  private func add(_ new: UInt32, _ world: inout MembersWorld, at voter: UInt32) {
    _ = world.result(.changeMembership(.add(address: Bytes("\(new)"), role: .voter)), at: voter)
    world.start(new)
    end(&world, at: voter) { $0.voters.contains(VoterID(new)) }
  }

  private func remove(_ old: UInt32, _ world: inout MembersWorld, at voter: UInt32) {
    _ = world.result(.changeMembership(.remove(VoterID(old))), at: voter)
    end(&world, at: voter) { !$0.voters.contains(VoterID(old)) }
    world.stop(old)
  }

  private func retry(_ world: inout MembersWorld, key: Bytes = "k", at voter: UInt32) -> Outcome<
    Counter
  >? {
    world.result(
      .change(.add(5)), key: key, at: voter, once: Once(Self.me, 1, isRetry: true))
  }

  /// Nothing was: so what nobody knows of was never made, also where newcomers alone say so.
  @Test func whereNothingWasCollectedARetryIsMadeAfterAGrowth() {
    var world = world(isCollected: false)
    for new: UInt32 in 4...5 { add(new, &world, at: 1) }
    #expect(retry(&world, at: 4)?.number == 5)
    #expect(retry(&world, at: 5)?.number == 5, "it is told what the first was")
    for old: UInt32 in 1...3 { remove(old, &world, at: 5) }
    #expect((4...5).allSatisfy { world[$0].floor.isZero })
    #expect(retry(&world, key: "other", at: 4)?.number == 5)
    #expect(world.number(at: 4) == 5)
  }

  /// A quorum of newcomers must not take what it does not know for what never was.
  @Test func whoJoinsKnowsThatSomethingWasCollectedBefore() throws {
    var world = world(isCollected: true)
    let collected = (1...3).map { world[$0].floor }.max()!
    for new: UInt32 in 4...5 { add(new, &world, at: 1) }
    #expect((1...5).allSatisfy { world[$0].floor >= collected })
    for old: UInt32 in 1...3 { remove(old, &world, at: 5) }
    #expect(world[4].configuration.voters.map(\.rawValue) == [4, 5])
    #expect(retry(&world, at: 4) == .unknown(.forgotten))
    // It is durable.
    for voter: UInt32 in 4...5 {
      try world.restart(voter)
      #expect(world[voter].floor >= collected)
    }
    #expect(retry(&world, at: 5) == .unknown(.forgotten))
    #expect(world.number(at: 4) == 0)
  }

  /// What the driver knew, it knows again after a crash.
  @Test func aDriverThatCrashedForgetsNotWhatWasCollected() throws {
    var world = world(isCollected: true)
    let collected = (1...3).map { world[$0].floor }.max()!
    world.propose(.changeMembership(.remove(VoterID(3))), at: 1)
    while world[1].core.members.resumeAt == nil {
      world.pass(1)
      world.deliverAll()
    }
    #expect(world[1].configuration.isJoint)
    try world.restart(1)
    #expect(world[1].core.members.resumeFloor >= collected)
    #expect(world[1].core.members.resumeAt == .max, "nothing is listed again")
    end(&world, at: 1) { $0.voters.count == 2 }
    #expect(world[1].membership.collected >= collected)
  }

  /// Whoever is only to join is not asked: of its floor nothing follows.
  @Test func aJointEpochRaisesNoFloor() {
    var world = world(isCollected: false)
    _ = world.result(.changeMembership(.add(address: "four", role: .voter)), at: 1)
    world.start(4)
    for _ in 0..<400 where !world[4].configuration.isJoint { world.run(10) }
    #expect(world[4].standing == .voter && world[4].floor.isZero)
  }
}
