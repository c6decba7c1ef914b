import Synod
import Testing

@testable import CASPaxos

/// Who carries a change of the voters out, and who takes over.
@Suite struct DriverTests {
  /// A driver that is cut off from those that it needs may say for ever how far it is.
  @Test func aDriverThatDoesNotGetOnIsTakenOverFrom() throws {
    var world = MembersWorld(5)
    for key in 0..<10 { _ = world.result(.change(.add(key + 1)), key: Bytes("k\(key)"), at: 1) }
    let change = world.propose(.changeMembership(.remove(VoterID(5))), at: 1)
    while world.ended[change] == nil { world.run(10) }
    for _ in 0..<50 where (2...4).contains(where: { !world[$0].configuration.isJoint }) {
      world.deliverAll { $0.message.kind == .configuration }
      world.pass(1)
    }
    #expect(world[2].configuration.isJoint && world[4].configuration.isJoint)
    world.lose()
    world.stop(1)
    let stuck = world[1].core.membersMessage(isDriven: true)
    for _ in 0..<60 where world[2].configuration.epoch == Epoch(1) {
      for voter: UInt32 in 2...4 { world.receive(stuck, at: voter, from: 1) }
      world.run(400, among: [2, 3, 4, 5])
    }
    #expect(world[2].configuration.epoch == Epoch(2))
    for key in 0..<10 { #expect(world.number(Bytes("k\(key)"), at: 2) == key + 1) }
  }

  @Test func aDriverTellsHowFarItIsWhateverItWaitsFor() throws {
    var world = MembersWorld()
    _ = world.result(.change(.add(1)), at: 1)
    let change = world.propose(.changeMembership(.remove(VoterID(3))), at: 1)
    while world.ended[change] == nil { world.run(10) }
    #expect(world[1].configuration.isJoint)
    var told = 0
    for _ in 0..<300 {
      world.pass(10)
      told += world.letters.count {
        $0.to == VoterID(2) && $0.message.slot > 0
          && $0.message.kind == .configuration
      }
      world.lose()
    }
    #expect(told >= 5 && world[1].configuration.isJoint)
  }

  /// What cannot be read was written by somebody: it is not replaced by what was in the beginning.
  @Test func aValueThatIsNoMembershipIsNotTakenForOneThatWasNeverWritten() throws {
    let initial = Membership(Settings.test(1).configuration)
    let ballot = Ballot(epoch: Epoch(0), counter: 3, voter: VoterID(1))
    for (value, wrote) in [(Bytes("no membership"), false), (nil, true)] as [(Bytes?, Bool)] {
      var fold = Fold<Counter>()
      fold.folded = [
        Fold.Pending(
          from: .client(ProposalID(1)),
          work: .errand(.reconfigure(.change(.remove(VoterID(3))))), deadline: nil)
      ]
      let run = fold.runOnMembers(
        on: RegisterState(value: value), at: ballot, blank: initial, answering: nil)
      #expect(run.wrote == wrote && (run.state.value == value) != wrote)
    }
  }
}
