import MultiPaxos
import Synod
import Testing

/// Schedules in which a leader of old would answer a read without what a client was told of (rule 43):
/// the members change under the read, or whoever answers the leader is no voter.
@Suite struct StaleReadTests {
  static func change(_ steps: [MembershipChange.Step]) -> MultiPaxos.Operation<Calculator> {
    .changeMembership(MembershipChange(steps))
  }

  static func member(_ voter: UInt32, _ role: Member.Role, store: UInt64 = 1) -> Member {
    Member(
      voter: VoterID(voter), role: role, store: Identity128(high: store, low: UInt64(voter)))
  }

  /// Only messages between these arrive.
  static func only(_ voters: UInt32..., in world: inout World) {
    world.isLost = { !voters.contains($0.from.rawValue) || !voters.contains($0.to.rawValue) }
  }

  /// `voter` stands, whoever leads.
  func stand(_ voter: UInt32, _ world: inout World) {
    world.with(VoterID(voter)) {
      $0.receive(.takeOver($0.status.promised, round: .max), from: $0.status.promised.voter)
    }
    world.calm()
    #expect(world[voter].status.isLeading)
  }

  /// Voters 1 to 3, of whom 1 leads, and learners 4 and 5.
  func withLearners(window: UInt64 = 2) -> World {
    var world = World(3, window: window)
    for voter in 4...5 as ClosedRange<UInt32> {
      world.add(MembershipTests.joiner(voter, window: window, store: 1))
    }
    TraceTests().led(by: 1, &world)
    _ = world.end(
      Self.change([.add(Self.member(4, .learner)), .add(Self.member(5, .learner))]), at: 1)
    world.pass(20)
    world.pass(20)
    #expect(world[4].status.applied == world[1].status.applied)
    #expect(world[5].status.applied == world[1].status.applied)
    return world
  }

  let moved = Self.change([
    .promote(VoterID(4)), .promote(VoterID(5)), .remove(VoterID(2)), .remove(VoterID(3)),
  ])

  /// The voters move to 1, 4 and 5, and a command is told of, all without 1. Then a read is asked at 4,
  /// and 4 and 5 answer its round; then 1 learns of all that. They had nothing to do with what was
  /// chosen before they were voters, so that their answers say nothing of it.
  @Test func aFollowerReadSeesWhatWasChosenByThoseWhoCountNoMore() {
    var world = withLearners(window: 3)
    let start = world[1].status.chosen
    Self.only(2, 3, in: &world)
    stand(2, &world)
    world.propose(moved, at: 2)
    let told = world.add(10, at: 2)
    // The last slot of those who leave, in which what they propose is void.
    world.propose(.barrier, at: 2)
    world.calm()
    #expect(world.completions[told] == .applied(.value(10), at: start.next.next))
    #expect(world[1].status.isLeading)

    Self.only(1, 4, 5, in: &world)
    let read = world.propose(.query(.value, .follower), at: 4)
    world.calm()
    #expect(world.completions[read] == nil)
    let entries = world[3].entries(from: start.next).map(\.entry)
    world.with(VoterID(1)) {
      $0.receive(
        .entries(first: start.next, entries, chosen: start.next.next.next), from: VoterID(3))
    }
    #expect(world[1].status.applied == start.next.next.next)
    world.calm()
    #expect(world[4].status.applied == start)
    #expect(world.completions[read] == nil)
    for _ in 0..<40 { world.pass(20) }
    #expect(world.completions[read]?.number == 10)
    #expect(world.problems == [])
  }

  /// The same where 1 had proposed all that itself, and hears only then that it was accepted.
  @Test func aFollowerReadSeesWhatItsLeaderFindsChosenLate() {
    var world = withLearners(window: 3)
    let start = world[1].status.chosen
    Self.only(1, 2, 3, in: &world)
    world.isHeldBack = {
      if case .accepted = $0.message { $0.to == VoterID(1) } else { false }
    }
    world.propose(moved, at: 1)
    let told = world.add(10, at: 2)
    // The last slot of those who leave, in which what they propose is void.
    world.propose(.barrier, at: 2)
    world.calm()
    #expect(world[3].accepted(at: start.next.next.next) != nil)
    let late = world.network.filter(world.isHeldBack)
    world.network.removeAll()
    world.isHeldBack = { _ in false }
    Self.only(2, 3, in: &world)
    stand(2, &world)
    #expect(world.completions[told] == .applied(.value(10), at: start.next.next))

    Self.only(1, 4, 5, in: &world)
    let read = world.propose(.query(.value, .follower), at: 4)
    // So much that 4 does not hear how far 1 is, but is told what it asked.
    world.isHeldBack = {
      if case .heartbeat(_, let chosen, _) = $0.message { chosen > start } else { false }
    }
    world.calm()
    for parcel in late { world.deliver(parcel) }
    #expect(world[1].status.applied == start.next.next.next)
    world.calm()
    #expect(world.completions[read] == nil)
    world.isHeldBack = { _ in false }
    for _ in 0..<40 { world.pass(20) }
    #expect(world.completions[read]?.number == 10)
    #expect(world.problems == [])
  }

