@testable import EPaxos
import Synod
import Testing

/// Epochs (rule 44), and stores that were lost.
@Suite struct MembershipTests {
  static func change(_ steps: MembershipChange.Step...) -> EPaxos.Operation<Shelf> {
    .members(MembershipChange(steps))
  }

  static func joining(_ voter: UInt32) -> Member { Member(voter: VoterID(voter), role: .joining) }

  func voters(_ world: World, at voter: UInt32) -> [UInt32] {
    world[voter].membership.configuration.voters.map(\.rawValue)
  }

  // MARK: One who comes

  @Test(arguments: [1, 2, 3, 4]) func whoJoinsBecomesAVoterOnceItHasTheState(_ voters: Int) {
    var world = World(voters)
    for round in 0..<10 { world.add(Int32(round), to: [UInt8(round % 3)], at: 1) }
    world.settle(100)
    let newcomer = UInt32(voters + 1)
    let change = world.propose(Self.change(.add(Self.joining(newcomer))), at: 1)
    world.settle(100)
    guard case .changed(let membership)? = world.completions[change] else {
      return #expect(Bool(false), "\(String(describing: world.completions[change]))")
    }
    // Who votes is the same, and so is the epoch.
    #expect(membership.epoch == Epoch(0) && membership.revision == 1)
    world.join(newcomer)
    #expect(!world[newcomer].isVoter && !world[newcomer].hasState)
    let refused = world.add(1, at: newcomer)
    #expect(world.completions[refused] == .notApplied(.abandoned(.notAMember)))
    world.settle(800)
    #expect(self.voters(world, at: 1) == Array(1...newcomer))
    #expect(world[newcomer].isVoter)
    let proposal = world.add(100, to: [9], at: newcomer)
    world.settle(800)
    #expect(world.completions[proposal]?.number == 100)
    world.expectAgreement()
    for voter in 1...newcomer { #expect(world[voter].nextDeadline == nil) }
  }

  @Test func whoHasNobodyToAskTakesTheStateFromWhoeverIsHeard() throws {
    var world = World(3)
    world.add(1, at: 1)
    world.propose(Self.change(.add(Self.joining(4))), at: 1)
    world.settle(100)
    world.join(4, asking: try Configuration(epoch: Epoch(0), voters: [VoterID(9)]))
    world.settle(2000)
    #expect(world[4].isVoter)
    world.expectAgreement()
  }

  /// It would count among those of whom too many are dead already.
  @Test func whoIsHeardNoMoreIsMadeNoVoter() {
    var world = World(3)
    world.add(1, at: 1)
    world.propose(Self.change(.add(Self.joining(4))), at: 1)
    world.settle(100)
    world.crash(3)
    world.nodes[VoterID(1)]!.isCutOff = true
    world.join(4)
    world.settle(800)
    // 2 alone knows that it has the state.
    #expect(world[4].hasState)
    world.crash(4)
    world.settle(400)
    world.nodes[VoterID(1)]!.isCutOff = false
    world.settle(1500)
    #expect(voters(world, at: 1) == [1, 2, 3])
    let proposal = world.add(2, at: 1)
    world.settle(500)
    #expect(world.completions[proposal]?.number == 5)
    // It is as soon as it is back.
    world.restart(VoterID(4))
    world.settle(6000)
    #expect(voters(world, at: 1) == [1, 2, 3, 4])
    world.expectAgreement([1, 2, 4])
  }

  /// Nor is that asked for again and again.
  @Test func whoWouldBeOneTooManyIsMadeNoVoter() {
    var world = World(Membership.maxVoters)
    world.add(1, at: 1)
    world.propose(Self.change(.add(Self.joining(10))), at: 1)
    world.settle(100)
    world.join(10)
    for _ in 0..<100 where world.problems.isEmpty { world.pass(20) }
    #expect(world[10].hasState && !world[10].isVoter)
    #expect(world[1].status.executed < 20)
    #expect(world[1].nextDeadline == nil)
    // There is room once somebody goes.
    world.propose(Self.change(.remove(VoterID(9))), at: 1)
    for _ in 0..<100 where world.problems.isEmpty { world.pass(20) }
    #expect(voters(world, at: 1) == Array(1...8) + [10])
    world.expectAgreement(Array(1...8) + [10])
  }

  @Test func ofMoreVotersThanThereMayBeOneMayGo() throws {
    let voters = (1...12).map { VoterID($0) }
    let membership = Membership(try Configuration(epoch: Epoch(0), voters: voters))
    let fewer = try membership.applying(MembershipChange([.remove(VoterID(5))]))
    #expect(fewer.configuration.voters.count == 11)
    #expect(throws: MembershipRefusal.voterCount(13, limit: 12)) {
      try membership.applying(
        MembershipChange([.add(Self.joining(13)), .promote(VoterID(13))]))
    }
  }

