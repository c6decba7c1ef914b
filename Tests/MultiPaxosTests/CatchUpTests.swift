import Synod
import Testing

@testable import MultiPaxos

/// A node that is given a snapshot while others write comes to an end (rule 28).
@Suite struct CatchUpTests {
  @Test func whatIsBehindASnapshotIsKeptForWhoeverTakesIt() {
    var world = World(3) {
      $0.maxRetained = 2
      $0.maxPieceBytes = 1
    }
    TraceTests().led(by: 1, &world)
    world.crash(VoterID(3))
    for number in 1...20 as ClosedRange<Int32> { _ = world.end(.command(.add(number)), at: 1) }
    world.restart(VoterID(3))
    // It takes one piece while others write more than is kept; what is accepted meanwhile is lost.
    world.isLost = {
      if case .accept = $0.message { $0.to == VoterID(3) } else { false }
    }
    world.isHeldBack = { if case .piece = $0.message { true } else { false } }
    var caughtUp: UInt64?
    for round in 0..<400 where caughtUp == nil {
      for _ in 0..<3 { world.add(1, at: 1) }
      world.pass(5)
      if let place = world.network.firstIndex(where: world.isHeldBack) {
        world.deliver(world.network.remove(at: place))
      }
      world.calm()
      if world[3].status.applied.advanced(by: 12) >= world[1].status.applied {
        caughtUp = UInt64(round)
      }
    }
    #expect(caughtUp != nil)
    #expect(world[3].statistics.installed == 1)
    // Not for ever, and not without bounds.
    for _ in 0..<100 { world.pass(20) }
    _ = world.end(.command(.add(1)), at: 1)
    let status = world[1].status
    #expect(status.applied.rawValue + 1 - status.firstRetained.rawValue <= 2)
  }

  @Test func whatIsKeptForASnapshotIsBounded() {
    var world = World(3) {
      $0.maxRetained = 2
      $0.maxRetainedBytes = 100
      $0.maxPieceBytes = 1
    }
    TraceTests().led(by: 1, &world)
    for number in 1...20 as ClosedRange<Int32> { _ = world.end(.command(.add(number)), at: 1) }
    world.with(VoterID(1)) { $0.receive(.fetchPiece(slot: .none, index: 0), from: VoterID(3)) }
    for _ in 0..<100 { world.add(1, at: 1) }
    world.calm()
    #expect((101...800).contains(world[1].core.retained))
  }
}
