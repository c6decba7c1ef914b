import Synod
import Testing

@testable import CASPaxos

/// The register of the members: its guard, and how nodes come to know what it decided (rule 42).
@Suite struct AdoptionTests {
  static func members(_ outcome: Outcome<Counter>?) -> Membership? {
    if case .membership(let members)? = outcome { members } else { nil }
  }

  /// Voter 3 must answer, or voter 1 would not be removed.
  static func isPreparing(_ message: Message) -> Bool {
    message.kind == .prepare || message.kind == .promise
  }

  @Test func clientsHaveNoReservedKeys() {
    var world = MembersWorld()
    for operation in [Operation<Counter>.change(.add(1)), .read, .barrierRead] {
      let outcome = world.result(operation, key: Membership.key, at: 1)
      #expect(outcome == .notApplied(.reserved))
    }
    #expect(world.result(.change(.add(1)), key: "\0synod", at: 1) != nil)
    #expect(world[1].acceptorState(of: Membership.key) == nil)
  }

  @Test func aRegisterThatWasNeverWrittenStandsForTheInitialVoters() throws {
    var world = MembersWorld()
    let members = try #require(Self.members(world.result(.membership, at: 2)))
    #expect(members == Membership(world[2].settings.configuration))
    #expect(world[2].standing == .voter && world.nodes[VoterID(2)]?.effects == [])
  }

