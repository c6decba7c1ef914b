import Synod
import Testing

@testable import CASPaxos

/// Rules 30 and 31: changes folded into one round, and backing off.
@Suite struct FoldTests {
  func version(_ ballot: Ballot, _ step: UInt32) -> Version { Version(ballot: ballot, step: step) }

  @Test func changesThatCameMeanwhileJoinTheRoundInTheirOrder() {
    var bench = Bench()
    bench.propose(.change(.add(1)))
    bench.propose(.change(.swap(1, for: 5)))
    bench.propose(.change(.swap(1, for: 9)))
    bench.propose(.read)
    bench.propose(.change(.add(2)))
    #expect(bench.messages.isEmpty)
    bench.promiseOwnAndOthers()
    let accept = bench.request
    #expect(accept.state.register == Register(value: "7", version: version(b(1, 1), 3)))
    bench.persist()
    bench.accepted(accept, from: 2)
    #expect(bench.completed.map(\.proposal) == (1...5).map { ProposalID($0) })
    let five = Register(value: "5", version: version(b(1, 1), 2))
    #expect(
      bench.results == [
        .applied(1, Register(value: "1", version: version(b(1, 1), 1))),
        .applied(5, five),
        .notApplied(.rejected(.found(5), five)),
        .read(five),
        .applied(7, Register(value: "7", version: version(b(1, 1), 3))),
      ])
  }

  /// To look through thousands takes long: that is not done in every tick.
  @Test func deadlinesOfManyChangesOfOneRegisterAreLookedAtTogether() {
    var bench = Bench()
    let (count, first) = (8192, bench.now + 100)
    for number in 0..<count {
      bench.propose(.change(.add(1)), deadline: first + UInt64(number % 64))
    }
    var turns = 0
    for time in first..<(first + 72) {
      let open = bench.machine.openProposals
      bench.tick(to: time)
      let ended = count - bench.machine.openProposals
      #expect(ended <= min(Int(time - first) + 1, 64) * count / 64)
      if bench.machine.openProposals < open { turns += 1 }
    }
    #expect(bench.machine.openProposals == 0)
    #expect(turns < 40)
  }

  @Test func oneRegisterHasOneOpenRound() {
    var bench = Bench()
    bench.propose(.change(.add(1)))
    for _ in 0..<10 {
      bench.propose(.change(.add(1)))
      #expect(bench.messages.isEmpty)
    }
    #expect(bench.requests.count == 1)
  }

  @Test func whatComesAfterTheAcceptWaitsForTheNextRound() {
    var bench = Bench()
    let accept = bench.leadToAccept()
    bench.propose(.change(.add(10)))
    bench.propose(.change(.add(100)))
    bench.persist()
    bench.accepted(accept, from: 2)
    #expect(bench.completed.map(\.proposal) == [ProposalID(1)])
    #expect(bench.last.kind == .prepare)
    bench.persist()
    bench.promise(bench.request, from: 2, accepted: b(1, 1), accept.state)
    #expect(bench.last.state.register.number == 111)
  }

  @Test func whatAFoldWritesHasALimitInBytesAndTheRestGoesIntoTheNextRound() {
    var bench = Bench { $0.maxFoldBytes = 3 }
    for _ in 1...5 { bench.propose(.change(.add(10))) }
    bench.promiseOwnAndOthers()
    let accept = bench.request
    #expect(accept.state.register.number == 20)
    bench.persist()
    bench.accepted(accept, from: 2)
    #expect(bench.completed.map(\.proposal) == [ProposalID(1), ProposalID(2)])
    bench.persist()
    bench.promise(bench.request, from: 2, accepted: b(1, 1), accept.state)
    #expect(bench.last.state.register.number == 40)
  }

  /// A proposal that was given up and answered does not wait for the next round, to be answered again.
  @Test func whatWasGivenUpIsNotPutBackWithTheRest() {
    var bench = Bench {
      $0.maxFoldBytes = 3
      $0.piggybackAfter = nil
    }
    for _ in 1...5 { bench.propose(.change(.add(10))) }
    bench.promiseOwnAndOthers()
    let first = bench.request
    bench.persist()
    bench.accepted(first, from: 2)
    bench.cancel(ProposalID(5))
    #expect(bench.completed.map(\.proposal) == [ProposalID(5)])
    bench.persist()
    bench.promise(bench.request, from: 2, accepted: b(1, 1), first.state)
    #expect(bench.last.state.register.number == 40)
    bench.cancel(ProposalID(5))
    #expect(bench.completed.isEmpty)
    #expect(bench.machine.openProposals == 2)
  }

  @Test func aFoldHasItsLimit() {
    var bench = Bench { $0.maxFold = 2 }
    for _ in 0..<5 { bench.propose(.change(.add(1))) }
    bench.promiseOwnAndOthers()
    #expect(bench.request.state.register.number == 2)
    let first = bench.request
    bench.persist()
    bench.accepted(first, from: 2)
    #expect(bench.completed.count == 2)
    bench.persist()
    bench.promise(bench.request, from: 2, accepted: first.ballot, first.state)
    #expect(bench.request.state.register.number == 4)
    #expect(bench.machine.openProposals == 3)
  }

  @Test func thoseThatWroteShareOneFateAndThoseThatWereRefusedDoNot() {
    var bench = Bench()
    bench.propose(.change(.add(1)), deadline: 50)
    bench.propose(.change(.swap(9, for: 7)), deadline: 50)
    bench.propose(.change(.get), deadline: 50)
    bench.propose(.change(.add(1)), deadline: 50)
    bench.promiseOwnAndOthers()
    #expect(bench.request.kind == .accept)
    bench.tick(to: 50)
    #expect(
      bench.results == [
        .unknown(.deadline), .notApplied(.abandoned(.deadline)),
        .notApplied(.abandoned(.deadline)), .unknown(.deadline),
      ])
  }

  @Test func aDeletionIsAWriteAndItsVersionGoesOn() {
    var bench = Bench { $0.piggybackAfter = 0 }
    bench.add(5)
    bench.propose(.change(.delete))
    let accept = bench.request
    bench.persist()
    bench.accepted(accept, from: 2)
    let deleted = Register(value: nil, version: version(b(2, 1), 1))
    #expect(bench.results == [.applied(0, deleted)])
    bench.propose(.change(.add(1)))
    #expect(bench.request.state.register == Register(value: "1", version: version(b(3, 1), 1)))
  }

  /// The times that a machine waits after each of its failures.
  func waits(_ voter: UInt32, backoff: UInt64 = 2, limit: UInt64 = 64) -> [UInt64] {
    var bench = Bench(voter) {
      $0.backoff = backoff
      $0.maxBackoff = limit
      $0.retransmitAfter = 1_000_000
      $0.counterBlock = 1 << 20
    }
    bench.propose(.change(.add(1)))
    var waits: [UInt64] = []
    for _ in 0..<12 {
      let sent = bench.requests.count
      let prepare = bench.request
      bench.persist()
      for other in 1...3 as ClosedRange<UInt32> where other != voter {
        bench.conflict(prepare, from: other, promised: b(prepare.ballot.counter + 1, other))
      }
      let start = bench.now
      while bench.requests.count == sent { bench.wait() }
      waits.append(bench.now - start)
    }
    return waits
  }

  @Test func backingOffBeginsWithTheSecondFailureAndDoublesUpToItsLimit() {
    let waits = waits(1)
    #expect(waits[0] == 0)
    for (failure, wait) in waits.enumerated().dropFirst() {
      // Two rivals, a round trip of one tick, and two ticks to begin with; three doublings.
      #expect((1...min(6 << UInt64(min(failure - 1, 3)), 64)).contains(wait))
    }
    #expect(waits.max()! > 8, "it never drew a long time")
    #expect(Set(waits).count > 4, "it always draws the same")
  }

  @Test func duellingProposersDrawDifferentTimes() {
    #expect(waits(1) != waits(2))
    #expect(waits(1) == waits(1))
  }

  @Test func aProposerThatWinsLeavesTheRegisterToItsRivalForAWhile() {
    var bench = Bench()
    let accept = bench.leadToAccept()
    bench.prepare(b(9, 3))
    bench.persist()
    bench.accepted(accept, from: 2)
    #expect(bench.completed.count == 1)
    bench.propose(.change(.add(1)))
    #expect(bench.messages.isEmpty)
    let start = bench.now
    while bench.messages.isEmpty { bench.wait() }
    // One rival: three to six round trips of one tick.
    #expect((3...6).contains(bench.now - start))
    #expect(bench.last.kind == .prepare)
  }

  /// A network that was cut for a minute is not taken for one whose round trips take that long.
  @Test func oneLateAnswerDoesNotMakeTheRegisterRestForLong() {
    var bench = Bench { $0.retransmitAfter = 40 }
    let accept = bench.leadToAccept()
    bench.prepare(b(9, 3))
    bench.persist()
    bench.tick(to: 60_000)
    bench.accepted(accept, from: 2)
    #expect(bench.completed.count == 1)
    bench.propose(.change(.add(1)))
    #expect(bench.messages.isEmpty)
    let start = bench.now
    while bench.messages.isEmpty { bench.wait() }
    // One rival, and a trip that is taken for six ticks: an eighth of what one answer may count.
    #expect((1...36).contains(bench.now - start))
  }

  @Test func aProposerThatWinsForgetsItsFailures() {
    var bench = Bench { $0.backoff = 1000 }
    for _ in 0..<3 {
      bench.proposeAndRest(.change(.add(1)))
      let prepare = bench.request
      bench.persist()
      bench.conflict(prepare, from: 2, promised: b(prepare.ballot.counter + 1, 2))
      bench.conflict(prepare, from: 3, promised: b(prepare.ballot.counter + 1, 2))
      #expect(bench.request.ballot > prepare.ballot, "the first failure waits for nothing")
      bench.promiseOwnAndOthers()
      let accept = bench.request
      bench.persist()
      bench.accepted(accept, from: 2)
      #expect(bench.completed.count == 1)
    }
  }
}
