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
    for _ in 0..<170 { world.pass(100) }
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

  /// Its settings would have it judge by other configurations than the rest, from then on.
  @Test func aSnapshotOfAnotherWindowIsNotTaken() {
    var world = World(3) { $0.maxRetained = 1 }
    TraceTests().led(by: 1, &world)
    for number in 1...9 as ClosedRange<Int32> { _ = world.end(.command(.add(number)), at: 1) }
    world.add(MembershipTests.joiner(4, window: 5, store: 1))
    let change = MembershipChange([.add(StaleReadTests.member(4, .learner))])
    _ = world.end(.changeMembership(change), at: 1)
    for _ in 0..<40 { world.pass(20) }
    #expect(world[4].statistics.installed == 0)
    guard case .cannotStart = world[4].stopped else {
      Issue.record("\(String(describing: world[4].stopped))")
      return
    }
  }

  /// Who takes a snapshot asks for several pieces at once: a long way does not make it slow.
  @Test func piecesFollowEachOtherWithoutWaiting() {
    var world = lacksForty()
    // One way after the other; what is lost is asked for again.
    var ways = 0
    world.isHeldBack = { _ in true }
    while world[3].statistics.installed == 0, ways < 400 {
      ways += 1
      let parcels = world.network
      world.network.removeAll()
      for (place, parcel) in parcels.enumerated() {
        if case .piece = parcel.message, ways % 16 == 0, place % 3 == 0 { continue }
        world.deliver(parcel)
      }
      world.pass(2)
    }
    #expect(world[3].statistics.installed == 1)
    #expect(ways < 100)
    world.isHeldBack = { _ in false }
    for _ in 0..<20 { world.pass(20) }
    world.expectAgreement()
  }

  /// More is kept for whoever takes a state that is long.
  @Test func whatIsKeptForASnapshotIsAsLongAsHalfOfIt() {
    var world = World(3) {
      $0.maxRetained = 2
      $0.maxRetainedBytes = 100
    }
    TraceTests().led(by: 1, &world)
    for client in 1...400 as ClosedRange<UInt64> {
      world.propose(.command(.add(1)), at: 1, once: Once(Identity128(high: 1, low: client), 1))
      world.calm()
    }
    world.with(VoterID(1)) { $0.receive(.fetchPiece(slot: .none, index: 0), from: VoterID(3)) }
    for _ in 0..<100 { world.add(1, at: 1) }
    world.calm()
    #expect((3_000...40_000).contains(world[1].core.retained))
  }

  /// Whoever gives it is silent for some seconds: what was taken is not taken again.
  @Test func aSnapshotGoesOnWhereItWasInterrupted() {
    var world = lacksForty()
    world.isHeldBack = { if case .piece(let piece) = $0.message { piece.index > 9 } else { false } }
    for _ in 0..<20 { world.pass(20) }
    let slot = world[3].core.catchUp.incoming?.slot
    #expect(slot != nil && world[3].core.catchUp.incoming?.next == 10)
    world.network.removeAll(where: world.isHeldBack)
    world.isLost = { if case .piece = $0.message { true } else { false } }
    for _ in 0..<150 { world.pass(20) }
    #expect(world[1].transfers.map(\.last.slot) == [slot])
    world.isLost = { if case .piece(let piece) = $0.message { piece.index < 10 } else { false } }
    world.isHeldBack = { _ in false }
    for _ in 0..<300 where world[3].statistics.installed == 0 { world.pass(20) }
    #expect(world[3].statistics.installed == 1)
    for _ in 0..<20 { world.pass(20) }
    world.expectAgreement()
  }

  /// A state that was frozen for one who is gone is let go of.
  @Test func aSnapshotThatNobodyTakesIsLetGoOf() {
    var world = World(3)
    TraceTests().led(by: 1, &world)
    _ = world.end(.command(.add(1)), at: 1)
    world.isLost = { if case .piece = $0.message { true } else { false } }
    world.with(VoterID(1)) { $0.receive(.fetchPiece(slot: .none, index: 0), from: VoterID(3)) }
    #expect(world[1].transfers.count == 1)
    for _ in 0..<170 { world.pass(100) }
    #expect(world[1].transfers.count == 0)
  }

  /// And half of one, where entries came instead, and whoever gave it is gone.
  @Test func halfASnapshotIsNotKept() {
    var world = World(3) {
      $0.maxRetained = $0.voter == VoterID(2) ? 1000 : 1
      $0.maxPieceBytes = 1
    }
    TraceTests().led(by: 1, &world)
    world.crash(VoterID(3))
    for number in 1...20 as ClosedRange<Int32> { _ = world.end(.command(.add(number)), at: 1) }
    world.restart(VoterID(3))
    world.isHeldBack = { parcel in
      if case .piece(let piece) = parcel.message { piece.index > 0 } else { false }
    }
    for _ in 0..<100 where world[3].incoming == nil { world.pass(5) }
    #expect(world[3].incoming?.pieces.isEmpty == false)
    let from = world[3].status.chosen.next
    let entries = world[2].entries(from: from).map(\.entry)
    let chosen = world[2].status.chosen
    world.with(VoterID(3)) {
      $0.receive(.entries(first: from, entries, chosen: chosen), from: VoterID(2))
    }
    world.crash(VoterID(1))
    for _ in 0..<120 { world.pass(100) }
    #expect(world[3].app.value == 210)
    #expect((world[3].incoming == nil) == true)
    world.compact(VoterID(3))
    #expect(
      !world.nodes[VoterID(3)]!.disk.contains {
        if case .stateBegins(let slot) = $0 { slot < world[3].status.applied } else { false }
      })
    world.restart(VoterID(3))
    #expect(world[3].app.value == 210 && world.problems == [])
  }

  /// 1 leads; 3 was away while forty clients wrote, and needs a snapshot of some forty pieces.
  private func lacksForty() -> World {
    var world = World(3) {
      $0.maxRetained = 1
      $0.maxPieceBytes = 1
    }
    TraceTests().led(by: 1, &world)
    world.crash(VoterID(3))
    for client in 1...40 as ClosedRange<UInt64> {
      world.propose(.command(.add(1)), at: 1, once: Once(Identity128(high: 1, low: client), 1))
      world.pass(5)
    }
    world.restart(VoterID(3))
    return world
  }

  /// 3 has taken ten pieces of some forty from 1, and the rest is lost for now.
  func halfway() -> World {
    var world = lacksForty()
    world.isLost = { if case .piece(let piece) = $0.message { piece.index > 9 } else { false } }
    for _ in 0..<20 { world.pass(20) }
    #expect(world[3].core.catchUp.incoming?.next == 10)
    world.isLost = { _ in false }
    return world
  }

  /// What was asked for long since may come once more, behind all that was asked after it.
  @Test func aQuestionThatComesLateEndsNoTransfer() throws {
    var world = halfway()
    let slot = try #require(world[3].core.catchUp.incoming?.slot)
    world.with(VoterID(1)) { $0.receive(.fetchPiece(slot: slot, index: 1), from: VoterID(3)) }
    #expect(world[1].transfers.first.map { $0.last.index > 9 } == true)
    for _ in 0..<200 where world[3].statistics.installed == 0 { world.pass(20) }
    #expect(world[3].statistics.installed == 1)
  }

  /// Whoever gives it was started anew in the same state: who takes it begins anew, too, and soon.
  @Test func aTransferThatIsBegunAnewOnOneSideIsOnTheOther() {
    var world = halfway()
    world.nodes[VoterID(1)]!.machine.transfers.removeAll()
    let began = world.now
    for _ in 0..<400 where world[3].statistics.installed == 0 { world.pass(20) }
    #expect(world[3].statistics.installed == 1)
    #expect(world.now < began + 3_000)
  }
}
