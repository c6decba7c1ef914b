import Synod
import Testing

@testable import MultiPaxos

/// Nodes that leave, and stores that are not what they were (rules 21, 30, 34).
@Suite struct RetirementTests {
  static let change = MembershipChange(
    [4, 5, 6].map { .add(MembershipTests.member($0)) } + [1, 2, 3].map { .remove(VoterID($0)) })

  func isRetired(_ voter: UInt32, in world: World) -> Bool {
    world.nodes[VoterID(voter)]!.effects.contains {
      if case .retired = $0 { true } else { false }
    }
  }

  /// Rule 21: what was chosen behind the change, in slots of the old members, those alone know.
  @Test func thoseWhoLeftAreAskedForWhatOnlyTheyKnow() {
    // Nobody but the first stands, so that nobody is told: who lacks something has to ask.
    var world = World(3, window: 4) {
      $0.decorations.fillsWindow = false
      $0.decorations.standsForLeader = $0.voter == VoterID(1)
    }
    for voter in 4...6 as ClosedRange<UInt32> {
      var settings = MembershipTests.joiner(voter, window: 4)
      settings.decorations.standsForLeader = false
      world.add(settings)
    }
    TraceTests().led(by: 1, &world)
    let start = world[1].status.applied
    let changed = start.next
    // The new ones hear of the change, and of nothing behind it.
    world.isHeldBack = { parcel in
      guard parcel.to > VoterID(3) else { return false }
      return switch parcel.message {
      case .accept(let accept): accept.first > changed
      case .heartbeat(_, let chosen, _): chosen > changed
      case .entries, .piece, .promise, .probed: true
      default: false
      }
    }
    world.propose(.changeMembership(Self.change), at: 1)
    world.calm()
    let ballot = world[1].status.promised
    for voter in 4...6 as ClosedRange<UInt32> {
      world.with(VoterID(voter)) {
        $0.receive(.heartbeat(ballot, chosen: changed, round: 0), from: VoterID(1))
      }
    }
    // (The last slot before the new ones is void for those who are members no more behind it.)
    for number in 1...2 as ClosedRange<Int32> { world.add(number, at: 1) }
    world.calm()
    #expect(world[2].app.value == 3)
    #expect(world[4].status.applied == changed)
    // The leader is gone, and what was on its way.
    world.crash(VoterID(1))
    world.network.removeAll()
    world.isHeldBack = { _ in false }
    for _ in 0..<100 { world.pass(50) }
    for voter in 4...6 as ClosedRange<UInt32> { #expect(world[voter].app.value == 3, "\(voter)") }
    #expect(world.problems == [])
  }

  /// Rule 21: a node that left serves until as many of those after it know durably what it took part in
  /// as no leader to come can pass by.
  @Test func whoLeftServesUntilThoseAfterItKnowDurably() {
    var world = World(3)
    for voter in 4...6 as ClosedRange<UInt32> { world.add(MembershipTests.joiner(voter)) }
    TraceTests().led(by: 1, &world)
    _ = world.end(.command(.add(1)), at: 1)
    // Of the new ones only the fourth has a disk that works.
    world.isHeldBack = { parcel in
      if case .known = parcel.message { parcel.from > VoterID(4) } else { false }
    }
    _ = world.end(.changeMembership(Self.change), at: 1)
    for _ in 0..<100 { world.pass(20) }
    #expect(world.leader.map { $0 > VoterID(3) } == true)
    #expect(world[1].schedule.items.count == 1)
    for voter in 1...3 as ClosedRange<UInt32> { #expect(!isRetired(voter, in: world), "\(voter)") }
    world.isHeldBack = { _ in false }
    for _ in 0..<60 { world.pass(20) }
    for voter in 1...3 as ClosedRange<UInt32> {
      #expect(isRetired(voter, in: world) && world[voter].status.isRetired, "\(voter)")
      world.crash(VoterID(voter))
    }
    // What they took part in is known after a restart of all.
    for voter in 4...6 as ClosedRange<UInt32> { world.restart(VoterID(voter)) }
    #expect(world.end(.command(.add(1)), at: 5)?.number == 2)
    world.pass(200)
    world.expectAgreement([4, 5, 6])
  }

  /// What is known is said when it is durable, and not before.
  @Test func whatIsKnownIsSaidWhenItIsDurable() {
    var world = World(3)
    world.elect()
    let leader = world.leader!
    _ = world.end(.command(.add(1)), at: leader.rawValue)
    world.pass(100)
    func isSaid(_ world: World) -> Bool {
      world.network.contains { if case .known = $0.message { true } else { false } }
    }
    world.add(2, at: leader.rawValue)
    world.isHeldBack = { _ in true }
    let slow = world.voters.first { $0 != leader }!
    for parcel in world.network where parcel.to == slow { world.deliver(parcel) }
    world.network.removeAll()
    world.with(slow) { $0.receive(.askKnown, from: VoterID(9)) }
    #expect(!isSaid(world))
    world.sync(slow)
    #expect(isSaid(world))
  }

  /// Those who are told of later members have to do with the earlier ones as long as they need them.
  @Test func peersAreAllMembersOfSlotsThatAreNotApplied() {
    var schedule = Schedule(
      Membership(Settings.test(1).configuration, addresses: [VoterID(1): "here"]), window: 3)
    let item = try! schedule.apply(
      MembershipChange([
        .add(MembershipTests.member(4)), .remove(VoterID(2)), .setAddress(VoterID(1), "there"),
      ]), at: Slot(5))
    #expect(schedule.members.map(\.voter) == [1, 2, 3, 4].map { VoterID($0) })
    #expect(schedule.members[0].address == "there")
    schedule.forget(through: item.from.previous)
    #expect(schedule.members.map(\.voter) == [1, 3, 4].map { VoterID($0) })
  }

  // MARK: Stores

  /// Rule 34: others remember what a voter acknowledged.
  @Test(arguments: [true, false]) func aStoreThatForgotIsToldSo(isBlank: Bool) {
    var world = World(3)
    TraceTests().led(by: 1, &world)
    _ = world.end(.command(.add(1)), at: 1)
    world.pass(100)
    let earlier = isBlank ? [] : world.nodes[VoterID(2)]!.disk
    TraceTests().led(by: 3, &world)
    _ = world.end(.command(.add(2)), at: 3)
    world.pass(100)
    world.crash(VoterID(2))
    world.nodes[VoterID(2)]!.disk = earlier
    world.restart(VoterID(2))
    world.pass(20)
    #expect(world[2].stopped == .rolledBack)
    #expect(world.nodes[VoterID(2)]!.effects.contains { $0 == .rolledBack })
    // Under a new identity it comes back.
    world.crash(VoterID(2))
    world.add(MembershipTests.joiner(4, mode: .recover(replacing: VoterID(2)), store: 1))
    for _ in 0..<100 { world.pass(20) }
    #expect(world[4].status.isVoter && world[4].app.value == 3)
  }

  /// An acceptance that is lost is noticed where the promise is not.
  @Test func aStoreThatForgotAnAcceptanceIsToldSo() {
    var world = World(3)
    TraceTests().led(by: 1, &world)
    world.pass(100)
    let earlier = world.nodes[VoterID(2)]!.disk
    _ = world.end(.command(.add(1)), at: 1)
    world.crash(VoterID(2))
    world.nodes[VoterID(2)]!.disk = earlier
    world.restart(VoterID(2))
    world.calm()
    #expect(world[2].stopped == .rolledBack)
  }

  @Test func aStoreThatKeptAllIsNotDoubted() {
    var world = World(3)
    TraceTests().led(by: 1, &world)
    for round in 0..<6 as Range<UInt32> {
      let voter = round % 3 + 1
      world.add(1, at: 1)
      world.calm()
      world.restart(VoterID(voter), keeping: Int(round) % 2)
      for _ in 0..<60 { world.pass(20) }
      #expect(world[voter].stopped == nil)
    }
    world.settle([])
    world.expectAgreement()
  }

  /// Rule 30: how a blank store begins is said, never guessed.
  @Test func aBlankStoreBeginsOnlyAsItIsTold() {
    func stopped(_ voter: UInt32, _ mode: StartMode, store: UInt64 = 1) -> Abandoned? {
      var settings = MembershipTests.joiner(voter, mode: mode, store: store)
      settings.mode = mode
      var machine = CalculatorMachine(settings)
      machine.tick(to: Ticks(1))
      machine.propose(Proposal(.command(.add(1))), as: ProposalID(1))
      var ready = Ready<CalculatorMachine>()
      machine.drain(into: &ready)
      if let why = machine.stopped {
        #expect(ready.persist.isEmpty && ready.messages.isEmpty)
        #expect(ready.completed.map(\.result) == [.notApplied(.abandoned(why))])
      }
      return machine.stopped
    }
    #expect(stopped(2, .bootstrap) == nil)
    #expect(stopped(4, .bootstrap) == .cannotStart(.notAmongTheFirst(VoterID(4))))
    #expect(stopped(2, .resume) == .cannotStart(.blank))
    #expect(stopped(4, .join) == nil)
    #expect(stopped(2, .join) == .cannotStart(.amongTheFirst(VoterID(2))))
    #expect(stopped(4, .recover(replacing: VoterID(2))) == nil)
    #expect(
      stopped(2, .recover(replacing: VoterID(2))) == .cannotStart(.amongTheFirst(VoterID(2))))
    #expect(
      stopped(4, .recover(replacing: VoterID(2)), store: 0) == .cannotStart(.withoutStoreNumber))
  }

  /// Whatever the mode, a store that holds records goes on with them, and not as another's.
  @Test func aStoreThatHoldsRecordsGoesOnWithThem() throws {
    var world = World(3)
    TraceTests().led(by: 1, &world)
    _ = world.end(.command(.add(5)), at: 1)
    world.pass(100)
    for mode in [.resume, .join, .bootstrap, .recover(replacing: VoterID(1))] as [StartMode] {
      world.nodes[VoterID(2)]!.settings.mode = mode
      world.restart(VoterID(2))
      world.pass(100)
      #expect(world[2].app.value == 5 && world[2].status.isVoter)
      #expect(world[2].stopped == nil)
    }
    #expect(world.problems == [])
    var settings = world.nodes[VoterID(2)]!.settings
    settings.window += 1
    var machine = CalculatorMachine(settings)
    #expect(throws: RestoreError.self) {
      for record in world.nodes[VoterID(2)]!.disk { try machine.restore(record) }
    }
  }
}
