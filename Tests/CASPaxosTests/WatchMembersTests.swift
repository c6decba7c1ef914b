import Synod
import Testing

@testable import CASPaxos

/// Watches while the voters change.
@Suite struct WatchMembersTests {
  /// The numbers that a node was told of since the last call; it takes them.
  private func told(_ voter: UInt32, _ world: inout MembersWorld) -> [Int] {
    var numbers: [Int] = []
    for case .observed(let seen) in world.nodes[VoterID(voter)]!.effects {
      numbers.append(seen.register.number)
      world.nodes[VoterID(voter)]!.machine.finished(seen.id)
    }
    world.nodes[VoterID(voter)]!.effects = []
    return numbers
  }

  /// It is asked for anew in the new epoch, not only when its lease runs out.
  @Test func aWatchGoesOnWithTheVotersOfANewEpoch() {
    var world = MembersWorld { $0.watchLease = 1 << 24 }
    _ = world.result(.changeMembership(.add(address: "p", role: .proposer)), at: 1)
    world.start(4)
    world.run(1500)
    world.propose(.watch(.register(after: nil)), at: 4)
    world.run(100)
    #expect(told(4, &world) == [0])
    for (old, new) in [(2, 5), (3, 6)] as [(UInt32, UInt32)] {
      let change = world.propose(
        .changeMembership(.replace(VoterID(old), address: Bytes("new\(new)"))), at: 1)
      world.run(500)
      world.start(new)
      world.run(8000)
      #expect(world.ended[change] != nil)
    }
    #expect(world[4].configuration.voters.map(\.rawValue) == [1, 5, 6])
    _ = told(4, &world)
    // Those that were voters when it began say nothing of what follows.
    world.letters = []
    let write = world.propose(.change(.swap(0, for: 7)), at: 5)
    world.run(500, among: [4, 5, 6])
    #expect(world.ended[write] != nil)
    #expect(told(4, &world) == [7])
  }

  /// Nobody answers it any more: it would wait for ever.
  @Test func aWatchEndsWhereItsNodeIsNoMemberAnyMore() {
    var world = MembersWorld()
    let watches = [
      world.propose(.watch(.register(after: nil)), at: 3),
      world.propose(.watch(.prefix), key: "", at: 3),
    ]
    world.run(100)
    #expect(told(3, &world) == [0])
    _ = world.result(.changeMembership(.remove(VoterID(3))), at: 1)
    world.run(6000)
    #expect(world[3].standing == .retired && world[3].openProposals == 0)
    for watch in watches {
      #expect(world.ended[watch] == .notApplied(.abandoned(.notAMember)))
    }
  }

  @Test func theMembersAreInNoPrefix() {
    var world = MembersWorld { $0.watchSweep = 100 }
    world.propose(.watch(.prefix), key: "", at: 1)
    _ = world.result(.change(.add(3)), at: 2)
    _ = world.result(.changeMembership(.add(address: "p", role: .proposer)), at: 1)
    var keys: Set<Bytes> = []
    for _ in 0..<20 {
      world.run(50)
      for case .observed(let seen) in world.nodes[VoterID(1)]!.effects { keys.insert(seen.key) }
      _ = told(1, &world)
    }
    #expect(keys == ["k"])
  }
}
