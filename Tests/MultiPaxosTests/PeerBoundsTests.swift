import Synod
import Testing

@testable import MultiPaxos

/// What one peer says cannot bring the others to a standstill.
@Suite struct PeerBoundsTests {
  func led() -> World {
    var world = World(3)
    TraceTests().led(by: 1, &world)
    _ = world.end(.command(.add(1)), at: 1)
    world.pass(100)
    return world
  }

  /// A ballot that is far beyond all that were drawn would use up what ballots there are.
  @Test func ballotsThatNobodyCanHaveDrawnAreNotBelieved() {
    var world = led()
    let absurd = ReadTests.ballot(Ballot.counterLimit, 3)
    let ballot = world[1].status.promised
    for message in [
      .refused(ballot, promised: absurd), .probed(round: 1, misses: true, promised: absurd),
      .prepare(absurd, from: Slot(1)), .heartbeat(absurd, chosen: .none, round: 1),
      .accept(.init(ballot: absurd, chosen: .none, first: Slot(50), entries: [.filler])),
      .acknowledged(promised: absurd, slot: .none),
    ] as [Message] {
      for voter in 1...2 as ClosedRange<UInt32> {
        world.with(VoterID(voter)) { $0.receive(message, from: VoterID(3)) }
        #expect(world[voter].status.highestSeen < absurd)
        #expect(world[voter].stopped == nil)
      }
    }
    #expect(world[1].status.isLeading)
    #expect(world.end(.command(.add(1)), at: 2)?.number == 2)
    // One that others may have come to is.
    let high = ReadTests.ballot(1 << 30, 3)
    world.with(VoterID(2)) { $0.receive(.prepare(high, from: Slot(1)), from: VoterID(3)) }
    #expect(world[2].status.promised == high)
  }

  /// A leader fills all slots up to the last that a promise tells of.
  @Test func aPromiseThatTellsOfSlotsThatNobodyCanHaveOpenedIsNone() {
    var world = World(3)
    world.isLost = { if case .promise = $0.message { true } else { false } }
    for _ in 0..<100 where world[1].core.role != .preparing {
      world.now += 20
      world.turn(VoterID(1))
      world.calm()
    }
    let ballot = world[1].core.lead.ballot
    func promise(_ slot: Slot) -> Message {
      .promise(
        .init(
          ballot: ballot, from: Slot(1), part: 0, parts: 1, content: 0,
          accepted: [.init(slot: slot, ballot: ReadTests.ballot(1, 2), entry: .filler)]))
    }
    world.with(VoterID(1)) { $0.receive(promise(Slot(1 << 59)), from: VoterID(2)) }
    #expect(!world[1].status.isLeading)
    world.with(VoterID(1)) { $0.receive(promise(Slot(3)), from: VoterID(2)) }
    #expect(world[1].status.isLeading)
    #expect(world[1].core.lead.highestReported == Slot(3))
  }

  /// Two that name each other as leader are asked in turn, but not without a pause.
  @Test func hintsThatGoRoundAreNotFollowedAllTheTime() {
    var world = led()
    world.isHeldBack = { _ in true }
    let waiting = world.propose(.command(.add(5)), at: 3)
    for _ in 0..<10 {
      world.with(VoterID(3)) {
        $0.receive(.notLeading(VoterID(2)), from: VoterID(1))
        $0.receive(.notLeading(VoterID(1)), from: VoterID(2))
      }
    }
    let forwards = world.network.filter {
      if case .forward = $0.message { $0.from == VoterID(3) } else { false }
    }
    #expect((2...3).contains(forwards.count))
    world.network.removeAll()
    world.isHeldBack = { _ in false }
    for _ in 0..<60 { world.pass(20) }
    #expect(world.completions[waiting]?.number == 6)
  }

  /// One peer whose memory failed says that this voter accepted what no log can hold: for this life it is
  /// believed, but its store is not given up for that.
  @Test func whatNobodyCanHaveAcceptedEndsNoStore() {
    var world = led()
    for voter in 1...2 as ClosedRange<UInt32> {
      world.with(VoterID(voter)) {
        $0.receive(.acknowledged(promised: .zero, slot: Slot(1 << 50)), from: VoterID(3))
      }
      #expect(world[voter].stopped == .rolledBack)
    }
    world.calm()
    for voter in 1...2 as ClosedRange<UInt32> { world.restart(VoterID(voter)) }
    for _ in 0..<60 { world.pass(20) }
    #expect(world[1].stopped == nil && world[2].stopped == nil)
    #expect(world.end(.command(.add(1)), at: 2)?.number == 2)
  }
}
