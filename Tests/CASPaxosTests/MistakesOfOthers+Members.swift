import Synod
import Testing

@testable import CASPaxos

extension MistakesOfOthers {
  /// peterbourgon/caspaxos looks after one special key when the voters change; what the others keep is
  /// left with quorums that need not meet the new ones.
  static func transferringOneKey() {
    var world = MembersWorld()
    let keys = (1...20).map { Bytes("key \($0)") }
    for (place, key) in keys.enumerated() {
      // Voter 3 never hears of it.
      world.propose(.change(.add(place + 1)), key: key, at: 1)
      world.deliver(among: 1, 2)
      world.lose()
    }
    world.start(4)
    _ = world.result(.changeMembership(.add(address: "four", role: .voter)), at: 1)
    for _ in 0..<200 where world[1].configuration.voters.count < 4 || world[1].configuration.isJoint
    {
      world.run(50)
    }
    let configuration = world[1].configuration
    #expect(configuration.voters.count == 4 && !configuration.isJoint)
    let before = Epoch(configuration.epoch.rawValue - 1)
    for key in keys {
      let holders = (1...4 as ClosedRange<UInt32>).count { voter in
        world[voter].acceptorState(of: key).map { $0.accepted.epoch >= before } ?? false
      }
      #expect(holders >= configuration.component.quorums.accept, "\(key)")
    }
    // The one that wrote them all is gone; so is what it knew.
    world.stop(1)
    for (place, key) in keys.enumerated() { #expect(world.number(key, at: 4) == place + 1) }
  }
}
