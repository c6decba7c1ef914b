import Synod
import Testing

@testable import CASPaxos

/// What the steps make of a membership.
@Suite struct MembershipValueTests {
  static func initial(_ voters: Int = 3, _ quorums: QuorumSystem? = nil) -> Membership {
    let voters = (1...UInt32(voters)).map { VoterID($0) }
    return Membership(
      try! Configuration(epoch: Epoch(0), voters: voters, quorums: quorums),
      addresses: [VoterID(1): "one"])
  }

  static func quorums(_ voters: Int, _ prepare: Int, _ accept: Int) -> QuorumSystem {
    try! QuorumSystem(voters: voters, prepare: prepare, accept: accept)
  }

  func voters(_ membership: Membership) -> [UInt32] {
    membership.configuration.voters.map(\.rawValue)
  }

  func refusal(_ step: MembershipStep, of membership: Membership) -> MembershipRefusal? {
    do throws(MembershipRefusal) {
      _ = try membership.after(step)
      return nil
    } catch {
      return error
    }
  }

  /// Behind a change before which something was collected.
  static func concluded(_ floor: Ballot) -> Membership {
    let joint = try! initial().after(.change(.add(address: "four", role: .voter)))
      .after(.promote(VoterID(4)))
    return try! joint.after(.conclude(Epoch(1), floor: floor))
  }

  /// What was collected is not forgotten by those that come later.
  @Test func whatWasCollectedIsKeptThroughLaterChanges() throws {
    let first = Self.concluded(b(8, 2))
    #expect(first.collected == b(8, 2))
    let joint = try first.after(.change(.remove(VoterID(1))))
    #expect(joint.collected == b(8, 2))
    #expect(try joint.after(.change(.rollback(of: Epoch(3)))).collected == b(8, 2))
    #expect(try joint.after(.conclude(Epoch(3), floor: b(5, 1))).collected == b(8, 2))
    #expect(try joint.after(.conclude(Epoch(3), floor: b(9, 1))).collected == b(9, 1))
    #expect(first.encoded != Self.concluded(.zero).encoded)
  }

  @Test func aVoterIsALearnerFirstThenJointThenAlone() throws {
    let first = Self.initial()
    #expect(first.revision == 0 && first.nextVoter == VoterID(4))
    let learner = try first.after(.change(.add(address: "four", role: .voter)))
    #expect(learner.revision == 1 && learner.configuration == first.configuration)
    #expect(learner.standing(of: VoterID(4)) == .learner && learner.nextVoter == VoterID(5))
    let joint = try learner.after(.promote(VoterID(4)))
    #expect(joint.configuration.epoch == Epoch(1) && joint.configuration.isJoint)
    #expect(voters(joint) == [1, 2, 3, 4] && joint.standing(of: VoterID(4)) == .voter)
    let after = try joint.after(.conclude(Epoch(1), floor: .zero))
    #expect(after.configuration.epoch == Epoch(2) && !after.configuration.isJoint)
    #expect(voters(after) == [1, 2, 3, 4] && after.revision == 3)
    #expect(after.configuration.component.quorums == QuorumSystem(majorityOf: 4))
  }

  @Test func whoWasToJoinAChangeThatIsRolledBackIsRetired() throws {
    let joint = try Self.initial().after(.change(.add(address: "four", role: .voter)))
      .after(.promote(VoterID(4)))
    let back = try joint.after(.change(.rollback(of: joint.configuration.epoch)))
    #expect(voters(back) == [1, 2, 3] && back.configuration.epoch == Epoch(2))
    #expect(back.standing(of: VoterID(4)) == .retired && back.nextVoter == VoterID(5))
    let again = try back.after(.change(.add(address: "four", role: .voter)))
    #expect(again.standing(of: VoterID(4)) == .retired)
    #expect(again.standing(of: VoterID(5)) == .learner)
  }