  @Test func whatIsDecidedIsAdoptedByEveryoneAndMadeDurable() throws {
    var world = MembersWorld()
    let change = Operation<Counter>.changeMembership(.add(address: "four", role: .proposer))
    let members = try #require(Self.members(world.result(change, at: 1)))
    #expect(members.revision == 1 && members.standing(of: VoterID(4)) == .proposer)
    world.run(20)
    for voter: UInt32 in 1...3 {
      #expect(world[voter].membership == members)
      #expect(world.nodes[VoterID(voter)]?.effects == [.membership(members)])
      #expect(
        world.nodes[VoterID(voter)]?.durable.contains(.membership(members, isRetired: false))
          == true)
    }
    world.start(4)
    #expect(world[4].standing == .stranger)
    #expect(world.result(.read, at: 4) == .notApplied(.abandoned(.notAMember)))
    world.run(1500)
    #expect(world[4].membership == members && world[4].standing == .proposer)
    #expect(world.result(.change(.add(5)), at: 4) != nil && world.number(at: 1) == 5)
    try world.restart(2)
    world.run(20)
    #expect(world[2].membership == members)
    #expect(world.nodes[VoterID(2)]?.effects == [.membership(members), .membership(members)])
  }

  /// Nobody refuses it for an older revision of the epoch, so it has to ask.
  @Test func aVoterThatMissedARevisionWithinItsEpochLearnsIt() throws {
    var world = MembersWorld()
    let change = Operation<Counter>.changeMembership(.add(address: "four", role: .proposer))
    let id = world.propose(change, at: 1)
    world.run(100, among: [1, 2])
    world.lose()
    let members = try #require(Self.members(world.ended[id]))
    #expect(world[2].membership == members && world[3].membership.revision == 0)
    world.run(5000)
    #expect(world[3].membership == members)
    // Also where its life begins anew.
    world.stop(3)
    let next = world.propose(.changeMembership(.remove(VoterID(4))), at: 1)
    world.run(100, among: [1, 2])
    #expect(Self.members(world.ended[next]) != nil)
    world.lose()
    try world.restart(3)
    world.run(1500)
    #expect(world[3].membership.revision == 2)
  }

  /// Nobody writes or reads anything, and those that it knows are gone: it is asked by those that it
  /// does not know.
  @Test(arguments: [Member.Role.voter, .proposer, .observer])
  func whoWasAwayLearnsOfAChangeWithoutAnyTraffic(_ role: Member.Role) throws {
    var world = MembersWorld(role == .voter ? 3 : 2)
    let away: UInt32 = 3
    if role != .voter {
      _ = world.result(.changeMembership(.add(address: "away", role: role)), at: 1)
      world.start(away)
      world.run(2000)
    }
    #expect(world[away].membership == world[1].membership)
    world.stop(away)
    let first = role == .voter ? away + 1 : 4
    for (old, new) in [(1, first), (2, first + 1)] as [(UInt32, UInt32)] {
      let driver: UInt32 = old == 1 ? 2 : 4
      // A voter more, for without the one that is away the others hold no quorum to replace with.
      _ = world.result(
        .changeMembership(.add(address: Bytes("new \(new)"), role: .voter)), at: driver)
      world.start(new)
      world.run(8000)
      #expect(world[driver].configuration.voters.contains(VoterID(new)))
      _ = world.result(.changeMembership(.remove(VoterID(old))), at: driver)
      world.run(8000)
      #expect(!world[driver].configuration.voters.contains(VoterID(old)))
      world.stop(old)
    }
    world.lose()
    try world.restart(away)
    #expect(world[away].membership.revision < world[first].membership.revision)
    world.run(4 * world[away].settings.askAfter + 100)
    #expect(world[away].membership == world[first].membership)
    let standing: Standing =
      switch role {
      case .voter, .learner: .voter
      case .proposer: .proposer
      case .observer: .observer
      }
    #expect(world[away].standing == standing)
  }

  /// It would be made a voter of a change that it does not know after a restart.
  @Test func aLearnerSaysWhatItKnowsOnceThatIsDurable() throws {
    var world = MembersWorld()
    _ = world.result(.changeMembership(.add(address: "four", role: .voter)), at: 1)
    world.start(4)
    world.setStuck(true, 4)
    world.run(4000)
    #expect(world[4].membership.revision == 1 && world[4].standing == .learner)
    #expect(world[1].membership.revision == 1)
    world.setStuck(false, 4)
    world.run(4000)
    #expect(world[4].standing == .voter && !world[1].configuration.isJoint)
  }

  @Test func anEffectWaitsUntilTheMembershipIsDurable() {
    var world = MembersWorld()
    world.setStuck(true, 3)
    _ = world.result(.changeMembership(.add(address: "x", role: .observer)), at: 1)
    world.run(20)
    #expect(world[3].membership.revision == 1)
    #expect(world.nodes[VoterID(3)]?.effects == [])
    world.setStuck(false, 3)
    #expect(world.nodes[VoterID(3)]?.effects == [.membership(world[3].membership)])
  }

  @Test func aRefusedChangeIsAnObservation() {
    var world = MembersWorld()
    #expect(
      world.result(.changeMembership(.remove(VoterID(9))), at: 1)
        == .notApplied(.refused(.unknown(VoterID(9)))))
    #expect(
      world.result(.changeMembership(.rollback(of: Epoch(0))), at: 2)
        == .notApplied(.refused(.nothingUnderWay)))
  }

  /// Without the guard two proposers of epoch 0 would make two configurations, both numbered 1.
  @Test func twoChangesFromOneEpochMakeOneConfiguration() throws {
    for first: UInt32 in 1...2 {
      var world = MembersWorld()
      let one = world.propose(.changeMembership(.remove(VoterID(1))), at: 1)
      let two = world.propose(.changeMembership(.remove(VoterID(2))), at: 2)
      // One of them gets ahead as far as an accept that only its own store holds.
      world.deliverAll { letter in
        letter.message.kind != .accept
          && (letter.from == VoterID(first) || letter.to == VoterID(first))
          && letter.from != VoterID(3 - first) && letter.to != VoterID(3 - first)
      }
      world.run(2000)
      let ends = [one, two].map { world.ended[$0] }
      let decided = ends.compactMap(Self.members)
      #expect(decided.count == 1, "\(ends)")
      #expect(ends.contains { $0 == .notApplied(.refused(.underWay(Epoch(1)))) })
      #expect(Set((1...3).map { world[$0].membership }).count == 1)
    }
  }

  /// A base of the next epoch is not changed in a round of this one, even where it is not decided yet:
  /// it is written back, adopted, and only then changed.
  @Test func aBaseOfAHigherEpochIsWrittenBackBeforeItIsChanged() throws {
    var world = MembersWorld()
    let one = world.propose(.changeMembership(.remove(VoterID(1))), at: 1)
    // Its accept reaches voter 2 alone, and the answer is lost: decided, and nobody knows.
    world.deliverAll { $0.to == VoterID(2) || Self.isPreparing($0.message) }
    world.lose()
    world.stop(1)
    #expect(world.ended[one] == nil)
    #expect(world[2].acceptorState(of: Membership.key)?.state.value != nil)
    #expect(world[2].configuration.epoch == Epoch(0))
    let two = world.propose(.changeMembership(.rollback(of: Epoch(1))), at: 3)
    world.run(3000)
    let members = try #require(Self.members(world.ended[two]))
    // Epoch 1 was adopted in between, in which the rollback to epoch 2 was decided.
    #expect(members.configuration.epoch == Epoch(2) && members.revision == 2)
    #expect(members.configuration.voters.map(\.rawValue) == [1, 2, 3])
    #expect(world[3].configuration.epoch == Epoch(2))
  }

  /// Whoever proposed it may be gone: those that accepted it look into it by themselves.
  @Test func aMembershipThatWasAcceptedIsSettledByThoseThatHoldIt() {
    var world = MembersWorld()
    world.propose(.changeMembership(.remove(VoterID(1))), at: 1)
    world.deliverAll { $0.to == VoterID(2) || Self.isPreparing($0.message) }
    world.lose()
    world.stop(1)
    world.run(1000)
    #expect(world[2].configuration.epoch == Epoch(1))
    #expect(world[3].configuration.epoch == Epoch(1))
  }

  @Test func oneThatHeldAnUndecidedMembershipLooksIntoItAfterARestart() throws {
    var world = MembersWorld()
    world.propose(.changeMembership(.remove(VoterID(1))), at: 1)
    world.deliverAll { $0.to == VoterID(2) || Self.isPreparing($0.message) }
    world.lose()
    world.stop(1)
    try world.restart(2)
    world.run(1000)
    #expect(world[2].configuration.epoch == Epoch(1))
  }

  @Test func roundsUnderWayBeginAnewInTheNewEpoch() throws {
    var world = MembersWorld()
    #expect(world.result(.change(.add(1)), at: 2) != nil)
    // One is preparing, one has its accept under way, when the epoch changes.
    let preparing = world.propose(.change(.add(10)), key: "a", at: 2)
    let accepting = world.propose(.change(.add(100)), key: "b", at: 2)
    world.deliverAll { $0.message.key == "b" && $0.message.kind == .prepare }
    world.deliverAll { $0.message.kind == .promise }
    let old = world.letters
    #expect(old.contains { $0.message.kind == .accept })
    world.letters = []
    #expect(Self.members(world.result(.changeMembership(.remove(VoterID(3))), at: 1)) != nil)
    world.run(2000)
    #expect(world[2].configuration.epoch >= Epoch(1))
    for id in [preparing, accepting] {
      guard case .applied? = world.ended[id] else {
        Issue.record("\(String(describing: world.ended[id]))")
        continue
      }
    }
    // What is left of the old epoch counts for nothing now.
    world.letters = old
    world.deliverAll()
    #expect(world.number("a", at: 1) == 10 && world.number("b", at: 1) == 100)
  }

  @Test func aPartitionedOldProposerIsFenced() throws {
    var world = MembersWorld(5)
    #expect(world.result(.change(.add(1)), at: 3) != nil)
    let write = world.propose(.change(.add(10)), at: 3)
    let before = world.letters
    world.letters = []
    let change = world.propose(.changeMembership(.remove(VoterID(5))), at: 1)
    world.run(1000, among: [1, 2, 4, 5])
    #expect(Self.members(world.ended[change]) != nil)
    #expect(world[1].configuration.epoch == Epoch(2) && world[3].configuration.epoch == Epoch(0))
    // Nobody votes for it; it is told why, and goes on in the epoch there is.
    world.letters = before
    world.deliverAll { $0.from == VoterID(3) }
    for voter: UInt32 in [1, 2, 4] {
      #expect(world[voter].acceptorState(of: "k")?.promised.epoch == Epoch(1))
    }
    world.run(1000)
    #expect(world[3].configuration.epoch == Epoch(2) && world.number(at: 1) == 11)
    guard case .applied? = world.ended[write] else {
      Issue.record("the write did not go on")
      return
    }
  }
}
