import Synod
import Testing

@testable import MultiPaxos

/// Leases where many rounds of heartbeats are out at once.
@Suite struct LongRoundTests {
  /// Reads of every turn have a round each; an answer may be many rounds old, and no older than a lease.
  @Test func aGrantIsTrustedHoweverManyRoundsWentOutSince() {
    var world = World(3, adjust: ReadTests.leased)
    world.elect()
    let leader = world.leader!
    _ = world.end(.command(.add(3)), at: leader.rawValue)
    for _ in 0..<20 { world.pass(20) }
    // No grant is trusted any more, and one answer is on its way for as long as a hundred rounds take.
    world.isHeldBack = { if case .echo = $0.message { true } else { false } }
    world.pass(201)
    #expect(ReadTests().readUnderLease(at: leader, &world) == .notApplied(.noLease))
    world.network.removeAll()
    let round = world[leader.rawValue].core.lead.round
    world.with(leader) { $0.core.lead.wantsRound = true }
    world.calm()
    let delayed = world.network
    world.network.removeAll()
    for _ in 0..<100 {
      world.with(leader) { $0.core.lead.wantsRound = true }
      world.calm()
    }
    #expect(world[leader.rawValue].core.lead.round == round + 101)
    for parcel in delayed { world.deliver(parcel) }
    #expect(ReadTests().readUnderLease(at: leader, &world)?.number == 3)
  }

  /// What was sent longer ago than a lease lasts is forgotten.
  @Test func roundsThatAreTooOldToBeTrustedAreForgotten() {
    var world = World(3, adjust: ReadTests.leased)
    world.elect()
    let leader = world.leader!
    for _ in 0..<1000 {
      world.with(leader) { $0.core.lead.wantsRound = true }
      world.pass(1)
    }
    #expect((64...210).contains(world[leader.rawValue].core.lead.sentRounds.count))
  }
}
