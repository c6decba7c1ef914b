@testable import MultiPaxos
import Synod
import Testing

/// What a node does of its own accord: each can be had alone, and each does one thing.
@Suite struct DecorationTests {
  /// Voters that begin nothing of their own accord but this.
  func bare(_ voters: Int = 3, _ choose: (inout Decorations) -> Void) -> World {
    World(voters) { settings in
      settings.decorations = .none
      choose(&settings.decorations)
    }
  }

  /// Has a voter lead that would not stand of itself: it hears that the leader of a ballot which all
  /// promised hands over to it.
  func lead(_ voter: UInt32, _ world: inout World) {
    let other = VoterID(voter % UInt32(world.nodes.count) + 1)
    let ballot = Ballot(epoch: Epoch(0), counter: 1, voter: other)
    for node in world.voters where node != other {
      world.with(node) { $0.receive(.heartbeat(ballot, chosen: .none, round: 0), from: other) }
    }
    world.calm()
    world.with(VoterID(voter)) { $0.receive(.takeOver(ballot, round: 0), from: other) }
    world.calm()
    #expect(world.leader == VoterID(voter))
  }

  @Test func withoutAnyANodeAnswersAndBeginsNothing() {
    var world = bare { _ in }
    for _ in 0..<100 { world.pass(50) }
    #expect(world.leader == nil)
    #expect(world.voters.allSatisfy { world.nodes[$0]!.machine.statistics.candidacies == 0 })
    lead(1, &world)
    #expect(world.end(.command(.add(2)), at: 1)?.number == 2)
    #expect(world.problems == [])
  }

  /// Ensure leadership.
  @Test func aFollowerThatMissesItsLeaderStands() {
    var world = bare { $0.standsForLeader = true }
    world.elect()
    let first = world.leader
    #expect(first != nil)
    world.crash(first!)
    for _ in 0..<60 { world.pass(50) }
    #expect(world.leader != nil && world.leader != first)
  }

  /// Pre-vote (rule 41): whoever was cut off does not outbid the leader that all others hear.
  @Test(arguments: [true, false]) func whoWasCutOffAsksBeforeItStands(_ asks: Bool) {
    var world = bare {
      $0.standsForLeader = true
      $0.sendsHeartbeats = true
      $0.asksBeforeStanding = asks
    }
    world.elect()
    let leader = world.leader!
    let away = world.voters.first { $0 != leader }!
    world.nodes[away]!.isCutOff = true
    let before = world[away.rawValue].statistics.candidacies
    for _ in 0..<60 { world.pass(50) }
    let ballot = world[leader.rawValue].status.promised
    world.nodes[away]!.isCutOff = false
    for _ in 0..<40 { world.pass(50) }
    let candidacies = world[away.rawValue].statistics.candidacies - before
    if asks {
      #expect(candidacies == 0 && world.leader == leader)
      #expect(world[leader.rawValue].status.promised == ballot)
    } else {
      #expect(candidacies > 0 && world[leader.rawValue].status.promised > ballot)
    }
  }

  /// Check-quorum (rule 41).
  @Test(arguments: [true, false]) func aLeaderThatHearsNoQuorumStepsDown(_ checks: Bool) {
    var world = bare {
      $0.checksQuorum = checks
      $0.sendsHeartbeats = true
    }
    lead(1, &world)
    world.nodes[VoterID(1)]!.isCutOff = true
    for _ in 0..<20 { world.pass(50) }
    #expect(world[1].status.isLeading == !checks)
    #expect(world[1].standing == (checks ? .disoriented : .leading))
  }

  /// Heartbeats are messages, not entries.
  @Test(arguments: [true, false]) func aQuietLeaderIsHeard(_ sends: Bool) {
    var world = bare { $0.sendsHeartbeats = sends }
    lead(1, &world)
    for _ in 0..<60 { world.pass(50) }
    #expect((world[2].status.leader == VoterID(1)) == sends)
    #expect(world[2].standing == (sends ? .following : .disoriented))
    #expect(world[1].status.applied == .none)
  }

  /// Delegation: one hop, to the leader that is known (rule 42).
  @Test(arguments: [true, false]) func aFollowerHandsOn(_ delegates: Bool) {
    var world = bare { $0.delegates = delegates }
    lead(1, &world)
    let id = world.propose(.command(.add(2)), at: 2, deadline: 100)
    for _ in 0..<20 { world.pass(10) }
    let expected: Outcome<Calculator> =
      delegates ? .applied(.value(2), at: Slot(1)) : .notApplied(.abandoned(.deadline))
    #expect(world.completions[id] == expected)
  }

