import MultiPaxos
import Synod
import Testing

/// Members change through the log, α slots after the entry that says so.
@Suite struct MembershipTests {
  /// A node that joins a cluster of three.
  static func joiner(
    _ voter: UInt32, of voters: Int = 3, window: UInt64 = 3, mode: StartMode = .join,
    store: UInt64 = 1
  ) -> Settings {
    var settings = Settings.test(voter, of: voters, window: window)
    settings.configuration = Settings.test(1, of: voters).configuration
    settings.mode = mode
    settings.store = store == 0 ? nil : Identity128(high: store, low: UInt64(voter))
    return settings
  }

  static func member(_ voter: UInt32, _ role: Member.Role = .voter) -> Member {
    Member(
      voter: VoterID(voter), role: role, store: Identity128(high: 1, low: UInt64(voter)))
  }

  @Test(arguments: [1, 3, 16] as [UInt64])
  func aLearnerHoldsTheLogAndIsMadeAVoter(window: UInt64) {
    var world = World(3, window: window) { $0.maxRetained = 2 }
    world.elect()
    let leader = world.leader!.rawValue
    for number in 1...9 as ClosedRange<Int32> { _ = world.end(.command(.add(number)), at: leader) }
    world.add(Self.joiner(4, window: window))
    let added = world.end(
      .changeMembership(MembershipChange([.add(Self.member(4, .learner))])), at: leader)
    guard case .membership(let members, _) = added else {
      Issue.record("\(String(describing: added))")
      return
    }
    #expect(members.members.count == 4 && members.configuration.voters.count == 3)
    world.pass(500)
    #expect(world[4].app.value == 45)
    #expect(!world[4].status.isVoter)
    _ = world.end(.changeMembership(MembershipChange([.promote(VoterID(4))])), at: leader)
    world.pass(500)
    #expect(world[4].status.isVoter)
    // Two of the old ones are gone: without the new one there is no quorum.
    let others = world.voters.filter { $0 != VoterID(leader) && $0 != VoterID(4) }
    world.crash(others[0])
    #expect(world.end(.command(.add(5)), at: leader)?.number == 50)
    world.restart(others[0])
    world.settle([])
    world.expectAgreement()
  }

  @Test func allVotersAreReplacedInOneChange() {
    var world = World(3)
    world.elect()
    let leader = world.leader!.rawValue
    _ = world.end(.command(.add(1)), at: leader)
    for voter in 4...6 as ClosedRange<UInt32> { world.add(Self.joiner(voter)) }
    let change = MembershipChange(
      [4, 5, 6].map { .add(Self.member($0)) } + [1, 2, 3].map { .remove(VoterID($0)) })
    _ = world.end(.changeMembership(change), at: leader)
    for _ in 0..<60 { world.pass(20) }
    #expect(world.leader.map { $0 > VoterID(3) } == true)
    for voter in 1...3 as ClosedRange<UInt32> { world.crash(VoterID(voter)) }
    #expect(world.end(.command(.add(10)), at: 5)?.number == 11)
    world.pass(200)
    world.expectAgreement([4, 5, 6])
  }

