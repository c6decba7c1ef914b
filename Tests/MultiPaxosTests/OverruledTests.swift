import Synod
import Testing

@testable import MultiPaxos

/// Leaders and learners that hear what they did not expect.
@Suite struct OverruledTests {
  /// Rule 13: a receiver takes what it accepted at the claim's ballot for chosen. So a leader that learns
  /// of another entry in a slot of its own must not claim that slot under its ballot.
  @Test func aLeaderThatLearnsOfAnotherEntryInItsSlotLeadsNoMore() {
    var world = World(3, window: 4)
    world.pass(2_000)
    guard let leader = world.leader else {
      Issue.record("nobody leads")
      return
    }
    world.isHeldBack = { _ in true }
    world.propose(.command(.add(7)), at: leader.rawValue)
    let slot = world[leader.rawValue].status.chosen.next
    #expect(world[leader.rawValue].accepted(at: slot) != nil)
    let other = VoterID(leader.rawValue % 3 + 1)
    world.with(leader) {
      $0.receive(.entries(first: slot, [.filler], chosen: slot), from: other)
    }
    #expect(!world[leader.rawValue].status.isLeading)
    #expect(world[leader.rawValue].status.chosen == slot)
  }

  /// Its first piece says what a snapshot is of; without it the others mean nothing.
  @Test(arguments: [2, 3, 4] as [UInt8])
  func aSnapshotWithoutItsFirstPieceIsRefused(_ kind: UInt8) {
    var target = SnapshotTarget<Calculator>(slot: Slot(9))
    #expect(throws: RestoreError.self) { try target.take(Bytes([kind, 1, 2, 3])) }
  }

  /// A leader, with all its messages held back, and another voter.
  func led(
    window: UInt64 = 4, adjust: (inout Settings) -> Void = { _ in }
  ) -> (world: World, leader: VoterID, other: VoterID) {
    var world = World(3, window: window, adjust: adjust)
    world.elect()
    let leader = world.leader!
    _ = world.end(.command(.add(0)), at: leader.rawValue)
    world.pass(100)
    world.isHeldBack = { _ in true }
    for voter in world.voters { world.sync(voter) }
    return (world, leader, world.voters.first { $0 != leader }!)
  }

  func above(_ machine: CalculatorMachine, _ voter: VoterID) -> Ballot {
    Ballot(
      epoch: Epoch(0), counter: machine.status.promised.counter + 1, voter: voter)
  }

  /// What a leader proposed in this very turn is recorded before the promise that forbids it.
  @Test func whatALeaderProposedIsRecordedBeforeItPromisesAnother() {
    var (world, leader, other) = led()
    let higher = above(world[leader.rawValue], other)
    world.with(leader) {
      $0.propose(Proposal(.command(.add(7))), as: ProposalID(1 << 40))
      $0.receive(.heartbeat(higher, chosen: .none, round: 0), from: other)
    }
    let records = world.nodes[leader]!.unsynced.flatMap(\.records)
    let accepted = records.firstIndex { if case .accept = $0 { true } else { false } }
    let promised = records.firstIndex { $0 == .promise(higher) }
    #expect(accepted != nil && promised != nil && accepted! < promised!)
  }

  /// What it proposed in this turn and learns from another to be chosen stands in a record.
  @Test func whatALeaderProposedIsRecordedBeforeItIsLearnedToBeChosen() {
    var (world, leader, other) = led()
    let slot = world[leader.rawValue].status.chosen.next
    world.with(leader) {
      $0.propose(Proposal(.command(.add(7))), as: ProposalID(1 << 40))
      let entry = $0.accepted(at: slot)!.entry
      $0.receive(.entries(first: slot, [entry], chosen: slot), from: other)
    }
    #expect(world[leader.rawValue].app.value == 7)
    world.sync(leader)
    world.restart(leader)
    #expect(world[leader.rawValue].app.value == 7)
    #expect(world.problems == [])
  }

  /// A voter that stands, by itself.
  func candidate(_ adjust: (inout Settings) -> Void = { _ in }) -> (CalculatorMachine, Ballot)? {
    var settings = Settings.test(1)
    settings.decorations.asksBeforeStanding = false
    adjust(&settings)
    var machine = CalculatorMachine(settings)
    var ready = Ready<CalculatorMachine>()
    var ballot: Ballot?
    for time in stride(from: 1, to: 2000, by: 10) where ballot == nil {
      machine.tick(to: Ticks(UInt64(time)))
      while machine.hasReady {
        machine.drain(into: &ready)
        if !ready.persist.isEmpty { machine.persisted(through: ready.batch) }
        for envelope in ready.messages {
          if case .prepare(let drawn, _) = envelope.message { ballot = drawn }
        }
      }
    }
    return ballot.map { (machine, $0) }
  }

