import Synod
import Testing

@testable import CASPaxos

/// Rules 3, 10 to 16: rounds, ballots and quorums.
@Suite struct ProposerTests {
  @Test func aRoundAsksEveryVoterForAPromiseAndThenForAnAcceptance() {
    var bench = Bench()
    bench.propose(.change(.add(1)))
    #expect(bench.messages.map(\.to) == [.peers])
    #expect(bench.last == Message(.prepare, slot: 0, ballot: b(1, 1), key: "k"))
    bench.promiseOwnAndOthers()
    #expect(bench.messages.map(\.to) == [.peers])
    let accept = bench.last
    #expect(accept.kind == .accept && accept.ballot == b(1, 1))
    #expect(accept.state == state(1, at: b(1, 1)))
    bench.persist()
    #expect(bench.completed.isEmpty)
    bench.accepted(accept, from: 3)
    let register = Register(value: "1", version: Version(ballot: b(1, 1), step: 1))
    #expect(bench.results == [.applied(1, register)])
    #expect(bench.machine.openProposals == 0)
  }

  @Test func onesOwnPromiseCountsWhenItIsDurable() {
    var bench = Bench()
    bench.propose(.change(.add(1)))
    bench.promise(bench.request, from: 2)
    #expect(bench.messages.isEmpty)
    bench.persist()
    #expect(bench.last.kind == .accept)
  }

  @Test func onesOwnAcceptanceCountsWhenItIsDurable() {
    var bench = Bench()
    let accept = bench.leadToAccept()
    bench.accepted(accept, from: 2)
    #expect(bench.completed.isEmpty)
    bench.persist()
    #expect(bench.completed.count == 1)
  }

  @Test func theStateOfTheHighestBallotIsTaken() {
    var bench = Bench(of: 5)
    bench.raise(to: 20)
    bench.propose(.change(.add(1)))
    bench.persist()
    let prepare = bench.request
    bench.promise(prepare, from: 2, accepted: b(7, 3), state(70, at: b(7, 3)))
    bench.promise(prepare, from: 3, accepted: b(3, 2), state(30, at: b(3, 2)))
    #expect(bench.last.kind == .accept)
    #expect(bench.last.state.register.number == 71)
    #expect(bench.last.state.lineage == [b(7, 3)])
  }

  @Test func aVoterCountsOnce() {
    var bench = Bench(of: 5)
    bench.propose(.change(.add(1)))
    bench.persist()
    let prepare = bench.request
    for _ in 0..<4 { bench.promise(prepare, from: 2) }
    #expect(bench.messages.isEmpty)
    bench.promise(prepare, from: 3)
    let accept = bench.last
    #expect(accept.kind == .accept)
    bench.persist()
    for _ in 0..<4 { bench.accepted(accept, from: 4) }
    #expect(bench.completed.isEmpty)
    bench.accepted(accept, from: 5)
    #expect(bench.completed.count == 1)
  }

  @Test func onlyRepliesToExactlyThisBallotCount() {
    var bench = Bench()
    bench.propose(.change(.add(1)))
    bench.persist()
    let prepare = bench.request
    for other in [b(2, 1), b(1, 2), Ballot(epoch: Epoch(1), counter: 1, voter: VoterID(1))] {
      var wrong = prepare
      wrong.ballot = other
      bench.promise(wrong, from: 2)
      #expect(bench.messages.isEmpty)
    }
    // An acceptance is no promise.
    bench.accepted(prepare, from: 2)
    #expect(bench.messages.isEmpty && bench.completed.isEmpty)
    bench.promise(prepare, from: 2)
    #expect(bench.last.kind == .accept)
  }

  @Test func lateRepliesOfAnEarlierAttemptAreDropped() {
    var bench = Bench()
    bench.propose(.change(.add(1)))
    bench.persist()
    let first = bench.request
    bench.conflict(first, from: 2, promised: b(4, 2))
    bench.conflict(first, from: 3, promised: b(4, 2))
    bench.persist()
    #expect(bench.request.ballot == b(5, 1))
    bench.promise(first, from: 2)
    bench.promise(first, from: 3)
    #expect(bench.messages.isEmpty)
  }

  @Test func aConflictRaisesTheCounterAlsoAfterSuccess() {
    var bench = Bench()
    bench.add()
    bench.conflict(bench.request, from: 3, promised: b(40, 3), accepted: b(50, 2))
    bench.propose(.change(.add(1)))
    #expect(bench.request.ballot == b(51, 1))
  }

  @Test func theCounterIsNeverLoweredNorMovedByOtherReplies() {
    var bench = Bench()
    bench.raise(to: 30)
    bench.conflict(Message(.prepare, slot: 0, ballot: b(1, 1)), from: 2, promised: b(3, 2))
    bench.accepted(Message(.accept, slot: 0, ballot: b(1, 1)), from: 2, promised: b(60, 2))
    bench.prepare(b(50, 2), key: "other")
    bench.propose(.change(.add(1)))
    #expect(bench.request.ballot == b(31, 1))
  }

  @Test func aPrepareBeginsAboveWhatOnesOwnAcceptorHasPromisedOfTheRegister() {
    var bench = Bench()
    bench.prepare(b(50, 2), key: "k")
    bench.propose(.change(.add(1)))
    #expect(bench.request.ballot == b(51, 1))
  }