  /// Catch-up.
  @Test(arguments: [true, false]) func aNodeThatLacksEntriesAsksForThem(_ asks: Bool) {
    var world = bare {
      $0.catchesUp = asks
      $0.sendsHeartbeats = true
    }
    lead(1, &world)
    world.nodes[VoterID(3)]!.isCutOff = true
    for number in 1...4 as ClosedRange<Int32> { _ = world.end(.command(.add(number)), at: 1) }
    world.nodes[VoterID(3)]!.isCutOff = false
    for _ in 0..<20 { world.pass(50) }
    #expect(world[3].app.value == (asks ? 10 : 0))
    #expect(world[3].gaps == (asks ? nil : Slot(1)...Slot(4)))
    #expect(world[3].standing == (asks ? .following : .lagging))
  }

  /// Autofill: a change of the members takes effect though nobody writes.
  @Test(arguments: [true, false]) func slotsBehindAChangeAreFilled(_ fills: Bool) {
    var world = bare { $0.fillsWindow = fills }
    lead(1, &world)
    let change = MembershipChange([.setAddress(VoterID(2), "there")])
    guard case .membership(_, let from) = world.end(.changeMembership(change), at: 1) else {
      Issue.record("the members do not change")
      return
    }
    for _ in 0..<10 { world.pass(50) }
    #expect((world[1].status.applied >= from.previous) == fills)
    #expect((world[1].schedule.items.count == 1) == fills)
  }

  /// Releaser.
  @Test(arguments: [true, false]) func aLeaseThatRanOutIsEnded(_ ends: Bool) {
    var world = bare { $0.endsLeases = ends }
    lead(1, &world)
    _ = world.end(.lease(.take("lock", holder: "one", ticks: 100)), at: 1)
    for _ in 0..<10 { world.pass(50) }
    #expect((world[2].lease(of: "lock") == nil) == ends)
  }

  /// Leases of leaders: what keeps one is that it is heard of.
  @Test(arguments: [true, false]) func aLeaderReadsAloneWhileItIsHeardOf(_ sends: Bool) {
    var world = World(3) {
      ReadTests.leased(&$0)
      $0.decorations = .none
      $0.decorations.sendsHeartbeats = sends
    }
    lead(1, &world)
    #expect(world.end(.command(.add(3)), at: 1)?.number == 3)
    for _ in 0..<10 { world.pass(50) }
    let answer = ReadTests().readUnderLease(at: VoterID(1), &world)
    #expect(sends ? answer?.number == 3 : answer == .notApplied(.noLease))
  }

  /// Verification.
  @Test(arguments: [nil, 3] as [UInt64?]) func statesAreCompared(_ every: UInt64?) {
    var world = bare {
      $0.verifiesEvery = every
      $0.sendsHeartbeats = true
    }
    lead(1, &world)
    for number in 1...12 as ClosedRange<Int32> { _ = world.end(.command(.add(number)), at: 1) }
    for _ in 0..<10 { world.pass(50) }
    let compared = world[1].entries(from: Slot(1)).filter { $0.entry.kind == .verify }
    #expect(compared.isEmpty == (every == nil))
    #expect(world.voters.allSatisfy { world.nodes[$0]!.machine.stopped == nil })
  }

  // MARK: Tracking, and a voter of one's own

  /// Strict: who sent the newest accept or heartbeat. Lax: whose ballot is the newest that was heard of
  /// (rule 39).
  @Test func whoLeadsIsTrackedStrictlyAndLaxly() {
    var world = bare { _ in }
    lead(1, &world)
    let newer = Ballot(epoch: Epoch(0), counter: 50, voter: VoterID(3))
    let older = world[2].status.promised
    world.with(VoterID(2)) { $0.receive(.refused(older, promised: newer), from: VoterID(3)) }
    #expect(world[2].status.leader == VoterID(1))
    #expect(world[2].status.highestSeen.voter == VoterID(3))
    // Whoever promises it follows nobody until its owner leads.
    world.with(VoterID(2)) { $0.receive(.prepare(newer, from: Slot(1)), from: VoterID(3)) }
    #expect(world[2].status.leader == nil)
    world.with(VoterID(2)) {
      $0.receive(.heartbeat(newer, chosen: .none, round: 0), from: VoterID(3))
    }
    #expect(world[2].status.leader == VoterID(3))
  }

  /// Rule 11: whoever abstains gives no promise, and others lead without it.
  @Test func aVoterMayAbstain() {
    var world = World(3) {
      if $0.voter == VoterID(3) {
        $0.voting = Voting(mayPromise: { $0.voter == VoterID(2) })
      }
    }
    world.crash(VoterID(2))
    for _ in 0..<100 { world.pass(50) }
    // Of the other two one abstains.
    #expect(world.leader == nil)
    #expect(world[3].status.promised.voter != VoterID(3))
    world.restart(VoterID(2))
    for _ in 0..<100 { world.pass(50) }
    #expect(world.leader != nil && world.leader != VoterID(3))
    #expect(world.end(.command(.add(1)), at: 3)?.number == 1)
  }

