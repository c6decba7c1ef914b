import Synod
import Testing

@testable import CASPaxos

/// Traces in which a change of the voters, done otherwise, loses what was chosen (rules 42 and 43).
@Suite struct MembershipTraceTests {
  /// P prepares with X and A; X loses its disk; B and whoever takes X's place choose another value;
  /// P's accept arrives at last. A blank X under its old name would have let it through.
  @Test func aDelayedAcceptDoesNotOverwriteWhatWasChosenAfterADiskWasLost() throws {
    // A is 1, B is 2, X is 3, and P is 4, which only proposes.
    var world = MembersWorld()
    _ = world.result(.changeMembership(.add(address: "p", role: .proposer)), at: 1)
    world.start(4)
    world.run(1500)
    let early = world.propose(.change(.swap(0, for: 1)), at: 4)
    world.lose { $0.to == VoterID(2) }
    world.deliverAll { $0.message.kind != .accept }
    let held = world.letters.filter { $0.message.kind == .accept }
    #expect(held.count == 3 && world.ended[early] == nil)
    world.letters = []
    // Neither P nor X is heard of from here on.
    world.stop(3)
    let change = world.propose(.changeMembership(.replace(VoterID(3), address: "new")), at: 2)
    world.run(500, among: [1, 2])
    #expect(world.ended[change] != nil)
    world.start(5)
    world.run(8000, among: [1, 2, 5])
    #expect(world[2].membership.configuration.voters.map(\.rawValue) == [1, 2, 5])
    let late = world.propose(.change(.swap(0, for: 2)), at: 2)
    world.run(500, among: [2, 5])
    guard case .applied? = world.ended[late] else {
      Issue.record("\(String(describing: world.ended[late]))")
      return
    }
    world.letters = []
    for letter in held { world.receive(letter.message, at: letter.to.rawValue, from: 4) }
    #expect(world[1].acceptorState(of: "k")?.accepted.voter != VoterID(4))
    for voter: UInt32 in [1, 2, 5] { #expect(world.number(at: voter) == 2) }
  }

  /// Five voters. P prepares in epoch 0 at X, D and A; X loses its disk and is replaced; another value
  /// is chosen by voters of the new epoch; P's accept of epoch 0, delayed, is taken by D, which still
  /// is in that epoch. Though its counter is the higher, it outranks nothing.
  @Test func anAcceptOfAnOldEpochOutranksNothingThatTheNewOneWrote() throws {
    // A 1, B 2, C 3, D 4, X 5; P is 6, which only proposes, and whose counters are far ahead.
    var world = MembersWorld(5)
    _ = world.result(.changeMembership(.add(address: "p", role: .proposer)), at: 1)
    world.start(6)
    world.run(1500)
    // A read draws a counter, and leaves nothing behind.
    for _ in 0..<100 { _ = world.result(.read, key: "other", at: 6) }
    let stuck = world.propose(.change(.swap(0, for: 1)), at: 6)
    world.deliverAll {
      [1, 4, 5, 6].contains($0.from.rawValue) && [1, 4, 5, 6].contains($0.to.rawValue)
        && $0.message.kind != .accept
    }
    let delayed = world.letters.filter { $0.message.kind == .accept && $0.to == VoterID(4) }
    #expect(delayed.count == 1 && world.ended[stuck] == nil)
    world.letters = []
    // P and D hear nothing of what follows, and X is gone.
    world.stop(5)
    let change = world.propose(.changeMembership(.replace(VoterID(5), address: "new")), at: 2)
    world.run(500, among: [1, 2, 3])
    #expect(world.ended[change] != nil)
    world.start(7)
    world.run(8000, among: [1, 2, 3, 7])
    #expect(world[2].configuration.epoch == Epoch(2) && world[4].configuration.epoch == Epoch(0))
    let write = world.propose(.change(.swap(0, for: 2)), at: 2)
    world.run(1000, among: [2, 3, 7])
    guard case .applied? = world.ended[write] else {
      Issue.record("\(String(describing: world.ended[write]))")
      return
    }
    world.receive(delayed[0].message, at: 4, from: 6)
    #expect(world[4].acceptorState(of: "k")?.accepted.epoch == Epoch(0))
    world.letters = []
    // D comes back among them, and whoever asks meets its vote.
    for voter: UInt32 in [1, 2, 4] {
      let read = world.propose(.barrierRead, at: voter)
      world.run(1000, among: [1, 2, 4])
      guard case .read(let register)? = world.ended[read] else {
        Issue.record("no read at \(voter)")
        continue
      }
      #expect(register.number == 2)
    }
    #expect(world[4].configuration.epoch == Epoch(2))
  }

  /// A page counts only from a voter that has adopted the joint epoch: one that has not may still
  /// accept, in the old epoch, what its page does not show.
  @Test func pagesCountOnlyFromVotersThatHaveAdoptedTheEpoch() throws {
    var world = MembersWorld()
    _ = world.result(.changeMembership(.add(address: "four", role: .voter)), at: 1)
    world.start(4)
    // Voter 3 hears of nothing; the others become a joint epoch's.
    world.run(1200, among: [1, 2, 4])
    #expect(world[1].configuration.isJoint || world[1].configuration.epoch == Epoch(2))
    var stale = MembersWorld()
    let list = Message(
      .list, slot: 0, ballot: Ballot(epoch: Epoch(1), counter: 9, voter: VoterID(1)),
      state: RegisterState(value: KeyPage.Request(after: nil, limit: 10).encoded))
    stale.letters = []
    stale.receive(list, at: 2, from: 1)
    #expect(stale.letters.map(\.message.kind) == [.behind])
  }

  @Test func aChangeThatIsRolledBackLeavesTheOldVotersAndRetiresTheNewOne() throws {
    var world = MembersWorld()
    #expect(world.result(.change(.add(3)), at: 1) != nil)
    _ = world.result(.changeMembership(.add(address: "four", role: .voter)), at: 1)
    world.start(4)
    // It is promoted; then nothing of the transfer arrives.
    for _ in 0..<400 where !world[1].configuration.isJoint {
      world.pass(10)
      world.deliverAll()
    }
    #expect(world[1].configuration.isJoint)
    let back = world.propose(.changeMembership(.rollback(of: Epoch(1))), at: 2)
    world.run(200)
    let members = AdoptionTests.members(world.ended[back]) ?? world[2].membership
    world.run(3000)
    if members.configuration.voters.count == 3 {
      #expect(world[4].standing == .retired)
      #expect(world.result(.read, at: 4) == .notApplied(.abandoned(.notAMember)))
      try world.restart(4)
      #expect(world[4].standing == .retired)
    }
    #expect(world.number(at: 3) == 3)
  }

  /// A store that left does not vote again, not even where a membership names it.
  @Test func aRetiredVoterNeverVotesAgain() throws {
    var world = MembersWorld()
    _ = world.result(.changeMembership(.remove(VoterID(3))), at: 1)
    world.run(6000)
    #expect(world[3].standing == .retired && world[1].configuration.voters.count == 2)
    var members = world[1].membership
    members.revision += 2
    members.configuration = try Configuration(
      epoch: Epoch(9), voters: (1...3).map { VoterID($0) })
    members.members = (1...3).map { Member(voter: VoterID($0), role: .voter) }
    var message = Message(
      .configuration, slot: 0,
      ballot: Ballot(epoch: Epoch(9), counter: members.revision + 1, voter: VoterID(1)))
    message.state.value = members.encoded
    for _ in 0..<2 {
      world.receive(message, at: 3, from: 1)
      #expect(world[3].standing == .retired)
      world.lose()
      let prepare = Message(
        .prepare, slot: 0, ballot: Ballot(epoch: Epoch(9), counter: 5, voter: VoterID(1)),
        key: "k")
      world.receive(prepare, at: 3, from: 1)
      #expect(world.letters.filter { $0.from == VoterID(3) && $0.message.kind == .promise } == [])
      try world.restart(3)
    }
  }

  @Test func aTransferGoesOnAfterItsDriverCrashed() throws {
    var world = MembersWorld { $0.takeOverAfter = 1 << 30 }
    for key in 0..<40 { _ = world.result(.change(.add(key + 1)), key: Bytes("k\(key)"), at: 1) }
    let change = world.propose(.changeMembership(.remove(VoterID(3))), at: 1)
    while !world[1].configuration.isJoint { world.run(10) }
    #expect(world.ended[change] != nil)
    // The record of the pieces that are done is durable before the driver crashes.
    for _ in 0..<200
    where world[1].core.members.resumeAt == nil && world[1].configuration.isJoint {
      world.run(10)
    }
    try world.restart(1)
    world.run(3000)
    #expect(world[1].configuration.epoch == Epoch(2))
    for key in 0..<40 { #expect(world.number(Bytes("k\(key)"), at: 2) == key + 1) }
  }

  @Test func anotherVoterTakesOverWhereTheDriverIsGone() throws {
    var world = MembersWorld(5)
    for key in 0..<20 { _ = world.result(.change(.add(key + 1)), key: Bytes("k\(key)"), at: 1) }
    let change = world.propose(.changeMembership(.remove(VoterID(5))), at: 4)
    for _ in 0..<100 where world.ended[change] == nil {
      world.pass(1)
      world.deliverAll { $0.message.kind != .list && $0.message.kind != .page }
    }
    #expect(world[4].configuration.isJoint)
    world.stop(4)
    world.lose { $0.to == VoterID(4) }
    world.run(12_000, step: 20)
    #expect(world[1].configuration.epoch == Epoch(2))
    #expect(world[1].configuration.voters.map(\.rawValue) == [1, 2, 3, 4])
    for key in 0..<20 { #expect(world.number(Bytes("k\(key)"), at: 2) == key + 1) }
  }

  /// Every register that was written before is held by an accept quorum of the new voters alone.
  @Test func theTransferCoversEveryRegister() throws {
    var world = MembersWorld(2)
    let keys = (0..<300).map { Bytes("key\($0)") }
    for key in keys { _ = world.result(.change(.add(7)), key: key, at: 1) }
    for new: UInt32 in 3...5 {
      _ = world.result(.changeMembership(.add(address: Bytes("\(new)"), role: .voter)), at: 1)
      world.start(new)
      for _ in 0..<400
      where world[1].configuration.voters.count < Int(new) || world[1].configuration.isJoint {
        world.run(20)
      }
    }
    for old: UInt32 in 1...2 {
      _ = world.result(.changeMembership(.remove(VoterID(old))), at: 5)
      for _ in 0..<400 where world[5].configuration.place(of: VoterID(old)) != nil {
        world.run(20)
      }
    }
    #expect(world[5].configuration.voters.map(\.rawValue) == [3, 4, 5])
    world.stop(1)
    world.stop(2)
    for key in keys { #expect(world.number(key, at: 4) == 7) }
  }
}