  @Test func aPrepareThatIsRefusedByTooManyIsTriedAgainAboveTheConflict() {
    var bench = Bench()
    bench.propose(.change(.add(1)))
    bench.persist()
    let first = bench.request
    bench.conflict(first, from: 2, promised: b(8, 2))
    #expect(bench.messages.isEmpty, "a quorum without voter 2 is still possible")
    bench.conflict(first, from: 3, promised: b(6, 3))
    #expect(bench.last.kind == .prepare && bench.last.ballot == b(9, 1))
  }

  @Test func aPrepareThatCannotSettleIsGivenUpAfterItsPatience() {
    var bench = Bench { $0.patience = 5 }
    bench.propose(.change(.add(1)))
    bench.persist()
    bench.conflict(bench.request, from: 2, promised: b(8, 2))
    bench.tick(to: 5)
    #expect(bench.messages.isEmpty)
    bench.tick(to: 6)
    #expect(bench.last.kind == .prepare && bench.last.ballot == b(9, 1))
  }

  @Test func aRequestIsSentAgainToThoseWhoHaveNotAnswered() {
    var bench = Bench(of: 5) { $0.retransmitAfter = 10 }
    bench.propose(.change(.add(1)))
    bench.persist()
    let prepare = bench.request
    bench.promise(prepare, from: 3)
    bench.tick(to: 10)
    #expect(bench.messages.isEmpty)
    bench.tick(to: 11)
    #expect(bench.messages.map(\.to) == [2, 4, 5].map { .voter(VoterID($0)) })
    #expect(bench.messages.allSatisfy { $0.message == prepare })
    #expect(bench.records.isEmpty)
    bench.promise(prepare, from: 2)
    let accept = bench.last
    bench.accepted(accept, from: 2)
    bench.tick(to: 30)
    #expect(bench.messages.map(\.to) == [3, 4, 5].map { .voter(VoterID($0)) })
    #expect(bench.messages.allSatisfy { $0.message == accept })
  }

  @Test func registersHaveRoundsOfTheirOwnAndBallotsOfTheirOwn() {
    var bench = Bench()
    bench.propose(.change(.add(1)), key: "x")
    let x = bench.request
    bench.propose(.change(.add(1)), key: "y")
    let y = bench.request
    #expect(x.ballot != y.ballot && x.slot != y.slot)
    bench.persist()
    bench.promise(y, from: 2)
    #expect(bench.last.kind == .accept && bench.last.key == "y")
  }

  @Test func noBallotLeavesBeforeItsReservationIsDurable() {
    var bench = Bench(started: false)
    bench.propose(.change(.add(1)))
    #expect(bench.messages.isEmpty)
    #expect(bench.records.contains(.reserve(counter: 64)))
    bench.persist()
    #expect(bench.last.ballot == b(1, 1))
  }

  @Test func ballotsAreNeverUsedAgainAfterARestart() {
    for counterBlock in 2...5 as ClosedRange<UInt64> {
      var bench = Bench { $0.counterBlock = counterBlock }
      var used: Set<Ballot> = []
      var disk: [Record] = []
      for life in 0..<6 {
        for number in 0...life {
          let sent = bench.requests.count
          bench.propose(.change(.add(1)), key: Bytes("\(life) \(number)"))
          // Some batches are never acknowledged, and are durable all the same.
          while bench.requests.count == sent { bench.persist(1) }
          #expect(used.insert(bench.request.ballot).inserted)
        }
        disk += bench.batches.flatMap(\.records)
        bench = Bench(restoring: disk, bench.settings)
        bench.propose(.change(.add(1)))
        #expect(bench.messages.isEmpty, "what an earlier life reserved may be used up")
      }
    }
  }

  @Test func aRoundThatFindsNoBallotWaitsForOne() {
    var bench = Bench { $0.counterBlock = 2 }
    var sent = 0
    for number in 0..<6 {
      bench.propose(.change(.add(1)), key: Bytes("\(number)"))
      sent += bench.messages.count
    }
    #expect(sent == 2)
    bench.persist()
    #expect(!bench.messages.isEmpty)
    for _ in 0..<4 { if bench.acknowledged < bench.batches.count { bench.persist() } }
    #expect(bench.machine.openProposals == 6)
    #expect(bench.machine.statistics.prepares == 6)
  }

  @Test func flexibleQuorumsCountAsTheyAreNamed() {
    var bench = Bench(of: 4, quorums: (2, 3))
    bench.propose(.change(.add(1)))
    bench.persist()
    bench.promise(bench.request, from: 3)
    let accept = bench.last
    #expect(accept.kind == .accept)
    bench.persist()
    bench.accepted(accept, from: 2)
    #expect(bench.completed.isEmpty)
    bench.accepted(accept, from: 4)
    #expect(bench.completed.count == 1)
  }

  @Test func oneAcceptanceIsEnoughWhereAllMustPromise() {
    var bench = Bench(of: 3, quorums: (3, 1))
    bench.propose(.change(.add(1)))
    bench.persist()
    let prepare = bench.request
    bench.promise(prepare, from: 2)
    #expect(bench.messages.isEmpty)
    bench.promise(prepare, from: 3)
    #expect(bench.last.kind == .accept)
    bench.persist()
    #expect(bench.completed.count == 1)
  }

  @Test func aVoterAloneDecidesAlone() {
    var bench = Bench(of: 1)
    bench.propose(.change(.add(5)))
    #expect(bench.messages.isEmpty && bench.completed.isEmpty)
    bench.persist()
    bench.persist()
    #expect(bench.completed.count == 1 && bench.messages.isEmpty)
  }
}
