import Synod
import Testing

@testable import MultiPaxos

/// Nothing grows without end, and what ended leaves.
@Suite struct BoundsTests {
  /// Reads and entries are numbered apart: of entries a window of numbers is known one by one.
  @Test func readsUseUpNoNumbersOfEntries() {
    var world = World(3)
    world.elect()
    let follower = world.voters.first { $0 != world.leader }!
    let before = world[follower.rawValue].core.reservation.numbers.last
    for _ in 0..<10 { _ = world.end(.query(.value, .follower), at: follower.rawValue) }
    #expect(world[follower.rawValue].core.reservation.numbers.last == before)
    #expect(world[follower.rawValue].core.reservation.reads.last >= 10)
  }

  @Test func noQuestionIsNamedLikeOneOfAnEarlierLife() {
    var world = World(3)
    world.elect()
    let follower = world.voters.first { $0 != world.leader }!
    var names: Set<UInt64> = []
    for life in 0..<4 {
      for _ in 0..<3 { _ = world.end(.query(.value, .follower), at: follower.rawValue) }
      let last = world[follower.rawValue].core.reservation.reads.last
      #expect(names.insert(last).inserted && last == names.max(), "life \(life)")
      world.restart(follower)
      world.pass(100)
    }
  }

  @Test func proposalsThatEndWhileNobodyLeadsLeave() {
    var world = World(3) { $0.decorations.standsForLeader = false }
    for _ in 0..<2000 {
      world.propose(.command(.add(1)), at: 1, deadline: 1)
      world.now += 2
      world.turn(VoterID(1))
    }
    #expect(world[1].openProposals == 0)
    #expect(world[1].core.waiting.count < 100)
  }

  @Test func proposalsThatEndInTheQueueOfALeaderLeave() {
    var world = World(3) { $0.counterBlock = 1 << 12 }
    world.elect()
    let leader = world.leader!
    world.isHeldBack = { _ in true }
    for _ in 0..<1000 {
      let id = world.propose(.command(.add(1)), at: leader.rawValue)
      world.with(leader) { $0.cancel(id) }
    }
    #expect(world.leader == leader && world[leader.rawValue].openProposals == 0)
    #expect(world[leader.rawValue].core.lead.queue.count < 100)
  }

  @Test func proposalsAreLimitedByTheirBytes() {
    var world = World(3) { $0.maxWaitingBytes = 500 }
    let open = (0..<20).map { _ in world.add(1, at: 1) }
    let refused = open.filter { world.completions[$0] == .notApplied(.overloaded) }
    #expect(refused.count > 5 && refused.count < 15)
    world.elect()
    world.settle([])
    // Room again.
    #expect(world.end(.command(.add(1)), at: 1)?.number != nil)
    #expect(world[1].core.pending.bytes == 0)
  }

  /// A leader takes so much of others', too.
  @Test func whatIsHandedToALeaderIsLimitedByItsBytes() {
    var world = World(3, window: 1) { $0.maxWaitingBytes = 500 }
    world.elect()
    let leader = world.leader!
    world.isHeldBack = { _ in true }
    let other = world.voters.first { $0 != leader }!
    let entries = (1...40).map {
      Entry(.command, id: EntryID(origin: other, number: UInt64($0)), payload: "")
    }
    world.with(leader) { $0.receive(.forward(entries), from: other) }
    let core = world[leader.rawValue].core
    #expect(core.lead.queue.count < 20 && core.lead.handedOverBytes < 600)
  }

  /// Two nodes that outbid each other while the store is slow leave one promise to wait.
  @Test func promisesThatWaitForTheStoreAreFew() {
    let settings = Settings.test(2)
    var machine = CalculatorMachine(settings)
    machine.tick(to: Ticks(1))
    for counter in 1...200 as ClosedRange<UInt64> {
      let voter: UInt32 = counter % 2 == 0 ? 1 : 3
      for _ in 0..<3 {
        machine.receive(
          .prepare(ReadTests.ballot(counter, voter), from: Slot(1)), from: VoterID(voter))
      }
    }
    #expect(machine.heldReplies == 1)
    var ready = Ready<CalculatorMachine>()
    machine.drain(into: &ready)
    machine.persisted(through: ready.batch)
    machine.drain(into: &ready)
    let promised = ready.messages.compactMap {
      if case .promise(let promise) = $0.message { promise.ballot } else { nil }
    }
    #expect(promised == [ReadTests.ballot(200, 1)])
  }