  /// Rule 11: whoever refuses an entry does not vote for it, and applies it where others choose it.
  @Test func aVoterMayRefuse() {
    let isRefused: @Sendable (Entry) -> Bool = { entry in
      var reader = ByteReader(entry.payload)
      return (try? Calculator.Command(from: &reader)) == .divide(0)
    }
    var world = World(3) {
      if $0.voter != VoterID(1) {
        $0.voting = Voting(mayAccept: { _, entry, _ in !isRefused(entry) })
      }
      $0.decorations.standsForLeader = $0.voter == VoterID(1)
    }
    world.elect()
    #expect(world.end(.command(.add(4)), at: 1)?.number == 4)
    let refused = world.propose(.command(.divide(0)), at: 1, deadline: 1000)
    for _ in 0..<60 { world.pass(50) }
    #expect(world.completions[refused] == .unknown(.deadline))
    #expect(world[2].app.history.count == 1)

    // One that refuses is not needed.
    var other = World(3) {
      if $0.voter == VoterID(3) {
        $0.voting = Voting(mayAccept: { _, entry, _ in !isRefused(entry) })
      }
      $0.decorations.standsForLeader = $0.voter == VoterID(1)
    }
    other.elect()
    #expect(other.end(.command(.divide(0)), at: 1) == .applied(.dividedByZero, at: Slot(1)))
    for _ in 0..<20 { other.pass(50) }
    #expect(other[3].app.history.count == 1)
    other.expectAgreement()
  }

  // MARK: Where and how

  @Test func anEntryHasItsEffectOnlyWhereItIsWanted() {
    var world = World(3)
    world.elect()
    let leader = world.leader!
    _ = world.end(.command(.add(1)), at: leader.rawValue)
    let next = world[leader.rawValue].status.applied.next
    func append(_ world: inout World, _ number: Int32, in slots: ClosedRange<Slot>) -> ProposalID {
      world.proposed += 1
      let id = ProposalID(world.proposed)
      world.with(leader) {
        $0.propose(Proposal(.command(.add(number)), slots: slots), as: id)
      }
      world.calm()
      return id
    }
    // Only one of those who looked at the same state has its effect.
    let first = append(&world, 10, in: next...next)
    let second = append(&world, 100, in: next...next)
    #expect(world.completions[first]?.number == 11)
    #expect(world.completions[second] == .notApplied(.outsideSlots(next.next)))
    let third = append(&world, 1000, in: next...next.advanced(by: 5))
    #expect(world.completions[third]?.number == 1011)
    world.pass(100)
    world.expectAgreement()
  }

  @Test func whoVotesOnOpenSlotsIsSaid() {
    var world = World(3, window: 3) { $0.decorations.fillsWindow = false }
    world.add(MembershipTests.joiner(4, window: 3))
    TraceTests().led(by: 1, &world)
    #expect(world[4].participation == .passive)
    #expect(world[2].participation == .active)
    _ = world.end(
      .changeMembership(
        MembershipChange([.remove(VoterID(2)), .add(MembershipTests.member(4))])), at: 1)
    for _ in 0..<5 { world.pass(50) }
    #expect(world[4].participation == .partial && world[2].participation == .partial)
    #expect(world[1].participation == .active)
    for _ in 0..<4 { _ = world.end(.command(.add(1)), at: 1) }
    for _ in 0..<5 { world.pass(50) }
    #expect(world[4].participation == .active && world[2].participation == .passive)
  }

  /// Rule 6: who must take a snapshot first does not lead where another could.
  @Test func whoIsASnapshotBehindDoesNotLeadWhereAnotherMay() {
    var world = World(3) {
      $0.maxRetained = 1
      $0.maxPieceBytes = 1
    }
    TraceTests().led(by: 1, &world)
    world.crash(VoterID(3))
    for number in 1...20 as ClosedRange<Int32> { _ = world.end(.command(.add(number)), at: 1) }
    world.isHeldBack = { if case .piece = $0.message { true } else { false } }
    world.restart(VoterID(3))
    for _ in 0..<5 { world.pass(20) }
    world.crash(VoterID(1))
    // 3 misses it first.
    for _ in 0..<200 where world[3].statistics.candidacies == 0 && world.leader == nil {
      TraceTests().pass(5, at: 3, &world)
    }
    let number = world.propose(.command(.add(1)), at: 2)
    for _ in 0..<100 where world.completions[number] == nil { world.pass(20) }
    #expect(world.completions[number]?.number == 211)
    #expect(world[3].statistics.installed == 0)
    #expect(world.problems == [])
  }

  /// Where only that one may lead it does.
  @Test func whoIsASnapshotBehindLeadsWhereNobodyElseMay() {
    var world = World(3) {
      $0.maxRetained = 1
      $0.decorations.standsForLeader = $0.voter != VoterID(2)
    }
    TraceTests().led(by: 1, &world)
    world.crash(VoterID(3))
    for number in 1...20 as ClosedRange<Int32> { _ = world.end(.command(.add(number)), at: 1) }
    world.crash(VoterID(1))
    world.restart(VoterID(3))
    for _ in 0..<200 where world.leader == nil { world.pass(20) }
    #expect(world.leader == VoterID(3))
    #expect(world.end(.command(.add(1)), at: 2)?.number == 211)
  }
}
