import MultiPaxos
import Synod
import Testing

/// Runs in which a weaker rule loses what was chosen, or reads what is old.
@Suite struct TraceTests {
  static func isTo(_ voters: UInt32...) -> (World.Parcel) -> Bool {
    { voters.contains($0.to.rawValue) }
  }

  /// A world of these settings in which voter `first` leads.
  func led(by first: UInt32, _ world: inout World) {
    world.elect()
    if world.leader != VoterID(first) {
      _ = world.end(
        .transferLeadership(to: VoterID(first)), at: world.leader!.rawValue)
      world.pass(100)
    }
    #expect(world.leader == VoterID(first))
  }

  /// Passes time at one node alone.
  func pass(_ ticks: UInt64, at voter: UInt32, _ world: inout World) {
    world.now += ticks
    world.turn(VoterID(voter))
    world.calm()
  }

  /// Rule 8. {A, B, C} become {B, C, D} from slot 2 on; b1 chooses slot 2 on B and D; b2 is led by C,
  /// which had heard of A alone. What D tells it later counts in slot 2.
  @Test func whatIsProposedInASlotIsJudgedByThePromisesOfItsOwnVoters() {
    var world = World(3, window: 1) { $0.decorations.standsForLeader = $0.voter != VoterID(1) }
    var joiner = MembershipTests.joiner(4, window: 1)
    joiner.decorations.standsForLeader = false
    world.add(joiner)
    led(by: 2, &world)
    let start = world[2].status.applied
    // Nothing that says that the change is chosen reaches A and C, nor D that slot 2 is: it would tell
    // that, and not what it accepted.
    world.isHeldBack = { parcel in
      let isOutside = parcel.to.rawValue == 1 || parcel.to.rawValue == 3
      switch parcel.message {
      case .accept(let accept):
        return isOutside ? accept.first > start.next : accept.chosen > start.next
      case .heartbeat(_, let chosen, _): return chosen > (isOutside ? start : start.next)
      default: return false
      }
    }
    world.propose(
      .changeMembership(
        MembershipChange([.remove(VoterID(1)), .add(MembershipTests.member(4))])), at: 2)
    world.calm()
    world.pass(30)
    world.pass(30)
    #expect(world[4].status.isVoter)
    let told = world.propose(.command(.add(10)), at: 2)
    world.pass(30)
    #expect(world.completions[told] == .applied(.value(10), at: start.next.next))
    #expect(world[3].status.applied == start)
    #expect(world[4].accepted(at: start.next.next)?.isChosen == false)

    // B is gone. C becomes leader by A's promise; D's comes later.
    world.crash(VoterID(2))
    world.network.removeAll()
    world.isHeldBack = { $0.from == VoterID(4) || $0.to == VoterID(4) }
    world.add(1, at: 3)
    for _ in 0..<200 where world.leader != VoterID(3) {
      pass(20, at: 3, &world)
      pass(0, at: 1, &world)
    }
    #expect(world.leader == VoterID(3))
    for _ in 0..<5 { pass(30, at: 3, &world) }
    #expect(world[3].status.applied >= start.next)
    #expect(world[3].status.applied < start.next.next)
    world.isHeldBack = { _ in false }
    for _ in 0..<40 { world.pass(20) }
    #expect(world.ledger[start.next.next.rawValue] == .add(10))
    #expect(world[3].app.value == 11)
    #expect(world.problems == [])
  }

  /// Rule 26. A and B accept X in slot 2, A tells its client; B takes C's snapshot of slot 1, and C
  /// asks for its promise.
  @Test func aSnapshotLeavesThePromiseAndWhatIsAcceptedBehindIt() {
    var world = World(3, window: 3)
    led(by: 1, &world)
    let start = world[1].status.applied
    // B misses the first, C the second.
    world.isHeldBack = { parcel in
      guard case .accept(let accept) = parcel.message else {
        if case .heartbeat = parcel.message { return parcel.to == VoterID(2) }
        return false
      }
      return accept.first == start.next ? parcel.to == VoterID(2) : parcel.to == VoterID(3)
    }
    world.add(1, at: 1)
    world.calm()
    let told = world.add(10, at: 1)
    world.calm()
    #expect(world.completions[told] == .applied(.value(11), at: start.next.next))
    #expect(world[2].status.applied == start)
    #expect(world[2].accepted(at: start.next.next) != nil)
    let promised = world[2].status.promised

    // C knows that the first is chosen, not what is behind it, and gives B its snapshot.
    world.crash(VoterID(1))
    world.network.removeAll()
    world.isHeldBack = { _ in false }
    let ballot = promised
    world.with(VoterID(3)) {
      $0.receive(.heartbeat(ballot, chosen: start.next, round: 0), from: VoterID(1))
    }
    #expect(world[3].status.applied == start.next)
    world.with(VoterID(2)) { $0.receive(.compacted(through: start.next), from: VoterID(3)) }
    world.calm()
    #expect(world[2].statistics.installed == 1)
    #expect(world[2].status.applied == start.next)
    #expect(world[2].status.promised == promised)
    #expect(world[2].accepted(at: start.next.next)?.ballot == promised)

    // Also when B crashes now.
    world.restart(VoterID(2))
    #expect(world[2].status.applied == start.next)
    world.add(100, at: 3)
    for _ in 0..<100 { world.pass(20) }
    #expect(world.ledger[start.next.next.rawValue] == .add(10))
    #expect(world[3].app.value == 111)
    world.expectAgreement([2, 3])
  }

