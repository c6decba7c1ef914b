import Synod
import Testing

@testable import CASPaxos

/// Rules 17 to 20: a promise asked for together with an acceptance, and used once.
@Suite struct OneRoundTripTests {
  func always(_ settings: inout Settings) { settings.piggybackAfter = 0 }

  @Test func anArmedPromiseSavesThePrepare() {
    var bench = Bench(adjust: always)
    bench.add()
    let first = bench.request
    #expect(first.ballot == b(1, 1) && first.promised == b(2, 1))
    bench.propose(.change(.add(1)))
    #expect(bench.last.kind == .accept && bench.last.ballot == b(2, 1))
    #expect(bench.last.state == state(2, at: b(2, 1)))
    #expect(bench.last.promised == b(3, 1))
    #expect(bench.machine.statistics.prepares == 1)
    bench.persist()
    bench.accepted(bench.request, from: 3)
    #expect(bench.machine.statistics.oneRoundTrip == 1)
  }

  @Test func armingNeedsAnAcceptQuorumThatPromised() {
    var bench = Bench(adjust: always)
    let accept = bench.leadToAccept()
    bench.persist()
    bench.accepted(accept, from: 2, promised: accept.ballot)
    #expect(bench.completed.count == 1)
    bench.accepted(accept, from: 3)
    bench.propose(.change(.add(1)))
    #expect(bench.last.kind == .prepare, "two of three promised, but one of the quorum did not")
  }

  @Test func armingNeedsAsManyPromisesAsAcceptancesWhereQuorumsDiffer() {
    for promising in 0...3 {
      var bench = Bench(of: 4, quorums: (2, 3), adjust: always)
      let accept = bench.leadToAccept()
      bench.persist()
      // Its own promise is one of them.
      bench.accepted(accept, from: 2, promised: promising > 1 ? accept.promised : accept.ballot)
      bench.accepted(accept, from: 3, promised: promising > 2 ? accept.promised : accept.ballot)
      #expect(bench.completed.count == 1)
      bench.propose(.change(.add(1)))
      #expect(bench.last.kind == (promising == 3 ? .accept : .prepare))
    }
  }

  @Test func aHigherPromiseOfSomeoneElseDoesNotArmWhereItIsOnesOwn() {
    var bench = Bench(adjust: always)
    let accept = bench.leadToAccept()
    bench.prepare(b(9, 3))
    bench.persist()
    bench.accepted(accept, from: 2)
    #expect(bench.completed.count == 1)
    bench.proposeAndRest(.change(.add(1)))
    #expect(bench.last.kind == .prepare)
  }

  @Test func anotherProposerAtTheRegisterDisarms() {
    var bench = Bench(adjust: always)
    bench.add()
    bench.prepare(b(9, 2))
    bench.propose(.change(.add(1)))
    #expect(bench.last.kind == .prepare)
  }

  @Test func theArmedPromiseIsConsumedBeforeItIsSent() {
    // Gryadka's lost update: after a failure without a conflict, its cached ballot carried a second
    // value.
    var bench = Bench(adjust: always)
    bench.add()
    bench.propose(.change(.add(10)), deadline: 50)
    let sent = bench.last
    #expect(sent.kind == .accept && sent.ballot == b(2, 1))
    bench.persist()
    bench.tick(to: 50)
    #expect(bench.results == [.unknown(.deadline)])
    bench.propose(.change(.add(100)))
    #expect(bench.last.kind == .prepare && bench.last.ballot > b(2, 1))
    for time in [200, 400] as [UInt64] {
      bench.tick(to: time)
      #expect(!bench.messages.contains { $0.message.kind == .accept })
    }
  }

  @Test func anArmedPromiseThatIsRefusedIsNotTriedAgain() {
    var bench = Bench(adjust: always)
    bench.add()
    bench.propose(.change(.add(1)))
    let sent = bench.last
    bench.conflict(sent, from: 2, promised: b(7, 2))
    bench.conflict(sent, from: 3, promised: b(7, 2))
    bench.persist()
    #expect(bench.request.kind == .prepare && bench.request.ballot > b(7, 1))
  }

  @Test func anArmedPromiseDoesNotOutliveARestart() {
    var bench = Bench(adjust: always)
    bench.add()
    var again = Bench(restoring: bench.batches.flatMap(\.records), bench.settings)
    again.persist()
    again.propose(.change(.add(1)))
    #expect(again.last.kind == .prepare && again.last.ballot > b(64, 1))
  }

  @Test func aPromiseIsAskedAheadOnlyAfterWinningAlone() {
    var bench = Bench { $0.piggybackAfter = 2 }
    for expected in [false, false, true] {
      bench.add(1)
      #expect(!bench.request.promised.isZero == expected)
    }
    bench.propose(.change(.add(1)))
    #expect(bench.last.kind == .accept)
    bench.persist()
    bench.accepted(bench.request, from: 2)
    bench.accept(b(30, 3), state(9, at: b(30, 3)))
    bench.persist()
    bench.raise(to: 30)
    bench.add(1)
    #expect(bench.request.promised.isZero, "someone else was here: start over")
  }

  @Test func aPromiseIsNeverAskedAheadWhereThatIsSwitchedOff() {
    var bench = Bench { $0.piggybackAfter = nil }
    for _ in 0..<5 {
      bench.add()
      #expect(bench.request.promised.isZero)
    }
    #expect(bench.machine.statistics.prepares == 5)
  }

  @Test func theBallotOfANextPromiseIsNeverDrawnAgain() {
    var bench = Bench(adjust: always)
    bench.add(1, key: "x")
    #expect(bench.request.promised == b(2, 1))
    bench.propose(.change(.add(1)), key: "y")
    #expect(bench.last.ballot == b(3, 1))
  }
}