  /// Nobody can come any more, and what is written can be read.
  @Test func theLastIdentityThatThereIsMayBeAFounders() throws {
    let voters = [VoterID(1), VoterID(.max)]
    let membership = Membership(try Configuration(epoch: Epoch(0), voters: voters))
    var reader = ByteReader(membership.encoded)
    #expect(try Membership(from: &reader) == membership)
    #expect(throws: MembershipRefusal.used(VoterID(.max), next: VoterID(.max))) {
      try membership.applying(MembershipChange([.add(Self.joining(.max))]))
    }
  }

  /// Two would both become voters, one more than anybody asked for.
  @Test func whoeverReplacesAVoterIsOne() throws {
    let voters = (1...3).map { VoterID($0) }
    var membership = Membership(try Configuration(epoch: Epoch(0), voters: voters))
    for newcomer in [4, 5] as [UInt32] {
      membership = try membership.applying(
        MembershipChange([.replace(VoterID(3), by: Self.joining(newcomer))]))
    }
    #expect(membership.members.map(\.voter.rawValue) == [1, 2, 3, 5])
    membership = try membership.applying(MembershipChange([.promote(VoterID(5))]))
    #expect(membership.configuration.voters.map(\.rawValue) == [1, 2, 5])
  }

  @Test func whereAMemberIsReachedIsSaidByAChangeOrByNobody() throws {
    let voters = (1...2).map { VoterID($0) }
    let founded = Membership(
      try Configuration(epoch: Epoch(0), voters: voters), addresses: [VoterID(1): Bytes("a")])
    let changed = try founded.applying(MembershipChange([.setAddress(VoterID(2), Bytes("b"))]))
    for membership in [founded, changed] {
      var reader = ByteReader(membership.encoded)
      #expect(try Membership(from: &reader) == membership)
    }
    #expect(founded.members.map(\.hasMoved) == [false, false])
    #expect(changed.members.map(\.hasMoved) == [false, true])
  }

  /// Who goes may be needed until then.
  @Test func aChangeOfTheVotersIsToldOnceTheNewOnesHoldAQuorum() {
    var world = World.directed(4)
    let change = world.propose(Self.change(.remove(VoterID(4))), at: 1)
    world.calm()
    world.isHeldBack = { $0.message.kind == "commit" || $0.message.kind == "standing" }
    world.calm()
    #expect(world[1].membership.epoch == Epoch(1) && world[2].membership.epoch == Epoch(0))
    #expect(world.completions[change] == nil)
    world.isHeldBack = { $0.to == VoterID(3) || $0.from == VoterID(3) }
    for _ in 0..<20 { world.pass(20) }
    guard case .changed(let membership)? = world.completions[change] else {
      return #expect(Bool(false), "\(String(describing: world.completions[change]))")
    }
    #expect(membership.epoch == Epoch(1))
    #expect(world[2].membership == membership && world[3].membership != membership)
    #expect(world.problems == [])
  }

  @Test func aLearnerFollowsAndDoesNotVote() {
    var world = World(3)
    world.add(1, at: 1)
    world.propose(Self.change(.add(Member(voter: VoterID(4), role: .learner))), at: 2)
    world.settle(100)
    world.join(4)
    world.settle(500)
    world.add(2, at: 1)
    world.settle(500)
    #expect(voters(world, at: 4) == [1, 2, 3])
    #expect(world[4].hasState && !world[4].isVoter)
    let stale = world.propose(.query(.init(0), .stale), at: 4)
    #expect(world.completions[stale]?.number == 5)
    world.expectAgreement()
    // It does not count: two dead of three stop the others.
    world.crash(2)
    world.crash(3)
    let proposal = world.add(3, at: 1)
    world.settle(500)
    #expect(world.completions[proposal] == nil)
  }

  // MARK: A lost store

  @Test func aLostStoreComesBackAsANewMember() {
    var world = World(3) { $0.barrierEvery = 10 }
    for round in 0..<40 {
      world.add(Int32(round), to: [UInt8(round % 3)], at: UInt32(1 + round % 3))
      if round % 4 == 0 { world.pass(3) }
    }
    world.settle(300)
    world.crash(3)
    world.propose(Self.change(.replace(VoterID(3), by: Self.joining(4))), at: 2)
    world.settle(200)
    // The other's vote is worth nothing, but what comes in its place knows nothing yet.
    #expect(voters(world, at: 1) == [1, 2, 3])
    world.join(4)
    world.settle(500)
    #expect(voters(world, at: 1) == [1, 2, 4])
    #expect(world[1].membership.epoch == Epoch(1))
    #expect(world[4].isVoter && world[4].app == world[1].app)
    // It is as good as any.
    world.crash(1)
    let proposal = world.add(100, to: [9], at: 4)
    world.settle(500)
    #expect(world.completions[proposal]?.number == 100)
    world.expectAgreement([2, 4])
  }

  @Test func anIdentityIsNeverGivenTwice() {
    var world = World(3)
    let used = world.propose(Self.change(.add(Self.joining(3))), at: 1)
    world.settle(100)
    #expect(
      world.completions[used] == .notApplied(.members(.used(VoterID(3), next: VoterID(4)))))
    world.propose(Self.change(.remove(VoterID(3))), at: 1)
    world.settle(100)
    let again = world.propose(Self.change(.add(Self.joining(3))), at: 1)
    let other = world.propose(Self.change(.pin(VoterID(1), Identity128(high: 1, low: 1))), at: 2)
    world.settle(100)
    let lost = world.propose(Self.change(.pin(VoterID(1), Identity128(high: 1, low: 2))), at: 2)
    world.settle(100)
    #expect(
      world.completions[again] == .notApplied(.members(.used(VoterID(3), next: VoterID(4)))))
    #expect(world[1].membership.member(VoterID(1))?.store == Identity128(high: 1, low: 1))
    #expect(world.completions[other].map { if case .changed = $0 { true } else { false } } == true)
    #expect(world.completions[lost] == .notApplied(.members(.otherStore(VoterID(1)))))
    world.expectAgreement([1, 2])
  }

  // MARK: From one epoch to the next

  /// A command that is decided behind the change has no effect, and its client is not told: it is decided
  /// anew, by the new voters.
  @Test func whatComesBehindAChangeIsProposedAnew() {
    var world = World.directed(4)
    let change = world.propose(Self.change(.remove(VoterID(4))), at: 1)
    world.calm()
    // All hold the change before the command.
    for voter in 2...4 as ClosedRange<UInt32> { world.hand(1, voter, "preAccept") }
    let command = world.add(7, at: 2)
    let late = world.add(8, at: 4)
    world.isHeldBack = { _ in false }
    world.settle(400)
    guard case .changed? = world.completions[change] else {
      return #expect(Bool(false), "\(String(describing: world.completions[change]))")
    }
    #expect(world.completions[command]?.number == 7)
    #expect(world[2].statistics.resubmitted == 1)
    // Who left has it decided by nobody: it certainly had no effect.
    #expect(world.completions[late] == .notApplied(.abandoned(.notAMember)))
    #expect(world.numbers(1) == [7])
    #expect(world[4].mayLeave && !world[1].mayLeave)
    world.expectAgreement([1, 2, 3])
  }

  @Test func ofTwoChangesAtOnceTheLaterIsDecidedInTheNextEpoch() {
    var world = World(5)
    let ids = [
      world.propose(Self.change(.remove(VoterID(5))), at: 1),
      world.propose(Self.change(.remove(VoterID(4))), at: 2),
      world.propose(.members(MembershipChange([.remove(VoterID(1))], expected: 0)), at: 3),
    ]
    world.settle(1000)
    let outcomes = ids.map { world.completions[$0] }
    let changed = outcomes.compactMap { outcome -> Epoch? in
      if case .changed(let membership)? = outcome { membership.epoch } else { nil }
    }
    #expect(Set(changed) == Set((1...UInt32(changed.count)).map { Epoch($0) }))
    // The third was first, or refused.
    switch outcomes[2] {
    case .changed(let membership): #expect(membership.epoch == Epoch(1))
    case .notApplied(.members(.overtaken)): #expect(changed.count == 2)
    case let other: #expect(Bool(false), "\(String(describing: other))")
    }
    #expect(world.problems == [])
  }

  @Test func nobodyVotesInAnEpochBeforeItHasExecutedTheChange() {
    var world = World.directed(3)
    world.isHeldBack = { $0.to == VoterID(3) || $0.from == VoterID(3) }
    world.propose(Self.change(.add(Self.joining(4)), .promote(VoterID(4))), at: 1)
    world.calm()
    #expect(world[1].membership.epoch == Epoch(1) && world[3].membership.epoch == Epoch(0))
    world.network.removeAll()
    world.add(1, at: 1)
    world.calm()
    #expect(world.network.contains { $0.to == VoterID(3) && $0.message.kind == "preAccept" })
    world.hand(1, 3, "preAccept")
    // It only asks how far the other is.
    let answers = world.network.filter { $0.from == VoterID(3) }
    #expect(answers.map(\.message.kind) == ["standing"])
    world.isHeldBack = { _ in false }
    world.settle(600)
    #expect(world[3].membership.epoch == Epoch(1))
    #expect(world[3].statistics.installed == 0)
    #expect(world.numbers(3) == [1])
    world.expectAgreement([1, 2, 3])
  }

  @Test func nobodyVotesInAnEpochThatItLeft() {
    var world = World.directed(3)
    let x = at(3, 1)
    world.isHeldBack = { $0.to == VoterID(3) || $0.from == VoterID(3) }
    world.propose(Self.change(.remove(VoterID(3))), at: 1)
    world.calm()
    #expect(world[2].membership.epoch == Epoch(1))
    world.network.removeAll()
    let value = Value(World.command(1), deps())
    for message in [
      Message.preAccept(x, value), .accept(.zero, x, value), .recover(ballot(1, 3), x),
      .validate(ballot(1, 3), x, value),
    ] {
      world.tell(message, from: 3, to: 1)
      let answers = world.network.filter { $0.to == VoterID(3) }
      #expect(answers.map(\.message.kind) == ["standing"], "\(message)")
      world.network.removeAll()
    }
    // What was decided is told.
    world.tell(.recover(ballot(1, 3), at(1, 1)), from: 3, to: 1)
    #expect(world.network.map(\.message.kind) == ["commit"])
  }

  @Test(arguments: [false, true]) func whoMissedChangesComesBack(_ isLong: Bool) {
    var world = World(4) { $0.barrierEvery = isLong ? 8 : nil }
    world.add(1, at: 3)
    world.settle(100)
    world.nodes[VoterID(3)]!.isCutOff = true
    let open = world.add(50, to: [5], at: 3)
    for round in 0..<30 { world.add(Int32(round), to: [UInt8(round % 3)], at: 1) }
    world.propose(Self.change(.remove(VoterID(4))), at: 1)
    world.settle(200)
    for round in 0..<30 {
      world.add(Int32(round), to: [UInt8(round % 3)], at: UInt32(1 + round % 2))
      world.pass(3)
    }
    world.settle(200)
    #expect(world[1].membership.epoch == Epoch(1))
    world.nodes[VoterID(3)]!.isCutOff = false
    world.settle(1500)
    #expect(world[3].membership.epoch == Epoch(1))
    #expect(isLong == (world[3].statistics.installed > 0))
    #expect(world.completions[open] != nil)
    world.expectAgreement([1, 2, 3])
    #expect(world[1].nextDeadline == nil)
  }

  @Test func epochsSurviveRestartsAndCheckpoints() {
    var world = World(4) { $0.barrierEvery = 16 }
    for epoch in 1...2 as ClosedRange<UInt32> {
      for round in 0..<20 { world.add(Int32(round), to: [UInt8(round % 3)], at: 1) }
      world.pass(5)
      world.propose(Self.change(.remove(VoterID(5 - epoch))), at: 1)
      world.settle(300)
      for voter in [VoterID(1), VoterID(2)] {
        #expect(world.nodes[voter]!.machine.membership.epoch == Epoch(epoch))
        let before = world.nodes[voter]!.machine
        if voter == VoterID(2) { world.compact(voter) }
        world.restart(voter)
        #expect(world.nodes[voter]!.machine.membership == before.membership)
        #expect(world.nodes[voter]!.machine.app == before.app)
        #expect(world.nodes[voter]!.machine.reserved >= before.reserved)
      }
      world.settle(300)
    }
    let proposal = world.add(3, at: 2)
    world.settle(300)
    #expect(world.completions[proposal]?.number != nil)
    world.expectAgreement([1, 2])
  }

  /// What lets a node leave an epoch may rest on what it knew of undecided instances, and that may be lost.
  @Test func anEpochThatWasLeftStaysLeftThoughWhatWasKnownIsLost() {
    var world = World.directed(3)
    let (y, z, m) = (at(2, 1), at(3, 1), at(1, 1))
    // Y comes behind a prefix that holds Z, which touches something else, and is not decided.
    let change = Batch([
      Entry(.membership, payload: MembershipChange([.remove(VoterID(3))]).encoded)
    ])
    world.nodes[VoterID(2)]!.unsynced.removeAll()
    world.with(VoterID(1)) {
      $0.receive(.preAccept(z, Value(World.command(9, [7]), deps())), from: VoterID(3))
    }
    // Its record is lost; the decisions are not.
    let lost = world.nodes[VoterID(1)]!.unsynced.count
    #expect(lost == 1)
    for (id, value) in [
      (y, Value(World.command(1), deps(z))), (m, Value(change, deps(y))),
    ] {
      world.with(VoterID(1)) {
        $0.receive(.commit([.init(id, value)]), from: VoterID(2))
      }
    }
    world.calm()
    #expect(world[1].membership.epoch == Epoch(1))
    #expect(world.numbers(1) == [1])
    world.nodes[VoterID(1)]!.disk.removeAll {
      if case .preaccepted(z, _, _) = $0 { true } else { false }
    }
    world.restart(VoterID(1))
    #expect(world[1].membership.epoch == Epoch(1))
    #expect(world.numbers(1) == [1])
    #expect(world.problems == [])
  }

  /// A change is executed when it is durable, in the life that wrote it; at once, where it is replayed. So what
  /// was recorded in between is replayed in the epoch that the change began.
  @Test(arguments: [false, true])
  func whatWasForgottenInAnEpochThatEndedIsNotNamedInTheNext(_ isRestated: Bool) {
    var world = World.directed(4)
    let (x, b, m) = (at(2, 1), at(2, 2), at(2, 3))
    let change = Batch([
      Entry(.membership, payload: MembershipChange([.remove(VoterID(4))]).encoded)
    ])
    let decisions = Message.commit([
      .init(x, Value(World.command(1), deps())),
      .init(b, Value(Batch([Entry(.barrier)]), deps(x))),
    ])
    let last = Message.commit([.init(m, Value(change, deps(b)))])
    world.tell(decisions, from: 2, to: 1, 3)
    world.tell(decisions, from: 3, to: 2)
    world.tell(.executed(b, asks: false), from: 2, to: 1)
    // The change is decided, and not durably so, when enough have executed the barrier.
    world.with(VoterID(1)) { $0.receive(last, from: VoterID(2)) }
    world.with(VoterID(1)) { $0.receive(.executed(b, asks: false), from: VoterID(3)) }
    #expect(world[1].isForgotten(x) && world[1].membership.epoch == Epoch(0))
    if isRestated { world.compact(VoterID(1)) }
    let records = world.nodes[VoterID(1)]!.unsynced.flatMap(\.records)
    world.calm()
    #expect(world[1].membership.epoch == Epoch(1))
    world.tell(last, from: 2, to: 3)
    world.tell(last, from: 3, to: 2)
    let isLogged = records.contains { if case .truncated = $0 { true } else { false } }
    #expect(isLogged)
    world.restart(VoterID(1))
    world.crash(3)
    world.isHeldBack = { _ in false }
    let own = world.add(7, at: 1)
    let other = world.add(8, to: [5], at: 2)
    world.settle(600)
    #expect(world.completions[own]?.number != nil)
    #expect(world.completions[other]?.number != nil)
    #expect(world.problems == [])
  }

  // MARK: Under faults

  @Test(arguments: 1...16) func membersMayChangeWhileNodesCrash(_ seed: UInt64) {
    var world = World(3, seed: seed) { $0.barrierEvery = seed % 2 == 0 ? 20 : nil }
    world.loss = 5
    world.duplication = 10
    var next: UInt32 = 4
    for step in 0..<2400 {
      let members = world.membership
      let present = members.configuration.voters.filter { world.nodes[$0] != nil }
      let proposer = present[world.draw(present.count)].rawValue
      if step % 25 == 0 {
        world.add(Int32(step), to: [UInt8(world.draw(4))], at: proposer)
      }
      if step % 600 == 300 {
        let voters = members.configuration.voters
        let leaver = voters[world.draw(voters.count)]
        switch world.draw(3) {
        case 0 where voters.count < 5:
          world.propose(Self.change(.add(Self.joining(next))), at: proposer)
        case 1 where voters.count > 3:
          world.propose(Self.change(.remove(leaver)), at: proposer)
        default:
          // Its store is lost.
          let areAllUp = voters.allSatisfy { world.nodes[$0]?.isDown == false }
          if leaver.rawValue != proposer, areAllUp { world.crash(leaver.rawValue) }
          world.propose(Self.change(.replace(leaver, by: Self.joining(next))), at: proposer)
        }
        world.join(next)
        next += 1
      }
      world.step(crash: 4)
    }
    world.settle(6000)
    let members = world.membership.members.map(\.voter.rawValue).filter {
      world.nodes[VoterID($0)]?.isDown == false
    }
    #expect(members.count >= 2, "seed \(seed)")
    world.expectAgreement(members)
  }
}
