import MultiPaxos
import Synod
import Testing

/// What leaves a node whole: its own image, the state for others, and the history.
@Suite struct ImageTests {
  func bytes(_ value: some ByteCodable) -> Bytes {
    var writer = ByteWriter()
    value.encode(into: &writer)
    return writer.finish()
  }

  func read<Value: ByteCodable>(_ bytes: Bytes) throws -> Value {
    var reader = ByteReader(bytes)
    let value = try Value(from: &reader)
    #expect(reader.isAtEnd)
    return value
  }

  /// Rule 27: an image is for the node itself, with all that its acceptor knows.
  @Test func aNodeThatIsShutDownInGoodOrderGoesOnFromItsImage() throws {
    var world = World(3)
    TraceTests().led(by: 1, &world)
    _ = world.end(.command(.add(5)), at: 1)
    world.pass(100)
    // An entry that is accepted and not chosen, and a proposal that is open.
    world.isHeldBack = { if case .accepted = $0.message { true } else { false } }
    let open = world.add(7, at: 1)
    world.calm()
    var images: [VoterID: ShutdownImage] = [:]
    for voter in world.voters {
      world.with(voter) { images[voter] = $0.shutDown() }
      let machine = world.nodes[voter]!.machine
      #expect(machine.stopped == .shutDown && machine.participation == .passive)
      var second: ShutdownImage?
      world.with(voter) { second = $0.shutDown() }
      #expect(second == nil)
      world.nodes[voter]!.unsynced.removeAll()
    }
    #expect(world.completions[open] == .unknown(.shutDown))
    world.isHeldBack = { _ in false }
    world.network.removeAll()
    for voter in world.voters {
      let before = world.nodes[voter]!.machine
      let image: ShutdownImage = try read(bytes(images[voter]!))
      #expect(image == images[voter] && image.voter == voter)
      var settings = world.nodes[voter]!.settings
      settings.mode = .resume
      world.nodes[voter]!.machine = try CalculatorMachine(settings, resuming: image)
      let machine = world.nodes[voter]!.machine
      #expect(machine.app == before.app && machine.status.promised == before.status.promised)
      let slot = before.status.applied.next
      #expect(machine.accepted(at: slot)?.ballot == before.accepted(at: slot)?.ballot)
      world.checked[voter] = 0
    }
    for _ in 0..<60 { world.pass(50) }
    #expect(world.leader != nil)
    #expect(world.end(.command(.add(100)), at: 2)?.number == 112)
    #expect(world.problems == [])
  }

