import Synod
import Testing

@testable import MultiPaxos

/// Commands that have their effect once, however often they are sent.
@Suite struct OnceTests {
  @Test func aCommandThatIsSentTwiceIsAppliedOnce() {
    var world = World(3)
    world.elect()
    let leader = world.leader!.rawValue
    let follower = world.voters.first { $0.rawValue != leader }!.rawValue
    let client = Identity128(high: 1, low: 2)
    let first = world.propose(.command(.add(5)), at: leader, once: Once(client, 1))
    world.pass(50)
    let again = world.propose(.command(.add(5)), at: follower, once: Once(client, 1))
    world.pass(50)
    #expect(world.completions[again] == world.completions[first])
    #expect(world[leader].app.value == 5)
    let second = world.propose(.command(.add(5)), at: follower, once: Once(client, 2))
    world.pass(50)
    #expect(world.completions[second]?.number == 10)
    let late = world.propose(.command(.add(5)), at: leader, once: Once(client, 1))
    world.pass(50)
    #expect(world.completions[late] == .notApplied(.outdated))
    world.expectAgreement()
  }

  static func client(_ number: Int) -> Identity128 { Identity128(high: 9, low: UInt64(number)) }

  /// So many clients, each with one command applied in its own slot.
  static func clients(_ count: Int) -> Clients {
    var clients = Clients()
    for number in 1...count {
      clients.keep(Once(client(number), 1), Bytes("\(number)"), at: Slot(UInt64(number)))
    }
    return clients
  }

  /// Nobody can tell a first attempt of a forgotten client from a second one by the client alone.
  @Test func aRetryOfAForgottenClientIsNotTakenForTheFirstAttempt() {
    var clients = Self.clients(Clients.limit)
    #expect(clients.forgotten == .none)
    let stranger = Self.client(99_999)
    #expect(clients.memory(of: Once(stranger, 1, isRetry: true), since: .none) == .new)
    clients.keep(Once(Self.client(5000), 1), "x", at: Slot(5000))
    // The oldest quarter went.
    let forgotten = UInt64(Clients.limit / 4 + 1)
    #expect(clients.forgotten == Slot(forgotten))
    let gone = Self.client(7)
    #expect(clients.memory(of: Once(gone, 1, isRetry: true), since: Slot(6000)) == .forgotten)
    #expect(clients.memory(of: Once(gone, 2, isRetry: true), since: Slot(6000)) == .forgotten)
    // A first attempt that was taken when all that is forgotten was applied, and one before.
    #expect(clients.memory(of: Once(gone, 2), since: Slot(forgotten)) == .new)
    #expect(clients.memory(of: Once(gone, 1), since: Slot(forgotten - 1)) == .forgotten)
    // Those that are kept.
    let kept = Self.client(3000)
    guard case .applied(let found) = clients.memory(of: Once(kept, 1, isRetry: true), since: .none)
    else {
      Issue.record("it is not kept")
      return
    }
    #expect(found.slot == Slot(3000) && found.outcome == "3000")
    #expect(clients.memory(of: Once(kept, 2, isRetry: true), since: .none) == .new)
    #expect(clients.memory(of: Once(kept, 0), since: .none) == .outdated)
  }

  @Test func longOutcomesMakeRoomForEachOther() {
    var clients = Clients()
    let outcome = Bytes([UInt8](repeating: 1, count: Clients.maxOutcome))
    for number in 1...60 {
      clients.keep(Once(Self.client(number), 1), outcome, at: Slot(UInt64(number)))
    }
    #expect(clients.inOrder.count < Clients.maxBytes / Clients.maxOutcome + 1)
    #expect(clients.forgotten > Slot(20))
    // Too long to be kept: that it was applied is known, and no more.
    clients.keep(Once(Self.client(50), 1), Bytes([1] + outcome.array), at: Slot(50))
    guard case .applied(let kept) = clients.memory(of: Once(Self.client(50), 1), since: .none)
    else {
      Issue.record("it is not kept")
      return
    }
    #expect(kept.outcome == nil)
  }

  @Test func aSnapshotWhoseClientsAreNotInOrderIsRefused() throws {
    var clients = Clients(forgotten: Slot(3))
    let kept = Clients.Kept(client: Self.client(1), sequence: 1, slot: Slot(5), outcome: "")
    #expect(throws: RestoreError.self) {
      try clients.restore(
        Clients.Kept(client: Self.client(9), sequence: 1, slot: Slot(3), outcome: ""))
    }
    try clients.restore(kept)
    #expect(throws: RestoreError.self) { try clients.restore(kept) }
    #expect(throws: RestoreError.self) {
      try clients.restore(
        Clients.Kept(client: Self.client(2), sequence: 1, slot: Slot(4), outcome: ""))
    }
  }

  /// End to end: the client's first attempt had its effect, thousands of other clients came, and a retry
  /// has none. A snapshot carries what is forgotten.
  @Test func aRetryThatComesTooLateIsToldThatNobodyKnows() {
    var world = World(1, window: 1 << 13) { $0.counterBlock = 1024 }
    world.elect()
    let client = Self.client(0)
    #expect(
      world.completions[world.propose(.command(.add(5)), at: 1, once: Once(client, 1))] == nil)
    world.calm()
    let machine = VoterID(1)
    let proposals = (1...Clients.limit).map {
      (
        proposal: Proposal<Calculator>(.command(.add(1)), once: Once(Self.client($0), 1)),
        id: ProposalID(UInt64(1 << 20 + $0))
      )
    }
    // An attempt that is as old as the first, and waits at its node.
    let now = world[1].status.applied
    world.with(machine) { $0.propose(proposals) }
    // Numbers are reserved in blocks.
    for _ in 0..<20 { world.calm() }
    #expect(world[1].app.value == 5 + Int64(Clients.limit))
    let retry = world.propose(
      .command(.add(5)), at: 1, once: Once(client, 1, isRetry: true))
    world.calm()
    #expect(world.completions[retry] == .unknown(.forgotten))
    #expect(world[1].core.state.clients.memory(of: Once(client, 1), since: now) == .forgotten)
    let fresh = world.propose(.command(.add(5)), at: 1, once: Once(client, 2))
    world.calm()
    #expect(world.completions[fresh]?.number == 10 + Int64(Clients.limit))

    let state = world[1].core.state
    world.compact(machine)
    world.restart(machine)
    #expect(world[1].core.state.clients.forgotten == state.clients.forgotten)
    #expect(world[1].core.state.digest == state.digest)
    #expect(world.problems == [])
  }
}