  /// Rule 26, the other way: a snapshot of what is here already changes nothing.
  @Test func aSnapshotThatIsNotAheadIsNotInstalled() {
    var world = World(3)
    led(by: 1, &world)
    _ = world.end(.command(.add(1)), at: 1)
    world.pass(200)
    world.with(VoterID(2)) {
      $0.receive(.compacted(through: Slot($0.status.applied.rawValue + 5)), from: VoterID(3))
    }
    for _ in 0..<30 { world.pass(20) }
    #expect(world[2].statistics.installed == 0)
    world.expectAgreement()
  }

  /// The world of rule 32: five voters, a (1) leads; d (4) has collected promises of a higher ballot
  /// from itself and n (5), and c's (3) request is on its way. Then n loses its store.
  func beforeTheLoss(_ world: inout World) -> Slot {
    led(by: 1, &world)
    _ = world.end(.command(.add(1)), at: 1)
    world.pass(100)
    let start = world[1].status.applied
    // d stands; only n hears of it.
    world.isHeldBack = { $0.from == VoterID(4) || $0.to == VoterID(4) }
    world.with(VoterID(4)) { $0.receive(.takeOver($0.status.promised, round: 0), from: VoterID(1)) }
    #expect(world[4].status.promised.voter == VoterID(4))
    let prepares = world.network.filter {
      if case .prepare = $0.message { $0.from == VoterID(4) } else { false }
    }
    world.network.removeAll()
    world.deliver(prepares.last { $0.to == VoterID(5) }!)
    world.sync(VoterID(5))
    for parcel in world.network where parcel.from == VoterID(5) { world.deliver(parcel) }
    world.sync(VoterID(4))
    world.network = prepares.filter { $0.to == VoterID(3) }.suffix(1)
    #expect(world[5].status.promised == world[4].status.promised)
    world.crash(VoterID(5))
    return start
  }

  /// What the published cure amounts to once n has observed a slot: it votes again under its old name
  /// and has forgotten its promise. This is the world in which that loses a chosen command.
  @Test func aForgottenPromiseLosesWhatWasChosen() {
    var world = World(5, window: 1) {
      $0.decorations.standsForLeader = [1, 4].contains($0.voter.rawValue)
    }
    let start = beforeTheLoss(&world)
    let delayed = world.network
    world.network.removeAll()
    // Nor is it told what it forgot (rule 34).
    world.isLost = { if case .acknowledged = $0.message { true } else { false } }
    let settings = world.nodes[VoterID(5)]!.settings
    world.nodes[VoterID(5)] = nil
    world.checked[VoterID(5)] = nil
    world.isHeldBack = { $0.to == VoterID(4) || $0.from == VoterID(4) }
    world.add(settings)
    // It observes a slot, then votes; c promises d's ballot.
    _ = world.end(.command(.add(2)), at: 1)
    goOn(&world, delayed, from: start)
    // One slot holds two commands.
    #expect(world.problems.contains { $0.contains(" is ") && $0.contains(", and ") })
  }

  /// Rule 32 with its cure (rule 33): n comes back under a new name, by an entry of the log; the
  /// promise of the old one is void in the slots behind it.
  @Test func aLostStoreComesBackUnderANewName() {
    var world = World(5, window: 1) {
      $0.decorations.standsForLeader = [1, 4].contains($0.voter.rawValue)
    }
    let start = beforeTheLoss(&world)
    let delayed = world.network
    world.network.removeAll()
    world.isHeldBack = { $0.to == VoterID(4) || $0.from == VoterID(4) }
    world.add(
      MembershipTests.joiner(
        6, of: 5, window: 1, mode: .recover(replacing: VoterID(5)), store: 1))
    for _ in 0..<60 { world.pass(20) }
    #expect(world[6].status.isVoter)
    goOn(&world, delayed, from: start)
    #expect(world.problems == [])
    for _ in 0..<200 { world.pass(20) }
    world.expectAgreement([1, 2, 3, 4, 6])
  }