  @Test func anImageOfAnotherNodeOrThatIsDamagedIsRefused() throws {
    var world = World(3)
    world.elect()
    _ = world.end(.command(.add(5)), at: 1)
    var made: ShutdownImage?
    world.with(VoterID(1)) { made = $0.shutDown() }
    let image = made!
    #expect(throws: RestoreError.self) {
      try CalculatorMachine(Settings.test(2), resuming: image)
    }
    var wide = Settings.test(1)
    wide.window += 1
    #expect(throws: RestoreError.self) { try CalculatorMachine(wide, resuming: image) }
    let whole = bytes(image).array
    for place in stride(from: 0, to: whole.count, by: 7) {
      var damaged = whole
      damaged[place] ^= 0x10
      #expect(throws: CodingError.self) {
        let _: ShutdownImage = try read(Bytes(damaged))
      }
      #expect(throws: CodingError.self) {
        let _: ShutdownImage = try read(Bytes(Array(whole[..<place])))
      }
    }
  }

  /// Whose store failed, or whose state is doubted, leaves no image.
  @Test func aMachineThatStoppedLeavesNoImage() {
    var machine = CalculatorMachine(Settings.test(1))
    machine.tick(to: Ticks(1))
    machine.storageFailed()
    #expect(machine.shutDown() == nil)
    var blank = Settings.test(1)
    blank.mode = .resume
    var never = CalculatorMachine(blank)
    #expect(never.shutDown() == nil)
    #expect(never.stopped == .cannotStart(.blank))
  }

  /// A snapshot that comes by other ways than from the peers.
  @Test func aNewNodeTakesASnapshotFromElsewhere() throws {
    var world = World(3) { $0.maxRetained = 1 }
    TraceTests().led(by: 1, &world)
    for number in 1...20 as ClosedRange<Int32> { _ = world.end(.command(.add(number)), at: 1) }
    let client = Once(Identity128(high: 1, low: 1), 1)
    let once = world.propose(.command(.add(1)), at: 1, once: client)
    world.pass(100)
    let snapshot: Snapshot = try read(bytes(world[1].snapshot()))
    #expect(snapshot == world[1].snapshot())
    world.add(MembershipTests.joiner(4))
    let promised = world[4].status.promised
    var isTaken = false
    world.with(VoterID(4)) { isTaken = (try? $0.install(snapshot)) ?? false }
    #expect(isTaken && world[4].app == world[1].app && world[4].status.promised == promised)
    #expect(world.nodes[VoterID(4)]!.effects.contains { $0 == .installed(snapshot.slot) })
    // It is durable with the next batch, and known to be the same as the others'.
    world.sync(VoterID(4))
    world.restart(VoterID(4))
    #expect(world[4].app == world[1].app)
    // What is not ahead is not taken.
    var again = true
    world.with(VoterID(4)) { again = (try? $0.install(snapshot)) ?? true }
    #expect(!again)
    // A client's retry is known there.
    _ = world.end(
      .changeMembership(MembershipChange([.add(MembershipTests.member(4, .learner))])), at: 1)
    let retry = world.propose(.command(.add(1)), at: 4, once: client)
    for _ in 0..<20 { world.pass(50) }
    #expect(world.completions[retry] == world.completions[once])
    #expect(world.problems == [])
  }

  @Test func aSnapshotThatIsDamagedIsRefused() throws {
    var world = World(1)
    world.elect()
    for number in 1...5 as ClosedRange<Int32> { _ = world.end(.command(.add(number)), at: 1) }
    let snapshot = world[1].snapshot()
    let whole = bytes(snapshot).array
    for place in whole.indices {
      var damaged = whole
      damaged[place] ^= 1
      #expect(throws: CodingError.self) {
        let _: Snapshot = try read(Bytes(damaged))
      }
    }
    // Of another cluster.
    var machine = CalculatorMachine(MembershipTests.joiner(4, window: 8))
    machine.tick(to: Ticks(1))
    let before = machine
    #expect(throws: RestoreError.self) { try machine.install(snapshot) }
    #expect(machine == before)
  }

  @Test func aStateThatIsTakenOutLeavesAMachineThatDoesNothing() {
    var world = World(3)
    TraceTests().led(by: 1, &world)
    _ = world.end(.command(.add(5)), at: 1)
    world.pass(100)
    var taken: (state: Calculator, at: Slot)?
    world.with(VoterID(2)) { taken = $0.eject() }
    #expect(taken?.state.value == 5 && taken?.at == world[1].status.applied)
    let id = world.propose(.command(.add(1)), at: 2)
    #expect(world.completions[id] == .notApplied(.abandoned(.ejected)))
    // The others go on without it.
    #expect(world.end(.command(.add(1)), at: 1)?.number == 6)
    world.crash(VoterID(3))
    let lost = world.propose(.command(.add(1)), at: 1, deadline: 500)
    for _ in 0..<20 { world.pass(50) }
    #expect(world.completions[lost] == .unknown(.deadline))
  }

  /// Reading back what was chosen, as far as it is retained.
  @Test func theHistoryIsReadBackAsFarAsItIsRetained() throws {
    var world = World(1) { $0.maxRetained = 4 }
    world.elect()
    for number in 1...9 as ClosedRange<Int32> { _ = world.end(.command(.add(number)), at: 1) }
    let machine = world[1]
    let last = machine.status.chosen
    let retained = machine.retained!
    #expect(retained.upperBound == last && retained.lowerBound.rawValue == last.rawValue - 3)
    let entries = try machine.history(of: retained)
    #expect(entries.count == 4 && entries.map(\.kind) == [.command, .command, .command, .command])
    #expect(entries == machine.entries(from: .none).map(\.entry))
    #expect(throws: HistoryError.compacted(first: retained.lowerBound)) {
      try machine.history(of: Slot(1)...last)
    }
    #expect(throws: HistoryError.notChosen(last: last)) {
      try machine.history(of: last...last.next)
    }
  }
}
