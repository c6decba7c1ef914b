import Synod
import Testing

@testable import MultiPaxos

/// How leadership passes on where it must, and soon (rules 41, 45).
@Suite struct HandOverTests {
  /// A leader that votes in no slot to come hands over, however much it has to do.
  @Test func aRemovedLeaderHandsOverUnderLoad() {
    var world = World(4)
    TraceTests().led(by: 1, &world)
    _ = world.end(.changeMembership(MembershipChange([.remove(VoterID(1))])), at: 1)
    // Something is always open.
    var delayed: [World.Parcel] = []
    world.isHeldBack = { if case .accepted = $0.message { true } else { false } }
    for _ in 0..<100 where world[1].status.isLeading {
      world.add(1, at: 1)
      world.add(1, at: 2)
      world.pass(10)
      for parcel in delayed { world.deliver(parcel) }
      delayed = world.network.filter(world.isHeldBack)
      world.network.removeAll(where: world.isHeldBack)
    }
    #expect(!world[1].status.isLeading)
    world.isHeldBack = { _ in false }
    for _ in 0..<40 { world.pass(20) }
    #expect(world.leader.map { $0 != VoterID(1) } == true)
    #expect(world.problems == [])
  }

  /// What the others granted the leader is given back, too: with five voters the next one needs more
  /// promises than its own and its predecessor's.
  @Test func aLeaderThatHandsOverGivesAllGrantsBack() {
    var world = World(5) {
      $0.leaseDuration = 5_000
      $0.clockRateError = 0
    }
    TraceTests().led(by: 1, &world)
    _ = world.end(.command(.add(3)), at: 1)
    for _ in 0..<5 { world.pass(60) }
    let began = world.now
    let outcome = world.end(.transferLeadership(to: VoterID(2)), at: 1)
    #expect(outcome == .transferred(to: VoterID(2)))
    #expect(world.end(.command(.add(4)), at: 2)?.number == 7)
    #expect(world.now < began + 1_000)
    #expect(world.leader == VoterID(2))
    #expect(world.problems == [])
  }

  /// Who was not heard of for long does not take over.
  @Test func aLeaderHandsOverToOneThatIsThere() {
    var world = World(3)
    TraceTests().led(by: 1, &world)
    _ = world.end(.command(.add(3)), at: 1)
    for _ in 0..<5 { world.pass(20) }
    world.crash(VoterID(2))
    for _ in 0..<50 { world.pass(20) }
    #expect(world[1].status.isLeading)
    #expect(world.end(.transferLeadership(to: nil), at: 1) == .transferred(to: VoterID(3)))
  }

  /// While it waits for the next one to stand it asks nobody to grant it anew what was given back.
  @Test func aLeaderThatHandsOverIsGrantedNothingAnew() {
    var world = World(5) {
      $0.leaseDuration = 5_000
      $0.clockRateError = 0
    }
    TraceTests().led(by: 1, &world)
    _ = world.end(.command(.add(3)), at: 1)
    for _ in 0..<5 { world.pass(60) }
    #expect((3...5).allSatisfy { world[$0].core.grants.holder == VoterID(1) })
    world.isHeldBack = { if case .takeOver = $0.message { true } else { false } }
    world.propose(.transferLeadership(to: VoterID(2)), at: 1)
    for _ in 0..<3 { world.pass(60) }
    #expect(world[1].status.isLeading)
    #expect((2...5).allSatisfy { world[$0].core.grants.holder == .none })
    world.isHeldBack = { _ in false }
    let began = world.now
    #expect(world.end(.command(.add(4)), at: 2)?.number == 7)
    #expect(world.now < began + 1_000)
    #expect(world.leader == VoterID(2))
    #expect(world.problems == [])
  }

  /// Those who know that it is a member no more hang up: who is to take over hears of that before.
  @Test func aRemovedLeaderHandsOverBeforeTheOthersHangUp() {
    var world = World(4)
    TraceTests().led(by: 1, &world)
    for _ in 0..<5 { world.pass(20) }
    world.isHeldBack = { _ in true }
    world.propose(.changeMembership(MembershipChange([.remove(VoterID(1))])), at: 1)
    func isConnected(_ parcel: World.Parcel) -> Bool {
      world[parcel.to.rawValue].schedule.members.contains { $0.voter == parcel.from }
    }
    let began = world.now
    while world.now < began + 200, world.leader.map({ $0 == VoterID(1) }) ?? true {
      for _ in 0..<20 {
        let parcels = world.network
        world.network.removeAll()
        for parcel in parcels where isConnected(parcel) { world.deliver(parcel) }
        world.calm()
      }
      world.pass(1)
    }
    #expect(world.leader.map { $0 != VoterID(1) } == true)
    #expect(world.now < began + 200)
    #expect(world.problems == [])
  }
}
