@testable import MultiPaxos
import Synod
import Testing

/// Leases that whoever took them keeps (rule 46).
@Suite struct LeaserTests {
  /// Three voters, led by the first, which ends leases; each keeps its own, or none does.
  private func world(keeping: Bool = true) -> World {
    var world = World(3) {
      $0.decorations = .none
      $0.decorations.endsLeases = true
      $0.decorations.delegates = true
      $0.decorations.catchesUp = true
      $0.decorations.sendsHeartbeats = true
      $0.decorations.refreshesLeases = keeping
    }
    DecorationTests().lead(1, &world)
    return world
  }

  /// Takes a lease of 100 ticks.
  private func take(at voter: UInt32, _ world: inout World) -> Lease? {
    let taken = world.end(.lease(.take("lock", holder: "one", ticks: 100)), at: voter)
    guard case .lease(.held(let lease), _) = taken else {
      Issue.record("\(String(describing: taken))")
      return nil
    }
    return lease
  }

  @Test(arguments: [true, false], [1, 2] as [UInt32])
  func aLeaseThatWasTakenHereIsKept(_ keeps: Bool, _ voter: UInt32) {
    var world = world(keeping: keeps)
    let lease = take(at: voter, &world)
    for _ in 0..<50 { world.pass(10) }
    #expect(world[3].lease(of: "lock")?.fence == (keeps ? lease?.fence : nil))
  }

  /// Asked for once in three quarters of its time, and not before.
  @Test func itIsRefreshedWhenAQuarterIsLeft() {
    var world = world()
    let lease = take(at: 1, &world)
    let start = world.now
    var refreshed: [UInt64] = []
    var version = lease?.version
    while world.now < start + 400 {
      world.pass(1)
      let now = world[1].lease(of: "lock")?.version
      if now != version { refreshed.append(world.now - start) }
      version = now
    }
    #expect(refreshed.count == 5)
    #expect(refreshed.first.map { (70...80).contains($0) } == true, "\(refreshed)")
  }

  @Test func oneThatIsGivenBackIsNotTakenAgain() throws {
    var world = world()
    let lease = try #require(take(at: 2, &world))
    for _ in 0..<20 { world.pass(10) }
    let ended = world.end(.lease(.release("lock", fence: lease.fence)), at: 2)
    #expect(ended.map { if case .lease(.ended, _) = $0 { true } else { false } } == true)
    let applied = world[1].status.applied
    for _ in 0..<30 { world.pass(10) }
    #expect(world[1].lease(of: "lock") == nil && world[1].status.applied == applied)
    #expect(world[2].core.kept.isEmpty)
  }

  /// With its node goes who held it: neither one that is down nor its next life asks for it.
  @Test(arguments: [false, true]) func oneIsNotKeptForAnEarlierLife(comesBack: Bool) {
    var world = world()
    _ = take(at: 2, &world)
    world.pass(50)
    world.crash(VoterID(2))
    if comesBack { world.restart(VoterID(2)) }
    for _ in 0..<40 { world.pass(10) }
    #expect(world[3].lease(of: "lock") == nil)
  }

  /// Cut off, a node loses its lease, is told so, and leaves alone what another has.
  @Test func oneThatIsLostIsNotAskedForAgain() throws {
    var world = world()
    _ = take(at: 2, &world)
    world.nodes[VoterID(2)]!.isCutOff = true
    for _ in 0..<30 { world.pass(10) }
    let taken = world.end(.lease(.take("lock", holder: "two", ticks: 100)), at: 1)
    guard case .lease(.held(let other), _) = taken else {
      Issue.record("\(String(describing: taken))")
      return
    }
    world.nodes[VoterID(2)]!.isCutOff = false
    for _ in 0..<30 { world.pass(10) }
    #expect(world[1].lease(of: "lock")?.fence == other.fence)
    #expect(world[1].lease(of: "lock")?.holder == "two")
    #expect(world[2].core.kept.isEmpty)
  }
}