  @Test func aVoterThatIsRemovedIsRetiredWhenTheOthersGoOnAlone() throws {
    let joint = try Self.initial().after(.change(.remove(VoterID(2))))
    #expect(joint.standing(of: VoterID(2)) == .voter)
    let after = try joint.after(.conclude(Epoch(1), floor: .zero))
    #expect(voters(after) == [1, 3] && after.standing(of: VoterID(2)) == .retired)
    let kept = try joint.after(.change(.rollback(of: joint.configuration.epoch)))
    #expect(voters(kept) == [1, 2, 3] && kept.standing(of: VoterID(2)) == .voter)
  }

  @Test func aReplacedVoterGoesAsTheLearnerComes() throws {
    let learner = try Self.initial().after(.change(.replace(VoterID(1), address: "one")))
    #expect(learner.member(VoterID(4))?.replaces == VoterID(1))
    let joint = try learner.after(.promote(VoterID(4)))
    #expect(joint.configuration.component.voters.map(\.rawValue) == [1, 2, 3])
    #expect(joint.configuration.incoming?.voters.map(\.rawValue) == [2, 3, 4])
    let after = try joint.after(.conclude(Epoch(1), floor: .zero))
    #expect(voters(after) == [2, 3, 4] && after.standing(of: VoterID(1)) == .retired)
  }

  @Test func whatDoesNotTouchTheVotersStaysInItsEpoch() throws {
    var members = Self.initial()
    let store = StoreID(Identity128(high: 1, low: 2))
    let steps: [MembershipChange] = [
      .add(address: "gate", role: .proposer), .add(address: "eye", role: .observer),
      .setAddress(VoterID(2), "two"), .pin(VoterID(2), store), .remove(VoterID(4)),
    ]
    for (index, change) in steps.enumerated() {
      members = try members.after(.change(change))
      #expect(members.configuration.epoch == Epoch(0))
      #expect(members.revision == UInt64(index) + 1)
    }
    #expect(members.member(VoterID(2))?.address == "two")
    #expect(members.member(VoterID(2))?.store == store)
    #expect(members.standing(of: VoterID(4)) == .retired)
    #expect(members.standing(of: VoterID(5)) == .observer)
    // What is so already is not written again.
    #expect(try members.after(.change(.pin(VoterID(2), store))) == members)
  }

  @Test func impossibleStepsAreRefusedWithASentence() throws {
    let three = Self.initial()
    let learner = try three.after(.change(.add(address: "four", role: .learner)))
    let joint = try learner.after(.promote(VoterID(4)))
    let store = StoreID(Identity128(high: 1, low: 2))
    let pinned = try three.after(.change(.pin(VoterID(1), store)))
    var full = three
    for count in 0..<(Membership.maxMembers - 3) {
      full = try full.after(.change(.add(address: Bytes("\(count)"), role: .observer)))
    }
    let table: [(MembershipStep, Membership, MembershipRefusal)] = [
      (.change(.remove(VoterID(1))), joint, .underWay(Epoch(1))),
      (.change(.add(address: "x", role: .voter)), joint, .underWay(Epoch(1))),
      (.change(.replace(VoterID(1), address: "x")), joint, .underWay(Epoch(1))),
      (.promote(VoterID(4)), joint, .wrongRole(VoterID(4), .voter)),
      (.change(.rollback(of: Epoch(0))), three, .nothingUnderWay),
      // Of an earlier change, late or sent again.
      (.change(.rollback(of: Epoch(0))), joint, .overtaken(Epoch(1))),
      (.conclude(Epoch(0), floor: .zero), three, .nothingUnderWay),
      (.conclude(Epoch(0), floor: .zero), joint, .overtaken(Epoch(1))),
      (.change(.remove(VoterID(9))), three, .unknown(VoterID(9))),
      (.change(.replace(VoterID(4), address: "x")), learner, .wrongRole(VoterID(4), .learner)),
      (.change(.remove(VoterID(1))), Self.initial(1), .voterCount(0, limit: 7)),
      (.change(.add(address: "x", role: .voter)), Self.initial(7), .voterCount(8, limit: 7)),
      (.change(.add(address: "x", role: .observer)), full, .tooManyMembers(limit: 32)),
      (
        .change(.replace(VoterID(1), address: "x")), Self.initial(1),
        .othersHoldNoQuorum(without: VoterID(1))
      ),
      (
        .change(.replace(VoterID(1), address: "x")), Self.initial(2),
        .othersHoldNoQuorum(without: VoterID(1))
      ),
      (
        .change(.replace(VoterID(1), address: "x")), Self.initial(3, Self.quorums(3, 3, 1)),
        .othersHoldNoQuorum(without: VoterID(1))
      ),
      (.change(.add(address: "one", role: .voter)), three, .addressTaken(by: VoterID(1))),
      (.change(.setAddress(VoterID(2), "one")), three, .addressTaken(by: VoterID(1))),
      (
        .change(.setAddress(VoterID(2), Bytes(String(repeating: "x", count: 257)))), three,
        .addressTooLong(257, limit: 256)
      ),
      (
        .change(.pin(VoterID(1), StoreID(Identity128(high: 1, low: 3)))), pinned,
        .pinned(VoterID(1))
      ),
    ]
    for (step, membership, why) in table {
      #expect(refusal(step, of: membership) == why)
      #expect(why.description.count >= 20)
    }
  }