  /// 1 leads at the highest ballot, and knows nothing of the change by which 4 and 5 vote and of the barrier
  /// behind it; those two learnt of both, and 5 stands among them.
  private func newcomersStand() -> (World, start: Slot, entries: [Entry]) {
    var world = withLearners()
    let start = world[1].status.chosen
    Self.only(1, 2, 3, in: &world)
    stand(3, &world)
    stand(1, &world)
    Self.only(2, 3, in: &world)
    stand(2, &world)
    world.propose(moved, at: 2)
    world.propose(.barrier, at: 2)
    world.calm()
    let entries = world[3].entries(from: start.next).map(\.entry)
    #expect(entries.count == 2)
    Self.only(4, 5, in: &world)
    for voter in 4...5 as ClosedRange<UInt32> {
      world.with(VoterID(voter)) {
        $0.receive(
          .entries(first: start.next, entries, chosen: start.next.next), from: VoterID(3))
      }
    }
    stand(5, &world)
    return (world, start, entries)
  }

  /// 4 and 5 have chosen a command at a ballot below 1's before they answer its round: promises, which
  /// tell of that, are needed of those who count now (rule 43 i, looked at anew).
  @Test func aReadIsAnsweredWithThePromisesOfThoseWhoCountWhenItIs() {
    var (world, start, entries) = newcomersStand()
    #expect(world[5].status.promised < world[1].status.promised)
    let told = world.add(10, at: 5)
    world.calm()
    #expect(world.completions[told]?.number == 10)

    Self.only(1, 4, 5, in: &world)
    let read = world.propose(.query(.value, .leader), at: 1)
    world.calm()
    #expect(world.completions[read] == nil)
    world.with(VoterID(1)) {
      $0.receive(
        .entries(first: start.next, entries, chosen: start.next.next), from: VoterID(3))
    }
    world.calm()
    for _ in 0..<40 { world.pass(20) }
    #expect(world.completions[read] != nil)
    #expect(world.problems == [])
  }

  /// The same where 4 reads: it is told how far it must have come, and the last it heard of 5 and of 1
  /// is less than what 5 and it have chosen.
  @Test func aFollowerReadSeesWhatItsLeaderFindsByThePromisesOfThoseWhoCome() {
    var (world, start, entries) = newcomersStand()
    world.isHeldBack = { parcel in
      // 1 learns nothing by asking, and 4 hears of no more than it has applied.
      if case .fetch = parcel.message { return parcel.from == VoterID(1) }
      guard parcel.to == VoterID(4) else { return false }
      return switch parcel.message {
      case .heartbeat(_, let chosen, _): chosen > start.next.next
      case .accept(let accept): accept.chosen > start.next.next
      default: false
      }
    }
    let told = world.add(10, at: 5)
    world.calm()
    #expect(world.completions[told] == .applied(.value(10), at: start.next.next.next))
    #expect(world[4].status.applied == start.next.next)

    Self.only(1, 4, 5, in: &world)
    for _ in 0..<20 where world[4].status.leader != VoterID(1) { world.pass(5) }
    #expect(world[4].status.leader == VoterID(1))
    let read = world.propose(.query(.value, .follower), at: 4)
    world.calm()
    #expect(world.completions[read] == nil)
    world.with(VoterID(1)) {
      $0.receive(
        .entries(first: start.next, entries, chosen: start.next.next), from: VoterID(3))
    }
    for _ in 0..<3 { world.pass(20) }
    #expect(world[1].status.applied >= start.next.next.next)
    #expect(world.completions[read] == nil)
    world.isHeldBack = { _ in false }
    for _ in 0..<40 { world.pass(20) }
    #expect(world.completions[read]?.number == 10)
    #expect(world.problems == [])
  }

  /// 3 lost the store that the log admitted, and with it what it promised. A new store under that name
  /// votes on nothing, and what it answers its leader is no voice either.
  @Test func anAnswerOfWhoDoesNotVoteCountsForNoRead() {
    var world = World(2, window: 2) { $0.decorations.standsForLeader = $0.voter != VoterID(3) }
    world.add(MembershipTests.joiner(3, of: 2, window: 2, store: 1))
    TraceTests().led(by: 1, &world)
    _ = world.end(Self.change([.add(Self.member(3, .voter))]), at: 1)
    for _ in 0..<5 { world.pass(20) }
    #expect(world[3].status.isVoter)
    Self.only(2, 3, in: &world)
    stand(2, &world)
    let told = world.add(10, at: 2)
    world.calm()
    #expect(world.completions[told]?.number == 10)

    world.crash(VoterID(3))
    Self.only(1, 3, in: &world)
    world.checked[VoterID(3)] = nil
    world.add(MembershipTests.joiner(3, of: 2, window: 2, store: 2))
    let read = world.propose(.query(.value, .leader), at: 1, deadline: 2000)
    for _ in 0..<10 { world.pass(20) }
    #expect(!world[3].status.isVoter)
    #expect(world[3].status.applied == world[1].status.applied)
    if case .answered = world.completions[read] { Issue.record("it was answered") }
    // Nor does it keep in office who hears nobody else.
    for _ in 0..<100 { world.pass(20) }
    #expect(!world[1].status.isLeading)
    #expect(world.problems == [])
  }
}
