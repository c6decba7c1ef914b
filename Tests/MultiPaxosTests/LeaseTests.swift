import MultiPaxos
import Synod
import Testing

/// Locks with a time limit, kept in the log (rule 46), and what else the log does of its own accord.
@Suite struct LeaseTests {
  @Test func aLeaseIsTakenRefreshedAndGivenBack() {
    var world = World(3)
    world.elect()
    let leader = world.leader!.rawValue
    let taken = world.end(.lease(.take("lock", holder: "one", ticks: 5000)), at: leader)
    guard case .lease(.held(let lease), let slot) = taken else {
      Issue.record("\(String(describing: taken))")
      return
    }
    #expect(lease.fence == slot && lease.version == slot && lease.holder == "one")
    #expect(
      world.end(.lease(.take("lock", holder: "two", ticks: 5000)), at: leader)
        .map { if case .lease(.taken(lease), _) = $0 { true } else { false } } == true)
    let refreshed = world.end(.lease(.refresh("lock", fence: lease.fence)), at: leader)
    guard case .lease(.held(let longer), let later) = refreshed else {
      Issue.record("\(String(describing: refreshed))")
      return
    }
    #expect(longer.fence == lease.fence && longer.version == later)
    let ended = world.end(.lease(.release("lock", fence: lease.fence)), at: leader)
    #expect(ended.map { if case .lease(.ended, _) = $0 { true } else { false } } == true)
    let next = world.end(.lease(.take("lock", holder: "two", ticks: 5000)), at: leader)
    guard case .lease(.held(let second), _) = next else {
      Issue.record("\(String(describing: next))")
      return
    }
    #expect(second.fence > lease.fence)
    world.pass(100)
    #expect(world[1].lease(of: "lock") == world[3].lease(of: "lock"))
  }

  @Test func aLeaseEndsByItselfUnlessItIsRefreshed() {
    var world = World(3)
    world.elect()
    let leader = world.leader!.rawValue
    let taken = world.end(.lease(.take("lock", holder: "one", ticks: 400)), at: leader)
    guard case .lease(.held(let lease), _) = taken else {
      Issue.record("\(String(describing: taken))")
      return
    }
    for _ in 0..<30 { world.pass(10) }
    _ = world.end(.lease(.refresh("lock", fence: lease.fence)), at: leader)
    for _ in 0..<30 { world.pass(10) }
    #expect(world[1].lease(of: "lock") != nil)
    for _ in 0..<30 { world.pass(10) }
    for voter in 1...3 as ClosedRange<UInt32> { #expect(world[voter].lease(of: "lock") == nil) }
    let told = world.nodes[VoterID(1)]!.effects.filter {
      if case .leaseEnded("lock", _) = $0 { true } else { false }
    }
    #expect(told.count == 1)
  }

  @Test func aLeaseOutlivesItsLeaderAndASnapshot() {
    var world = World(3) { $0.maxRetained = 1 }
    world.elect()
    let leader = world.leader!
    let lagging = world.voters.first { $0 != leader }!
    world.crash(lagging)
    _ = world.end(.lease(.take("lock", holder: "one", ticks: 3000)), at: leader.rawValue)
    for _ in 0..<5 { _ = world.end(.command(.add(1)), at: leader.rawValue) }
    world.restart(lagging)
    for _ in 0..<30 { world.pass(20) }
    #expect(world[lagging.rawValue].lease(of: "lock") != nil)
    world.crash(leader)
    for _ in 0..<60 { world.pass(20) }
    #expect(world.leader != nil)
    #expect(world[lagging.rawValue].lease(of: "lock") != nil)
    // Its time began anew with the leader, at the latest.
    for _ in 0..<200 { world.pass(20) }
    #expect(world[lagging.rawValue].lease(of: "lock") == nil)
  }

  /// Its holder trusts a lease from when it asked. The clock of the turn in which that is applied may have
  /// been read long before.
  @Test func theTimeOfALeaseBeginsWithTheNextReadingOfTheClock() {
    var world = World(1)
    world.elect()
    let taken = ProposalID(77)
    world.with(VoterID(1)) {
      // The process stood still for 300 ticks behind its reading of the clock.
      $0.propose(Proposal(.lease(.take("lock", holder: "one", ticks: 400))), as: taken)
    }
    world.calm()
    #expect(world.completions[taken] != nil)
    world.now += 300
    world.turn(VoterID(1))
    world.pass(399)
    #expect(world[1].lease(of: "lock") != nil)
    world.pass(2)
    #expect(world[1].lease(of: "lock") == nil)
  }

  /// Only time ends a lease that is not given back.
  @Test func theEndOfALeaseIsNotProposedByClients() {
    var world = World(1)
    world.elect()
    let taken = world.end(.lease(.take("lock", holder: "one", ticks: 5000)), at: 1)
    guard case .lease(.held(let lease), _) = taken else {
      Issue.record("\(String(describing: taken))")
      return
    }
    let ended = world.end(.lease(.expire("lock", version: lease.version)), at: 1)
    #expect(ended == .notApplied(.malformed))
    #expect(world[1].lease(of: "lock") == lease)
  }

  @Test func leadershipIsHandedOver() {
    var world = World(3)
    world.elect()
    let old = world.leader!
    let target = world.voters.first { $0 != old }!
    let outcome = world.end(.transferLeadership(to: target), at: old.rawValue)
    #expect(outcome == .transferred(to: target))
    #expect(world.leader == target)
    #expect(world.end(.command(.add(1)), at: old.rawValue)?.number == 1)
  }

  @Test func theChosenHistoryIsReadBack() {
    var world = World(3)
    world.elect()
    let leader = world.leader!.rawValue
    for number in 1...5 as ClosedRange<Int32> { _ = world.end(.command(.add(number)), at: leader) }
    let entries = world[leader].entries(from: Slot(1))
    #expect(entries.filter { $0.entry.kind == .command }.count == 5)
    #expect(world[leader].entries(from: Slot(2), limit: 2).map(\.slot) == [Slot(2), Slot(3)])
  }
}
