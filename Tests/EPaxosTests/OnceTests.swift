@testable import EPaxos
import Synod
import Testing

/// Commands that are to have their effect once, and clients that are forgotten (rule 46).
@Suite struct OnceTests {
  static func client(_ number: UInt64) -> Identity128 { Identity128(high: number + 1, low: 7) }

  /// One voter's, in which a client's command was applied, and so many others since that a barrier had it
  /// forgotten.
  static func crowded() -> World {
    var world = World(1) { $0.barrierEvery = nil }
    world.propose(.command(.add(1, [0])), at: 1, once: Once(client(0), 1))
    world.calm()
    for number in 1...UInt64(Clients.limit) {
      let proposal = Proposal<Shelf>(
        .command(.add(1, [UInt8(1 + number % 50)])), once: Once(client(number), 1))
      world.nodes[VoterID(1)]!.machine.propose(proposal, as: ProposalID(10_000 + number))
    }
    world.turn(VoterID(1))
    world.calm()
    world.propose(.barrier, at: 1)
    world.calm()
    return world
  }

  @Test func aRetryOfAClientThatWasForgottenIsNotAppliedAgain() {
    var world = Self.crowded()
    #expect(world[1].replicated.clients.forgotten > 0)
    let retry = world.propose(
      .command(.add(1, [0])), at: 1, once: Once(Self.client(0), 1, isRetry: true))
    world.calm()
    #expect(world.completions[retry] == .unknown(.forgotten))
    #expect(world.numbers(1) == [1])
    // What is known still is told.
    let last = UInt64(Clients.limit)
    let known = world.propose(
      .command(.add(1, [UInt8(1 + last % 50)])), at: 1,
      once: Once(Self.client(last), 1, isRetry: true))
    // A first attempt that is new is applied.
    let new = world.propose(.command(.add(2, [0])), at: 1, once: Once(Self.client(0), 2))
    world.calm()
    #expect(world.completions[known] == world.completions[ProposalID(10_000 + last)])
    #expect(world.completions[new]?.number == 5)
    #expect(world.numbers(1) == [1, 2])
    // Alike in another life, and where a snapshot says it.
    for isCompacted in [false, true] {
      if isCompacted { world.compact(VoterID(1)) }
      let before = world[1].replicated
      world.restart(VoterID(1))
      #expect(world[1].replicated.clients == before.clients)
      #expect(world[1].replicated.positions.floor == before.positions.floor)
    }
    #expect(world.problems == [])
  }

  /// It may have waited while a retry of it was applied, and forgotten.
  @Test func aFirstAttemptThatIsOlderThanWhatIsForgottenIsNotApplied() {
    var clients = Clients()
    #expect(clients.memory(of: Once(Self.client(0), 1), since: 0) == .new)
    for number in 0...UInt64(Clients.limit) {
      clients.keep(Once(Self.client(number), 1), "told", at: number + 1)
    }
    clients.trim(at: 9000)
    #expect(clients.memory(of: Once(Self.client(0), 1), since: 8999) == .forgotten)
    #expect(clients.memory(of: Once(Self.client(0), 1), since: 9000) == .new)
    #expect(clients.memory(of: Once(Self.client(0), 1, isRetry: true), since: 9000) == .forgotten)
    #expect(clients.memory(of: Once(Self.client(1), 0), since: 0) == .outdated)
    #expect(clients.memory(of: Once(Self.client(1), 2), since: 0) == .new)
    guard case .applied(let kept) = clients.memory(of: Once(Self.client(1), 1), since: 0) else {
      return #expect(Bool(false), "it is kept")
    }
    #expect(kept.outcome == "told")
  }

  @Test func longOutcomesTakeABoundedPlace() throws {
    var clients = Clients()
    let long = Bytes([UInt8](repeating: 1, count: Clients.maxOutcome))
    for number in 0..<100 as Range<UInt64> {
      clients.keep(Once(Self.client(number), 1), long, at: number + 1)
    }
    clients.keep(
      Once(Self.client(100), 1), Bytes([UInt8](repeating: 1, count: Clients.maxOutcome + 1)),
      at: 101)
    clients.trim(at: 200)
    let kept = clients.inOrder
    #expect(kept.reduce(0) { $0 + $1.size } <= Clients.maxBytes && kept.count > 30)
    #expect(kept.last?.position == 101 && kept.last?.outcome == nil)
    // All of it can be read back, in pieces that fit into a frame.
    var copy = Clients()
    var given = 0
    while given < kept.count {
      var writer = ByteWriter()
      given = Clients.give(
        kept, from: given, 64 * 1024, forgotten: clients.forgotten, into: &writer)
      #expect(writer.count < 1 << 20)
      var reader = ByteReader(writer.finish())
      try copy.restore(&reader)
    }
    #expect(copy == clients)
  }
}