  /// The store is named as the learner is promoted; whom it replaces goes in the same change.
  @Test func aLearnerTakesThePlaceOfAVoter() {
    var world = World(3)
    world.elect()
    let leader = world.leader!.rawValue
    let lost = world.voters.last { $0.rawValue != leader }!
    world.add(Self.joiner(4, store: 9))
    let newcomer = Member(voter: VoterID(4), role: .learner, replaces: lost)
    _ = world.end(.changeMembership(MembershipChange([.add(newcomer)])), at: leader)
    world.pass(300)
    #expect(world[leader].schedule.newest.membership.configuration.place(of: lost) != nil)
    let store = Identity128(high: 9, low: 4)
    let promotion = MembershipChange([.pin(VoterID(4), store), .promote(VoterID(4))])
    _ = world.end(.changeMembership(promotion), at: leader)
    world.pass(300)
    let membership = world[leader].schedule.newest.membership
    #expect(membership.member(lost) == nil && membership.configuration.voters.count == 3)
    #expect(membership.member(VoterID(4))?.replaces == nil)
    #expect(world[4].status.isVoter)
    let other = Identity128(high: 9, low: 5)
    #expect(
      world.end(.changeMembership(MembershipChange([.pin(VoterID(4), other)])), at: leader)
        == .notApplied(.refused(.pinned(VoterID(4)))))
    world.expectAgreement(membership.members.map(\.voter.rawValue))
  }

  /// A store that is not the one that was named does not vote, whatever its number.
  @Test func anotherStoreThanTheOneThatIsPinnedDoesNotVote() {
    var world = World(3)
    world.elect()
    let leader = world.leader!.rawValue
    world.add(Self.joiner(4, store: 2))
    let promotion = MembershipChange([
      .add(Self.member(4, .learner)), .pin(VoterID(4), Identity128(high: 1, low: 4)),
      .promote(VoterID(4)),
    ])
    _ = world.end(.changeMembership(promotion), at: leader)
    world.pass(500)
    #expect(world[4].schedule.newest.membership.configuration.place(of: VoterID(4)) != nil)
    #expect(!world[4].status.isVoter)
  }

  @Test func anObserverHoldsTheStateAndIsNeverPromoted() {
    var world = World(3)
    world.elect()
    let leader = world.leader!.rawValue
    world.add(Self.joiner(4))
    _ = world.end(
      .changeMembership(MembershipChange([.add(Self.member(4, .observer))])), at: leader)
    _ = world.end(.command(.add(3)), at: leader)
    world.pass(500)
    #expect(world[4].app.value == 3)
    #expect(
      world.end(.changeMembership(MembershipChange([.promote(VoterID(4))])), at: leader)
        == .notApplied(.refused(.wrongRole(VoterID(4)))))
    #expect(world.end(.command(.add(4)), at: 4)?.number == 7)
    world.expectAgreement([leader, 4])
  }

  /// Those that it would ask are all gone; one that it does not know asks it.
  @Test func aNewVoterThatKnowsTheFirstVotersAloneLearnsOfAStranger() {
    var world = World(3)
    world.elect()
    let leader = world.leader!.rawValue
    for voter in 4...6 as ClosedRange<UInt32> { world.add(Self.joiner(voter)) }
    // The last of them hears nobody, until the first voters have left for good.
    world.isLost = { $0.to == VoterID(6) }
    let change = MembershipChange(
      [4, 5, 6].map { .add(Self.member($0)) } + [1, 2, 3].map { .remove(VoterID($0)) })
    _ = world.end(.changeMembership(change), at: leader)
    for _ in 0..<100 { world.pass(20) }
    for voter in [1, 2, 3, 5] as [UInt32] { world.crash(VoterID(voter)) }
    // Who leads is the one that is down, or steps down: nobody tells it but by asking.
    world.isLost = {
      $0.to == VoterID(6) && { if case .probe = $0 { false } else { true } }($0.message)
    }
    for _ in 0..<20 { world.pass(100) }
    world.isLost = { _ in false }
    for _ in 0..<100 { world.pass(20) }
    #expect(world[6].status.isVoter)
    #expect(world.end(.command(.add(2)), at: 6)?.number == 2)
  }

  /// Who resumes need not be told with whom the cluster began.
  @Test func aStoreThatResumesGoesByWhatItHolds() {
    var world = World(3)
    world.elect()
    _ = world.end(.command(.add(1)), at: world.leader!.rawValue)
    for voter in world.voters { world.sync(voter) }
    let voter = world.voters.first { $0 != world.leader }!
    var settings = world.nodes[voter]!.settings
    settings.mode = .resume
    settings.configuration = Settings.test(9, of: 9).configuration
    settings.addresses = [VoterID(1): "elsewhere"]
    var machine = CalculatorMachine(settings)
    for record in world.nodes[voter]!.disk { try? machine.restore(record) }
    machine.tick(to: Ticks(1))
    #expect(machine.stopped == nil && machine.status.isVoter)
    #expect(machine.schedule == world[voter.rawValue].schedule)
    #expect(machine.beginning == world[voter.rawValue].beginning)
  }

  /// Its commands are void: were they taken again and again, the log would grow until it learns that.
  @Test func whatOneHandsOverThatIsNoMemberDoesNotFillTheLog() {
    var world = World(3)
    world.elect()
    let leader = world.leader!
    let gone = world.voters.first { $0 != leader }!
    // It does not hear that it is removed, and goes on asking.
    world.isLost = { $0.to == gone }
    _ = world.end(.changeMembership(MembershipChange([.remove(gone)])), at: leader.rawValue)
    world.pass(100)
    let before = world[leader.rawValue].status.applied
    world.propose(.command(.add(1)), at: gone.rawValue)
    for _ in 0..<50 { world.pass(20) }
    #expect(world[leader.rawValue].status.applied <= before.next)
    world.isLost = { _ in false }
    for _ in 0..<50 { world.pass(20) }
    #expect(world[leader.rawValue].app.value == 0)
    world.expectAgreement()
  }

  @Test func identitiesAreGivenOnce() {
    var world = World(3)
    world.elect()
    let leader = world.leader!.rawValue
    _ = world.end(
      .changeMembership(MembershipChange([.add(Self.member(7, .learner))])), at: leader)
    _ = world.end(.changeMembership(MembershipChange([.remove(VoterID(7))])), at: leader)
    let again = world.end(
      .changeMembership(MembershipChange([.add(Self.member(7, .learner))])), at: leader)
    #expect(again == .notApplied(.refused(.used(VoterID(7), next: VoterID(8)))))
    let unknown = world.end(
      .changeMembership(MembershipChange([.remove(VoterID(9))])), at: leader)
    #expect(unknown == .notApplied(.refused(.unknown(VoterID(9)))))
    let overtaken = world.end(
      .changeMembership(MembershipChange([.remove(VoterID(2))], expected: Epoch(0))), at: leader)
    #expect(overtaken == .notApplied(.refused(.overtaken(Epoch(2)))))
    world.expectAgreement()
  }

  /// Rule 33: whoever lost its store asks for a new identity; whoever loses it again, under the name
  /// that its predecessor was given, is not taken for it.
  @Test func aStoreThatIsLostTwiceDoesNotTakeTheIdentityOfTheOneBefore() {
    var world = World(3)
    world.elect()
    let leader = world.leader!.rawValue
    let lost = world.voters.first { $0.rawValue != leader }!
    _ = world.end(.command(.add(1)), at: leader)
    world.crash(lost)
    world.add(Self.joiner(4, mode: .recover(replacing: lost), store: 1))
    for _ in 0..<100 { world.pass(20) }
    #expect(world[4].status.isVoter)
    #expect(world[leader].schedule.newest.membership.member(lost) == nil)
    #expect(world[4].app.value == 1)
    // The new store is lost too.
    world.crash(VoterID(4))
    world.add(Self.joiner(4, mode: .recover(replacing: lost), store: 2))
    for _ in 0..<100 { world.pass(20) }
    #expect(world[4].app.value == 1)
    #expect(!world[4].status.isVoter)
    // It votes on nothing: with the third one gone there is no quorum.
    let other = world.voters.first { ![leader, 4, lost.rawValue].contains($0.rawValue) }!
    world.crash(other)
    let id = world.propose(.command(.add(2)), at: leader, deadline: 600)
    for _ in 0..<100 { world.pass(10) }
    #expect(world.completions[id] == .unknown(.deadline))
    #expect(world.problems == [])
  }

  @Test func aBlankStoreDoesNotResume() {
    var settings = Settings.test(1)
    settings.mode = .resume
    var machine = CalculatorMachine(settings)
    machine.tick(to: Ticks(1))
    #expect(machine.stopped == .cannotStart(.blank))
  }

  @Test(arguments: [1, 3, 8] as [UInt64], 0..<6 as Range<UInt64>)
  func membersChangeUnderLossAndCrashes(window: UInt64, seed: UInt64) {
    var world = World(3, window: window, seed: seed) { $0.maxRetained = seed % 2 == 0 ? 3 : 100 }
    for voter in 4...6 as ClosedRange<UInt32> {
      var settings = Self.joiner(voter, window: window)
      settings.seed = seed
      settings.maxRetained = seed % 2 == 0 ? 3 : 100
      world.add(settings)
    }
    world.elect()
    world.loss = 5
    world.duplication = 10
    let steps: [[MembershipChange.Step]] = [
      [.add(Self.member(4))], [.remove(VoterID(1)), .add(Self.member(5, .learner))],
      [.promote(VoterID(5)), .remove(VoterID(2))], [.remove(VoterID(3)), .add(Self.member(6))],
    ]
    var changes = steps[...]
    for index in 0..<5000 {
      let voter = UInt32(1 + world.draw(6))
      if index % 40 == 0 { world.add(Int32(index), at: voter) }
      if index % 60 == 0 { world.propose(.query(.value, .follower), at: voter) }
      if index % 1000 == 999, let step = changes.popFirst() {
        world.propose(.changeMembership(MembershipChange(step)), at: world.leader?.rawValue ?? 4)
      }
      world.step(crash: 2)
    }
    for voter in world.voters { world.sync(voter) }
    world.settle([])
    let members = world.voters.map { world.nodes[$0]!.machine }
      .max { $0.status.applied < $1.status.applied }!.schedule.newest.membership
    for _ in 0..<100 { world.pass(20) }
    world.expectAgreement(members.members.map(\.voter.rawValue))
    #expect(
      world.end(.command(.add(1)), at: members.configuration.voters[0].rawValue) != nil)
  }

  /// A store that was lost and begun anew would vote in its place, and has forgotten what it promised.
  @Test func nobodyBecomesAVoterWithoutItsStore() {
    var world = World(3)
    world.elect()
    let leader = world.leader!.rawValue
    let (four, store) = (VoterID(4), Identity128(high: 1, low: 4))
    let steps: [[MembershipChange.Step]] = [
      [.add(Member(voter: four, role: .voter))],
      [.add(Member(voter: four, role: .learner)), .promote(four)],
      [.replace(VoterID(3), by: Member(voter: four, role: .voter))],
    ]
    for steps in steps {
      #expect(
        world.end(.changeMembership(MembershipChange(steps)), at: leader)
          == .notApplied(.refused(.withoutStore(four))))
      let pinned = MembershipChange(steps + [.pin(four, store)])
      #expect((try? world[leader].schedule.newest.membership.applying(pinned)) != nil)
    }
    // The first voters are who began with them.
    let change = MembershipChange([.remove(VoterID(3))])
    #expect((try? world[leader].schedule.newest.membership.applying(change)) != nil)
  }
}