  @Test func aNodeWithoutBallotsWaitsAndFollows() {
    var world = World(1)
    world.elect()
    var machine = world[1]
    machine.core.reservation.ballots.last = Ballot.counterLimit
    machine.core.stepDown(for: nil)
    for time in stride(from: world.now, to: world.now + 5000, by: 10) {
      machine.tick(to: Ticks(time))
    }
    #expect(!machine.status.isLeading && machine.stopped == nil)
    // It does not look again every moment.
    #expect(machine.nextDeadline! > machine.core.now)
    #expect(machine.core.electionAt > machine.core.now.advanced(by: 2))
  }

  @Test func membersChangeNoMoreOftenThanCanBeCounted() throws {
    let configuration = try Configuration(epoch: Epoch(.max), voters: [VoterID(1), VoterID(2)])
    var schedule = Schedule(Membership(configuration), window: 1)
    #expect(throws: MembershipRefusal.epochsExhausted) {
      try schedule.apply(MembershipChange([.remove(VoterID(2))]), at: Slot(4))
    }
  }

  /// A checkpoint that is taken while a snapshot arrives holds pieces that the log gives once more.
  @Test func piecesOfASnapshotAreTakenOnceEach() throws {
    var world = World(3) {
      $0.maxRetained = 1
      $0.maxPieceBytes = 1
    }
    world.elect()
    let leader = world.leader!
    let lagging = world.voters.first { $0 != leader }!
    world.crash(lagging)
    for number in 1...9 as ClosedRange<Int32> {
      _ = world.end(.command(.add(number)), at: leader.rawValue)
    }
    world.restart(lagging)
    // Some pieces are durable, and one is in the batch that is open when the checkpoint begins.
    world.isHeldBack = { parcel in
      if case .piece(let piece) = parcel.message { piece.index > 2 } else { false }
    }
    for _ in 0..<10 { world.pass(20) }
    guard let piece = world.network.first(where: world.isHeldBack) else {
      Issue.record("no piece is on its way")
      return
    }
    var checkpoint: [Record] = []
    var rest: [Record] = []
    let disk = world.nodes[lagging]!.disk
    world.with(lagging) { machine in
      machine.receive(piece.message, from: piece.from)
      var cursor: World.M.Cursor?
      repeat {
        cursor = machine.restate(after: cursor, limit: 1, into: &checkpoint)
      } while cursor != nil
    }
    rest = world.nodes[lagging]!.unsynced.flatMap(\.records)
    #expect(rest.contains { if case .statePiece = $0 { true } else { false } })
    world.isHeldBack = { _ in false }
    for _ in 0..<40 { world.pass(20) }
    rest = Array(world.nodes[lagging]!.disk.dropFirst(disk.count))
    var machine = World.M(world.nodes[lagging]!.settings)
    for record in checkpoint + rest { try machine.restore(record) }
    #expect(machine.app == world[leader.rawValue].app)
    #expect(machine.app.value == 45)
  }

  /// What is begun with more could not be read back, or never be changed.
  @Test func aLogIsNotBegunWithMoreVotersThanItTakes() {
    for (voters, begins) in [(9, true), (10, false), (33, false)] {
      var machine = CalculatorMachine(Settings.test(1, of: voters))
      machine.tick(to: Ticks(1))
      #expect((machine.stopped == nil) == begins)
    }
  }

  /// Nor with one behind whom there is no identity left to give.
  @Test func aLogIsNotBegunWithTheLastIdentityThereIs() throws {
    for (last, begins) in [(UInt32.max - 1, true), (.max, false)] {
      var settings = Settings.test(1)
      settings.configuration = try Configuration(
        epoch: Epoch(0), voters: [VoterID(1), VoterID(2), VoterID(last)])
      var machine = CalculatorMachine(settings)
      machine.tick(to: Ticks(1))
      #expect((machine.stopped == nil) == begins)
    }
  }
}
