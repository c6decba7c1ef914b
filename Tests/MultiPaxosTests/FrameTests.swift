import Synod
import Testing

@testable import MultiPaxos

/// Messages are bounded by their bytes, as frames of a transport are: one that was longer would be
/// dropped, made again, and dropped again, for ever. Only an entry that is longer by itself goes alone.
@Suite struct FrameTests {
  static let limit = 150

  /// The entries that a message carries.
  static func entries(_ message: Message) -> [Entry] {
    switch message {
    case .accept(let accept): accept.entries
    case .entries(_, let entries, _): entries
    case .forward(let entries): entries
    case .promise(let promise): promise.accepted.map(\.entry)
    default: []
    }
  }

  static func isTooLong(_ parcel: World.Parcel) -> Bool {
    let sizes = entries(parcel.message).map(\.size)
    return sizes.count > 1 && sizes.reduce(0, +) > limit
  }

  /// A world whose transport drops what is too long. Of these commands two fit into a message.
  func makeWorld() -> World {
    var world = World(3, window: 8) {
      $0.maxMessageBytes = Self.limit
    }
    world.isLost = Self.isTooLong
    TraceTests().led(by: 1, &world)
    return world
  }

  func propose(_ count: Int, at voter: UInt32, _ world: inout World) -> [ProposalID] {
    let ids = (0..<count).map { ProposalID(UInt64($0) + world.proposed + 1) }
    world.proposed += UInt64(count)
    let proposals = ids.map { (proposal: Proposal<Calculator>(.command(.add(1))), id: $0) }
    let now = Ticks(world.now)
    world.with(VoterID(voter)) {
      $0.tick(to: now)
      $0.propose(proposals)
    }
    return ids
  }

  @Test(arguments: [1, 2] as [UInt32])
  func whatIsProposedTogetherGoesOutInAsManyMessagesAsItTakes(_ voter: UInt32) {
    var world = makeWorld()
    let ids = propose(7, at: voter, &world)
    for _ in 0..<5 { world.pass(20) }
    #expect(ids.allSatisfy { world.completions[$0]?.number != nil })
    #expect(world[1].app.value == 7)
  }

  @Test func slotsThatWereLostTogetherAreSentAgainInAsManyMessagesAsItTakes() {
    var world = makeWorld()
    world.isLost = { if case .accept = $0.message { true } else { false } }
    let ids = propose(7, at: 1, &world)
    world.calm()
    world.isLost = Self.isTooLong
    for _ in 0..<60 { world.pass(20) }
    #expect(ids.allSatisfy { world.completions[$0]?.number != nil })
    #expect(world.leader == VoterID(1))
  }

  /// After a broken connection all open slots are due at once: those that do not fit into one message
  /// follow as soon as the first are chosen, not a turn of the clock each.
  @Test func whatIsSentAgainFollowsAsSoonAsWhatWasBeforeItIsChosen() {
    var world = makeWorld()
    world.isLost = { if case .accept = $0.message { true } else { false } }
    let ids = propose(8, at: 1, &world)
    world.calm()
    world.isLost = Self.isTooLong
    world.pass(world[1].settings.retransmitAfter)
    for _ in 0..<8 { world.pass(1) }
    #expect(ids.allSatisfy { world.completions[$0]?.number != nil })
  }

  @Test func whoWasAwayCatchesUpInAsManyMessagesAsItTakes() {
    var world = makeWorld()
    world.crash(VoterID(3))
    let ids = propose(7, at: 1, &world)
    world.calm()
    #expect(ids.allSatisfy { world.completions[$0]?.number != nil })
    world.restart(VoterID(3))
    for _ in 0..<30 { world.pass(20) }
    #expect(world[3].app.value == 7)
  }

  /// What a voter accepted and nobody knows to be chosen is told in as many parts as it takes.
  @Test func aPromiseTellsInAsManyPartsAsItTakes() {
    var world = makeWorld()
    world.isHeldBack = { if case .accepted = $0.message { true } else { false } }
    _ = propose(7, at: 1, &world)
    world.calm()
    #expect(world[2].status.chosen < world[1].status.chosen.advanced(by: 7))
    world.crash(VoterID(1))
    world.network.removeAll()
    world.isHeldBack = { _ in false }
    for _ in 0..<100 where world.leader == nil { world.pass(20) }
    for _ in 0..<20 { world.pass(20) }
    #expect(world.leader != nil)
    #expect(world[2].app.value == 7)
    #expect(world[3].app.value == 7)
  }

  /// Also where it is the only one, an entry that is longer than a message is to be goes out.
  @Test func anEntryThatIsLongerGoesAlone() {
    var world = World(3, window: 8) { $0.maxMessageBytes = 10 }
    world.isLost = { Self.entries($0.message).count > 1 }
    TraceTests().led(by: 1, &world)
    let ids = propose(7, at: 2, &world)
    for _ in 0..<5 { world.pass(20) }
    #expect(ids.allSatisfy { world.completions[$0]?.number != nil })
  }

  /// A piece of a snapshot is no longer than its limit and what one client is remembered by.
  @Test func piecesOfASnapshotAreBoundedWhateverClientsAreRememberedBy() {
    let configuration = Settings.test(1).configuration
    var state = Replicated(Schedule(Membership(configuration), window: 3))
    state.applied = Slot(9)
    let long = Bytes([UInt8](repeating: 7, count: Clients.maxOutcome))
    for client in 1...4 as ClosedRange<UInt64> {
      state.clients.keep(
        Once(Identity128(high: 1, low: client), 1), client % 2 == 0 ? long : "short",
        at: Slot(client))
    }
    var source = SnapshotSource(state, Calculator())
    var pieces: [Bytes] = []
    while !source.isAtEnd { source.next(limit: 64 * 1024, into: &pieces) }
    let longest = pieces.map(\.count).max() ?? 0
    #expect(longest > Clients.maxOutcome)
    // Two of those bounds make a message, at the most, and must fit into a frame of 1 MiB.
    #expect(longest + 64 * 1024 < (1 << 20) - 4096)
  }
}
