import Synod
import Testing

@Suite struct BallotTests {
  func ballot(_ epoch: UInt32, _ counter: UInt64, _ voter: UInt32) -> Ballot {
    Ballot(epoch: Epoch(epoch), counter: counter, voter: VoterID(voter))
  }

  @Test func epochComesFirstThenCounterThenVoter() {
    let ascending = [
      Ballot.zero, ballot(0, 0, 1), ballot(0, 1, 1), ballot(0, 1, 2), ballot(0, 2, 1),
      ballot(0, .max, 9), ballot(1, 0, 0), ballot(1, 1, 1), ballot(2, 0, 3),
    ]
    for (i, a) in ascending.enumerated() {
      for (j, b) in ascending.enumerated() {
        #expect((a < b) == (i < j))
        #expect((a == b) == (i == j))
      }
    }
  }

  @Test func zeroIsBelowEveryRealBallot() {
    #expect(Ballot.zero.isZero)
    #expect(!ballot(0, 1, 1).isZero)
    #expect(Ballot.zero < ballot(0, 1, 1))
    #expect("\(Ballot.zero)" == "-" && "\(ballot(1, 2, 3))" == "1.2.3")
  }

  @Test func itsFormIsSixteenBytesAndComesBack() throws {
    let one = ballot(7, 1 << 55, 3)
    var writer = ByteWriter()
    one.encode(into: &writer)
    let bytes = writer.finish()
    #expect(bytes.count == Ballot.encodedSize)
    var reader = ByteReader(bytes)
    #expect(try Ballot(from: &reader) == one)
    for length in 0..<bytes.count {
      var reader = ByteReader(bytes[0..<length])
      #expect(throws: CodingError.truncated) { try Ballot(from: &reader) }
    }
  }

  @Test func aCounterOverItsLimitIsNotRead() {
    for counter in [Ballot.counterLimit + 1, .max] {
      var writer = ByteWriter()
      ballot(0, counter, 1).encode(into: &writer)
      var reader = ByteReader(writer.finish())
      #expect(throws: CodingError.self) { try Ballot(from: &reader) }
    }
    var writer = ByteWriter()
    ballot(0, Ballot.counterLimit, 1).encode(into: &writer)
    var reader = ByteReader(writer.finish())
    #expect(throws: Never.self) { try Ballot(from: &reader) }
  }
}

@Suite struct QuorumTests {
  @Test func majoritiesMeet() {
    for voters in 1...QuorumSystem.maxVoters {
      let quorums = QuorumSystem(majorityOf: voters)
      #expect(quorums.prepare == voters / 2 + 1 && quorums.accept == voters / 2 + 1)
      #expect(quorums.prepare + quorums.accept > voters)
    }
  }

  @Test func exactlyTheQuorumsThatMeetAreAllowed() {
    for voters in 1...6 {
      for prepare in -1...7 {
        for accept in -1...7 {
          let legal =
            (1...voters).contains(prepare) && (1...voters).contains(accept)
            && prepare + accept > voters
          let made = try? QuorumSystem(voters: voters, prepare: prepare, accept: accept)
          #expect((made != nil) == legal)
        }
      }
    }
    #expect(throws: QuorumError.doNotIntersect(prepare: 2, accept: 2, voters: 4)) {
      try QuorumSystem(voters: 4, prepare: 2, accept: 2)
    }
    #expect(throws: QuorumError.voterCount(0, limit: 64)) {
      try QuorumSystem(voters: 0, prepare: 0, accept: 0)
    }
    #expect(throws: QuorumError.voterCount(65, limit: 64)) {
      try QuorumSystem(voters: 65, prepare: 33, accept: 33)
    }
  }

  @Test func aSetOfVotesCountsEachVoterOnce() throws {
    let quorums = try QuorumSystem(voters: 4, prepare: 2, accept: 3)
    var votes = VoteSet()
    #expect(votes.isEmpty)
    votes.insert(0)
    votes.insert(0)
    #expect(votes.count == 1 && !quorums.isPrepareQuorum(votes))
    votes.insert(63)
    #expect(votes.contains(63) && !votes.contains(1))
    #expect(quorums.isPrepareQuorum(votes) && !quorums.isAcceptQuorum(votes))
    votes.insert(2)
    #expect(quorums.isAcceptQuorum(votes))
    votes.remove(63)
    #expect(votes.count == 2 && !votes.contains(63))
  }
}

@Suite struct ConfigurationTests {
  @Test func votersAreInAscendingOrder() throws {
    let configuration = try Configuration(
      epoch: Epoch(2), voters: [VoterID(9), VoterID(1), VoterID(4)])
    #expect(configuration.voters == [VoterID(1), VoterID(4), VoterID(9)])
    #expect(configuration.place(of: VoterID(4)) == 1)
    #expect(configuration.place(of: VoterID(5)) == nil)
    #expect(configuration.component.quorums == QuorumSystem(majorityOf: 3))
  }