  /// c promises d's ballot; a goes on with b and n; d goes on with what it has.
  private func goOn(_ world: inout World, _ delayed: [World.Parcel], from start: Slot) {
    world.isHeldBack = { _ in false }
    // Until here c was one of a's quorum; what d asked of it arrives now, and its answer.
    for parcel in delayed { world.deliver(parcel) }
    world.sync(VoterID(3))
    let answers = world.network.filter {
      if case .promise = $0.message { $0.to == VoterID(4) } else { false }
    }
    world.network.removeAll()
    // a writes with b and n.
    world.isHeldBack = { parcel in
      // n accepts what a writes, and is not told that it is chosen: it would tell d.
      if case .heartbeat(_, let chosen, _) = parcel.message, parcel.to == VoterID(5) {
        return chosen > start.next
      }
      return (parcel.to.rawValue == 3 || parcel.to.rawValue == 4) || parcel.from.rawValue == 4
    }
    world.nodes[VoterID(3)]!.isCutOff = true
    world.nodes[VoterID(4)]!.isCutOff = true
    let told = world.propose(.command(.add(1000)), at: 1)
    world.calm()
    #expect(world.completions[told]?.number != nil)
    // d writes with c, and n.
    world.network.removeAll()
    world.nodes[VoterID(3)]!.isCutOff = false
    world.nodes[VoterID(4)]!.isCutOff = false
    world.crash(VoterID(1))
    world.crash(VoterID(2))
    world.isHeldBack = { _ in false }
    for parcel in answers { world.deliver(parcel) }
    world.add(7, at: 4)
    for _ in 0..<60 { world.pass(20) }
    world.restart(VoterID(1))
    world.restart(VoterID(2))
  }

  /// Rule 43. {A, B} become {C, D} from slot 2 on; b1 chooses slot 2 on C and D and tells its client;
  /// A forgets what it had not synced. b2 is led by B: C and D echo its ballot, and what they promised
  /// is not read yet.
  @Test func aReadWaitsForThePromisesOfEveryConfigurationOfTheWindow() {
    var world = World(2, window: 1)
    for voter in 3...4 as ClosedRange<UInt32> {
      var settings = MembershipTests.joiner(voter, of: 2, window: 1)
      settings.decorations.standsForLeader = false
      world.add(settings)
    }
    led(by: 1, &world)
    let start = world[1].status.applied
    world.isHeldBack = { parcel in
      guard parcel.to == VoterID(2) else { return false }
      if case .accept(let accept) = parcel.message { return accept.first > start.next }
      if case .heartbeat(_, let chosen, _) = parcel.message { return chosen > start }
      return false
    }
    let change = MembershipChange(
      [.remove(VoterID(1)), .remove(VoterID(2))]
        + [3, 4].map { .add(MembershipTests.member($0)) })
    world.propose(.changeMembership(change), at: 1)
    world.calm()
    world.pass(30)
    world.pass(30)
    #expect(world[3].status.isVoter && world[4].status.isVoter)
    // The leader's own disk is slow. (A command of its own would be void: it is a member no more.)
    let told = world.propose(.command(.add(10)), at: 3)
    for _ in 0..<20 {
      for voter in [VoterID(3), VoterID(4)] { world.sync(voter) }
      guard let place = world.network.firstIndex(where: { !world.isHeldBack($0) }) else { break }
      world.deliver(world.network.remove(at: place))
    }
    #expect(world.completions[told] == .applied(.value(10), at: start.next.next))
    world.restart(VoterID(1))
    #expect(world[1].accepted(at: start.next.next) == nil)

    // B leads by A's promise and its own; what C and D promise is held back.
    world.network.removeAll()
    var leads = false
    world.isHeldBack = { parcel in
      switch parcel.message {
      // Nor does B hear of the change before it leads: it would not stand any more.
      case .promise, .fetch, .entries:
        !leads && parcel.to == VoterID(2) && parcel.message.isEntries
          || parcel.from.rawValue > 2 || parcel.to.rawValue > 2
      // It is no voter any more, and would hand over.
      case .takeOver: true
      case .probed, .index: false
      default: parcel.from.rawValue > 2 && parcel.to.rawValue == 1
      }
    }
    for _ in 0..<300 where world.leader != VoterID(2) {
      world.now += 20
      for voter in [VoterID(1), VoterID(2)] { world.turn(voter) }
      // Only B stands.
      world.network.removeAll {
        if case .probe = $0.message { $0.from != VoterID(2) } else { false }
      }
      world.calm()
    }
    #expect(world.leader == VoterID(2))
    leads = true
    let read = world.propose(.query(.value, .leader), at: 2)
    for _ in 0..<6 { pass(30, at: 2, &world) }
    #expect(world[2].status.applied == start.next)
    #expect(world[3].status.promised == world[2].status.promised)
    #expect(world.completions[read] == nil)
    world.isHeldBack = { if case .takeOver = $0.message { true } else { false } }
    for _ in 0..<20 { world.pass(20) }
    #expect(world.completions[read]?.number == 10)
    #expect(world.problems == [])
  }
}

extension Message {
  fileprivate var isEntries: Bool {
    if case .entries = self { true } else { false }
  }
}
