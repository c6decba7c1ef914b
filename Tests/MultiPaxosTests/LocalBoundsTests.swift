import Synod
import Testing

@testable import MultiPaxos

/// What a caller of this node asks for, and what its own voter refuses.
@Suite struct LocalBoundsTests {
  /// What no peer could read, or no frame could carry, does not get into the log.
  @Test func whatNobodyCouldReadIsNotProposed() {
    var world = World(3) { $0.maxCommand = 5_000 }
    TraceTests().led(by: 1, &world)
    let long = Bytes([UInt8](repeating: 65, count: 3 << 20))
    let applied = world[1].status.applied
    let open = [
      world.propose(.lease(.take(long, holder: "one", ticks: 30)), at: 1),
      world.propose(.lease(.take("lock", holder: long, ticks: 30)), at: 1),
      world.propose(.lease(.take("lock", holder: "one", ticks: .max)), at: 1),
      world.propose(
        .changeMembership(MembershipChange([.setAddress(VoterID(1), long)])), at: 1),
      world.propose(
        .changeMembership(
          MembershipChange([
            .add(Member(voter: VoterID(9), role: .learner, address: long))
          ])), at: 1),
    ]
    for id in open { #expect(world.completions[id] == .notApplied(.malformed)) }
    let many = (1...32).map { (number: UInt8) in
      MembershipChange.Step.setAddress(
        VoterID(1), Bytes([UInt8](repeating: number, count: Member.maxAddress)))
    }
    let large = world.propose(.changeMembership(MembershipChange(many)), at: 1)
    if case .notApplied(.tooLarge(_, limit: 5_000)) = world.completions[large] {
    } else if world.completions[large] != .notApplied(.malformed) {
      Issue.record("\(String(describing: world.completions[large]))")
    }
    world.proposed += 1
    let beyond = ProposalID(world.proposed)
    world.with(VoterID(1)) {
      $0.propose(
        Proposal(.command(.add(1)), slots: Slot(1)...Slot(Slot.limit.rawValue + 1)), as: beyond)
    }
    #expect(world.completions[beyond] == .notApplied(.malformed))
    world.pass(100)
    #expect(world[1].status.applied == applied)
    let taken = world.end(.lease(.take("lock", holder: "one", ticks: 30)), at: 1)
    guard case .lease(.held, _) = taken else {
      Issue.record("\(String(describing: taken))")
      return
    }
  }

  /// Rule 11: what its own voter refuses, a leader's vote does not help to choose either.
  @Test func aLeadersOwnVoterMayRefuseToo() {
    let voting = Voting(mayAccept: { _, entry, _ in entry.kind != .command })
    var alone = World(1) { $0.voting = voting }
    alone.elect()
    let refused = alone.propose(.command(.add(1)), at: 1)
    for _ in 0..<20 { alone.pass(20) }
    #expect(alone.completions[refused] == nil)
    // The others choose it all the same.
    var world = World(3) { if $0.voter == VoterID(1) { $0.voting = voting } }
    TraceTests().led(by: 1, &world)
    #expect(world.end(.command(.add(1)), at: 1)?.number == 1)
    // And with one of them only where it votes.
    world.crash(VoterID(3))
    let stuck = world.propose(.command(.add(1)), at: 1)
    for _ in 0..<10 { world.pass(20) }
    #expect(world.completions[stuck] == nil)
  }

  /// Who votes no more promises nothing, and says what it knows to be chosen: the candidate may need it.
  @Test func whoVotesNoMoreTellsACandidateWhatItLacks() {
    var world = World(3)
    world.add(MembershipTests.joiner(4))
    TraceTests().led(by: 1, &world)
    _ = world.end(
      .changeMembership(MembershipChange([.add(MembershipTests.member(4, .learner))])), at: 1)
    _ = world.end(.command(.add(1)), at: 1)
    world.pass(100)
    #expect(!world[4].status.isVoter && world[4].app.value == 1)
    world.isHeldBack = { _ in true }
    world.with(VoterID(4)) {
      $0.receive(.prepare(ReadTests.ballot(99, 2), from: Slot(1)), from: VoterID(2))
    }
    let told = world.network.contains {
      if case .entries(Slot(1), _, _) = $0.message {
        $0.from == VoterID(4) && $0.to == VoterID(2)
      } else {
        false
      }
    }
    #expect(told)
    #expect(world[4].status.promised < ReadTests.ballot(99, 2))
  }

  /// What was recorded of a snapshot that was given up is read back beside a checkpoint that has the next
  /// one already, and counts for nothing.
  @Test func piecesOfAnAbandonedSnapshotDoNotSpoilTheNext() throws {
    var world = World(1)
    world.elect()
    for number in 1...5 as ClosedRange<Int32> { _ = world.end(.command(.add(number)), at: 1) }
    let given = world[1].snapshot()
    func machine() -> CalculatorMachine {
      CalculatorMachine(MembershipTests.joiner(2, of: 1))
    }
    var taker = machine()
    // Of the checkpoint: the first piece. Of the log behind it: the second of the one before.
    try taker.restore(.stateBegins(given.slot))
    try taker.restore(.statePiece(0, given.pieces[0]))
    try taker.restore(.statePiece(1, Bytes([9, 9, 9])))
    try taker.restore(.stateBegins(given.slot))
    for (index, piece) in given.pieces.enumerated() {
      try taker.restore(.statePiece(UInt32(index), piece))
    }
    try taker.restore(.installed(given.slot))
    #expect(taker.app.value == 15)
    // What makes no state is not taken for one.
    var broken = machine()
    try broken.restore(.stateBegins(given.slot))
    #expect(throws: RestoreError.self) {
      try broken.restore(.statePiece(0, Bytes([9, 9, 9])))
      try broken.restore(.installed(given.slot))
    }
  }

  private final class Gate: @unchecked Sendable { var isOpen = false }

  /// It votes late, for what it refused before; alone it needs no other batch for that to count.
  @Test func aVoteThatIsGivenLateCountsAtOnce() {
    let gate = Gate()
    var world = World(1) {
      $0.voting = Voting(mayAccept: { _, entry, _ in entry.kind != .command || gate.isOpen })
    }
    world.elect()
    let waiting = world.propose(.command(.add(1)), at: 1)
    for _ in 0..<10 { world.pass(20) }
    #expect(world.completions[waiting] == nil)
    gate.isOpen = true
    for _ in 0..<20 { world.pass(20) }
    #expect(world.completions[waiting]?.number == 1)
  }
}