  @Test func nonsenseIsRefusedWithItsReason() throws {
    #expect(throws: QuorumError.notDistinct(VoterID(3))) {
      try Configuration(epoch: Epoch(0), voters: [VoterID(3), VoterID(1), VoterID(3)])
    }
    #expect(throws: QuorumError.nobody) {
      try Configuration(epoch: Epoch(0), voters: [VoterID(1), .none])
    }
    #expect(throws: QuorumError.voterCount(0, limit: 64)) {
      try Configuration(epoch: Epoch(0), voters: [])
    }
    let quorums = QuorumSystem(majorityOf: 5)
    #expect(throws: QuorumError.voterCount(5, limit: 3)) {
      try Configuration(
        epoch: Epoch(0), voters: (1...3).map { VoterID($0) }, quorums: quorums)
    }
  }

  @Test func aJointConfigurationNeedsAQuorumOfTheOldAndOfTheNew() throws {
    let old = try Configuration(epoch: Epoch(4), voters: (1...3).map { VoterID($0) })
    let joint = try old.joint(with: [2, 3, 4, 5, 6].map { VoterID($0) })
    #expect(joint.epoch == Epoch(5))
    #expect(joint.voters == (1...6).map { VoterID($0) })
    func votes(_ voters: Int...) -> VoteSet {
      var votes = VoteSet()
      for voter in voters { votes.insert(voter - 1) }
      return votes
    }
    for isQuorum in [joint.isPrepareQuorum, joint.isAcceptQuorum] {
      #expect(!isQuorum(votes(1, 2)), "of the old alone")
      #expect(!isQuorum(votes(4, 5, 6)), "of the new alone")
      #expect(!isQuorum(votes(1, 2, 4)))
      #expect(isQuorum(votes(2, 3, 4)), "those in both count twice")
      #expect(isQuorum(votes(1, 2, 4, 5)))
    }
    #expect(joint.concluded().voters == (2...6).map { VoterID($0) })
    #expect(joint.concluded(rolledBack: true).voters == old.voters)
    #expect(joint.concluded().epoch == Epoch(6))
    #expect(!joint.concluded().isPrepareQuorum(votes(1, 2)), "places are those of the new")
    #expect(joint.concluded().isPrepareQuorum(votes(1, 2, 3)))
  }

  @Test func aJointConfigurationSurvivesItsBytes() throws {
    let joint = try Configuration(epoch: Epoch(1), voters: (1...4).map { VoterID($0) })
      .joint(
        with: (3...5).map { VoterID($0) },
        quorums: QuorumSystem(voters: 3, prepare: 3, accept: 1))
    let bytes = encoded(joint)
    var reader = ByteReader(bytes)
    #expect(try Configuration(from: &reader) == joint)
    #expect(reader.isAtEnd)
    for length in 0..<bytes.count {
      var reader = ByteReader(bytes[0..<length])
      #expect(throws: CodingError.self) { try Configuration(from: &reader) }
    }
  }

  func encoded(_ configuration: Configuration) -> Bytes {
    var writer = ByteWriter()
    configuration.encode(into: &writer)
    return writer.finish()
  }

  @Test func itsFormComesBackAndEveryTruncationThrows() throws {
    let configuration = try Configuration(
      epoch: Epoch(3), voters: (1...4).map { VoterID($0) },
      quorums: QuorumSystem(voters: 4, prepare: 2, accept: 3))
    let bytes = encoded(configuration)
    var reader = ByteReader(bytes)
    #expect(try Configuration(from: &reader) == configuration)
    #expect(reader.isAtEnd)
    for length in 0..<bytes.count {
      var reader = ByteReader(bytes[0..<length])
      #expect(throws: CodingError.self) { try Configuration(from: &reader) }
    }
  }

  @Test func aFormThatIsNoConfigurationThrows() throws {
    let good = encoded(try Configuration(epoch: Epoch(0), voters: (1...3).map { VoterID($0) }))
      .array
    for (place, value) in [(4, 65), (4, 0), (5, 1), (6, 0), (5, 4), (7, 0), (7, 2)] {
      var bad = good
      bad[place] = UInt8(value)
      var reader = ByteReader(Bytes(bad))
      #expect(throws: CodingError.self) { try Configuration(from: &reader) }
    }
  }

  @Test func randomBytesNeverTrap() {
    var random = SplitMix(seed: 1)
    for _ in 0..<2000 {
      let bytes = (0..<Int(random.next() % 40)).map { _ in UInt8(random.next() % 8) }
      var reader = ByteReader(Bytes(bytes))
      if let configuration = try? Configuration(from: &reader) {
        #expect(configuration.component.quorums.voters == configuration.voters.count)
      }
    }
  }
}

@Suite struct IdentityTests {
  @Test func aClusterIsItsTokenAndItsFirstVotersInAnyOrder() {
    let voters = (1...3).map { VoterID($0) }
    let one = ClusterID(token: "t", voters: voters)
    #expect(one == ClusterID(token: "t", voters: voters.reversed()))
    #expect(one != ClusterID(token: "u", voters: voters))
    #expect(one != ClusterID(token: "t", voters: Array(voters.dropLast())))
    #expect(one.value.high != one.value.low)
    // Stores and frames carry it: it may never change.
    #expect("\(one)" == "0274f89a98a69bb0f4aefe07ed57b3b3")
  }

  @Test func anIdentityIsThirtyTwoDigitsAndComesBack() throws {
    let identity = Identity128(high: 0xab, low: 1 << 63)
    #expect("\(identity)" == "00000000000000ab8000000000000000")
    var writer = ByteWriter()
    StoreID(identity).encode(into: &writer)
    let bytes = writer.finish()
    #expect(bytes.count == 16)
    var reader = ByteReader(bytes)
    #expect(try StoreID(from: &reader) == StoreID(identity))
    var short = ByteReader(bytes[0..<15])
    #expect(throws: CodingError.truncated) { try ClusterID(from: &short) }
  }

  @Test func timeNeverWraps() {
    #expect(Ticks(5).advanced(by: 3) == Ticks(8))
    #expect(Ticks(.max).advanced(by: 1) == Ticks(.max))
    #expect(Ticks(10).advanced(by: .max) == Ticks(.max))
  }

  @Test func batchesCountUpFromOne() {
    #expect(PersistBatch.none < PersistBatch.none.next)
    #expect(PersistBatch.none.next == PersistBatch(1))
  }
}