  /// A voter that is asked twice may have accepted more in between.
  @Test func partsOfTwoAnswersMakeNoPromise() {
    guard let (candidate, ballot) = candidate() else {
      Issue.record("it does not stand")
      return
    }
    var machine = candidate
    func part(_ part: UInt32, of content: UInt64) -> Message {
      .promise(
        .init(ballot: ballot, from: Slot(1), part: part, parts: 2, content: content, accepted: []))
    }
    machine.receive(part(0, of: 1), from: VoterID(2))
    machine.receive(part(1, of: 2), from: VoterID(2))
    #expect(!machine.status.isLeading)
    machine.receive(part(0, of: 2), from: VoterID(2))
    #expect(machine.status.isLeading)
  }

  /// Its own vote is one like any other: whose acceptor abstains neither stands nor proposes.
  @Test func whoDoesNotPromiseItselfDoesNotStand() {
    #expect(candidate { $0.voting = Voting(mayPromise: { $0.voter != VoterID(1) }) } == nil)
    guard var (machine, _) = candidate() else {
      Issue.record("it does not stand")
      return
    }
    // Had it been led to lead all the same, it would open no slot.
    machine.core.role = .leading
    machine.core.lead.ballot = above(machine, VoterID(1))
    machine.core.lead.promises = [2, 3].map {
      Leadership.Promised(
        voter: VoterID($0), from: Slot(1), parts: 1, content: 0, got: [true])
    }
    machine.propose(Proposal(.command(.add(1))), as: ProposalID(1))
    #expect(machine.accepted(at: Slot(1)) == nil)
  }

  /// An echo says for how long it grants; none is none.
  @Test func anEchoThatGrantsNothingIsNoGrant() {
    var world = World(3) { if $0.voter == VoterID(1) { ReadTests.leased(&$0) } }
    TraceTests().led(by: 1, &world)
    _ = world.end(.command(.add(3)), at: 1)
    for _ in 0..<5 { world.pass(60) }
    #expect(ReadTests().readUnderLease(at: VoterID(1), &world) == .notApplied(.noLease))
    var leased = World(3, adjust: ReadTests.leased)
    TraceTests().led(by: 1, &leased)
    for _ in 0..<5 { leased.pass(60) }
    #expect(ReadTests().readUnderLease(at: VoterID(1), &leased)?.number == 0)
  }

  /// Rule 45: whoever hands over trusts no grant from before, also where nobody takes over.
  @Test func grantsDoNotOutliveAHandOver() {
    var (world, leader, other) = led {
      $0.leaseDuration = 5_000
      $0.decorations.checksQuorum = false
    }
    #expect(ReadTests().readUnderLease(at: leader, &world)?.number == 0)
    let transfer = world.propose(.transferLeadership(to: other), at: leader.rawValue)
    for _ in 0..<30 {
      world.now += 10
      world.turn(leader)
    }
    #expect(world.completions[transfer] == .unknown(.deadline))
    #expect(world[leader.rawValue].status.isLeading)
    #expect(ReadTests().readUnderLease(at: leader, &world) == .notApplied(.noLease))
  }

  /// An entry of one who is no member is void where it stands, and may stand in another slot in which
  /// its origin is one: nobody knows.
  @Test func theEntryOfAStrangerIsNotSurelyVoid() {
    var world = World(3)
    world.add(MembershipTests.joiner(4))
    world.elect()
    let told = world.end(.command(.add(1)), at: 4)
    #expect(told == .unknown(.notAMember))
    #expect(world[1].app.value == 0)
  }

  @Test func whatTheMachineAskedForItselfEndsWithItsLeadership() {
    var world = World(3)
    world.elect()
    let leader = world.leader!
    _ = world.end(.lease(.take("lock", holder: "one", ticks: 30)), at: leader.rawValue)
    world.isHeldBack = { _ in true }
    world.now += 40
    world.turn(leader)
    #expect(world[leader.rawValue].openProposals == 1)
    let other = world.voters.first { $0 != leader }!
    let higher = above(world[leader.rawValue], other)
    world.with(leader) { $0.receive(.heartbeat(higher, chosen: .none, round: 0), from: other) }
    #expect(!world[leader.rawValue].status.isLeading)
    #expect(world[leader.rawValue].openProposals == 0)
  }

  /// Whoever asks for a snapshot has come past the one that it was given before.
  @Test func aSnapshotThatItsReceiverHasComePastIsNotGivenAgain() {
    var (world, leader, other) = led()
    func give(_ world: inout World) -> Slot? {
      world.network.removeAll()
      world.with(leader) { $0.receive(.fetchPiece(slot: .none, index: 0), from: other) }
      for parcel in world.network {
        if case .piece(let piece) = parcel.message { return piece.slot }
      }
      return nil
    }
    let first = give(&world)
    #expect(first == world[leader.rawValue].status.applied)
    world.isHeldBack = { _ in false }
    _ = world.end(.command(.add(1)), at: leader.rawValue)
    world.pass(100)
    world.isHeldBack = { _ in true }
    let second = give(&world)
    #expect(second == world[leader.rawValue].status.applied && second != first)
  }