  @Test func aLostVoterIsReplacedOnce() throws {
    let learner = try Self.initial().after(.change(.replace(VoterID(1), address: "x")))
    #expect(
      refusal(.change(.replace(VoterID(1), address: "y")), of: learner)
        == .addressTaken(by: VoterID(4)))
  }

  @Test func quorumsAreScaledWithTheVoters() {
    #expect(QuorumSystem(majorityOf: 4).scaled(to: 5) == QuorumSystem(majorityOf: 5))
    #expect(Self.quorums(4, 2, 3).scaled(to: 5) == Self.quorums(5, 3, 3))
    #expect(Self.quorums(3, 3, 1).scaled(to: 4) == Self.quorums(4, 4, 1))
    #expect(Self.quorums(3, 1, 3).scaled(to: 2) == Self.quorums(2, 1, 2))
    for voters in 1...7 {
      for prepare in 1...voters {
        for accept in (voters + 1 - prepare)...voters {
          for next in 1...7 {
            let scaled = Self.quorums(voters, prepare, accept).scaled(to: next)
            #expect(scaled.voters == next && scaled.prepare + scaled.accept > next)
          }
        }
      }
    }
  }

  @Test func aMembershipSurvivesItsBytes() throws {
    var members = Self.initial()
    members = try members.after(.change(.pin(VoterID(3), StoreID(Identity128(high: 7, low: 8)))))
    members = try members.after(.change(.replace(VoterID(2), address: "new")))
    #expect(try Membership(members.encoded) == members)
    let joint = try members.after(.promote(VoterID(4)))
    #expect(try Membership(joint.encoded) == joint)
    for count in 0..<joint.encoded.count {
      #expect(throws: CodingError.self) { try Membership(joint.encoded[0..<count]) }
    }
  }

  @Test func hostileBytesAreRefused() throws {
    let bytes = Self.initial().encoded.array
    for place in bytes.indices {
      for value: UInt8 in [0, 1, 0x7f, 0x80, 0xff] {
        var damaged = bytes
        damaged[place] = value
        // Another membership or none, and no trap, also in what follows from it.
        guard let other = try? Membership(Bytes(damaged)) else { continue }
        _ = try? other.after(.change(.add(address: "x", role: .voter)))
          .after(.promote(other.nextVoter)).after(.change(.rollback(of: Epoch(1))))
      }
    }
  }
}

extension Membership {
  /// One written once, in that epoch.
  func inEpoch(_ configuration: Configuration) -> Membership {
    var membership = self
    membership.revision = 1
    membership.configuration = configuration
    return membership
  }
}