  /// Whoever lets nobody else lead does not stand itself.
  @Test func whoGrantsALeaseDoesNotStandMeanwhile() {
    var settings = Settings.test(2)
    ReadTests.leased(&settings)
    settings.leaseDuration = 5_000
    var machine = CalculatorMachine(settings)
    var ready = Ready<CalculatorMachine>()
    machine.tick(to: Ticks(1))
    machine.drain(into: &ready)
    machine.persisted(through: ready.batch)
    let ballot = ReadTests.ballot(5, 1)
    machine.receive(.heartbeat(ballot, chosen: .none, round: 1), from: VoterID(1))
    for time in stride(from: 2, to: 5_000, by: 50) {
      machine.tick(to: Ticks(UInt64(time)))
      while machine.hasReady {
        machine.drain(into: &ready)
        if !ready.persist.isEmpty { machine.persisted(through: ready.batch) }
        for envelope in ready.messages {
          switch envelope.message {
          case .probe, .prepare: Issue.record("it stands at \(time)")
          default: break
          }
        }
      }
    }
    machine.tick(to: Ticks(5_600))
    #expect(machine.hasReady)
  }

  /// Rule 45: a hand-over that comes late does not give back what was granted since.
  @Test func aHandOverThatComesLateLeavesTheGrant() {
    let ballot = ReadTests.ballot(5, 1)
    for (round, stands) in [(1, false), (2, true)] as [(UInt64, Bool)] {
      var machine = ReadTests().granted(to: ballot)
      machine.receive(.heartbeat(ballot, chosen: .none, round: 2), from: VoterID(1))
      machine.receive(.takeOver(ballot, round: round), from: VoterID(1))
      #expect((machine.status.promised.voter == VoterID(2)) == stands)
    }
  }

  /// Rule 45: heartbeats may come in any order; what was granted in the newest is trusted.
  @Test func anOlderHeartbeatDoesNotMakeTheGrantOlder() {
    let ballot = ReadTests.ballot(5, 1)
    var machine = ReadTests().granted(to: ballot)
    machine.receive(.heartbeat(ballot, chosen: .none, round: 3), from: VoterID(1))
    machine.receive(.heartbeat(ballot, chosen: .none, round: 2), from: VoterID(1))
    machine.receive(.takeOver(ballot, round: 2), from: VoterID(1))
    #expect(machine.status.promised.voter == VoterID(1))
  }

  /// What it proposed and had known to be chosen, and did not send yet, is applied with what is chosen
  /// before it: it leaves before it is forgotten.
  @Test func aSlotThatIsChosenBeforeItIsSentLeavesAllTheSame() throws {
    func entry(_ number: UInt64) -> Entry {
      Entry(
        .command, id: EntryID(origin: VoterID(3), number: number),
        payload: Calculator.Command.add(1).encoded)
    }
    var settings = Settings.test(1)
    settings.decorations.asksBeforeStanding = false
    settings.maxRetained = 0
    // Two entries are open at a time.
    settings.maxOpenBytes = 48 + entry(1).payload.count
    var machine = CalculatorMachine(settings)
    var ready = Ready<CalculatorMachine>()
    var sent: [Message] = []
    func drain() {
      while machine.hasReady {
        machine.drain(into: &ready)
        sent += ready.messages.map(\.message)
        if !ready.persist.isEmpty { machine.persisted(through: ready.batch) }
      }
    }
    machine.tick(to: Ticks(1))
    drain()
    // The third slot is chosen, and nothing is known of the two before it.
    let before = ReadTests.ballot(5, 3)
    machine.receive(
      .accept(.init(ballot: before, chosen: .none, first: Slot(3), entries: [entry(3)])),
      from: VoterID(3))
    machine.receive(.heartbeat(before, chosen: Slot(3), round: 1), from: VoterID(3))
    drain()
    machine.tick(to: Ticks(5_000))
    drain()
    let ballot = machine.status.promised
    try #require(ballot.voter == VoterID(1))
    machine.receive(
      .promise(
        .init(
          ballot: ballot, from: Slot(1), part: 0, parts: 1, content: 0,
          accepted: [1, 2].map {
            .init(slot: Slot($0), ballot: before, entry: entry($0))
          })), from: VoterID(2))
    drain()
    try #require(machine.status.isLeading)
    machine.receive(.accepted(ballot, first: Slot(1), last: Slot(1)), from: VoterID(2))
    machine.receive(.accepted(ballot, first: Slot(2), last: Slot(2)), from: VoterID(2))
    drain()
    #expect(machine.status.applied == Slot(3))
    let last = sent.compactMap { message in
      if case .accept(let accept) = message { accept.first } else { nil }
    }.max()
    #expect(last == Slot(3))
  }

  /// Another than the one who was asked to take over stands.
  @Test func aHandOverToOneWhoDoesNotTakeOverIsNotSaidToHaveBeen() {
    var (world, leader, other) = led()
    let third = world.voters.first { $0 != leader && $0 != other }!
    let transfer = world.propose(.transferLeadership(to: other), at: leader.rawValue)
    let higher = above(world[leader.rawValue], third)
    world.with(leader) { $0.receive(.prepare(higher, from: Slot(1)), from: third) }
    #expect(world.completions[transfer] == .unknown(.leadershipLost))
  }
}
