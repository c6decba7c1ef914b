import Synod
import Testing

@testable import CASPaxos

/// Mistakes that other implementations of CASPaxos make or made, each as a test that fails with it.
/// (Two of them were fatal only on paper; all were found in code that people use.)
enum MistakesOfOthers {
  /// Gryadka keeps the promise that came with an acceptance when the accept that uses it ends without
  /// an answer, and uses it for another value: an acknowledged write is lost.
  static func keepingAPromiseThatWasUsed() {
    var cluster = Cluster<Counter> { $0.piggybackAfter = 0 }
    #expect(cluster.decide(.change(.add(1)), at: 1)?.number == 1)
    // The next addition is accepted by its own node alone, and given up.
    cluster.arrives = { _ in false }
    cluster.cancel(cluster.propose(.change(.add(10)), at: 1), at: 1)
    cluster.arrives = { _ in true }
    let told = cluster.decide(.change(.add(100)), at: 1)
    #expect(told?.number == 101 || told?.number == 111)
    cluster.arrives = { $0.isBetween(1, 2) }
    #expect(cluster.read(at: 1)?.number == told?.number)
  }

  /// caspaxos-kv leaves its cached ballot as it is where no error came back, and settles two values
  /// under one ballot by comparing their bytes.
  static func takingSilenceForSuccess() {
    var cluster = Cluster<Counter> { $0.piggybackAfter = 0 }
    _ = cluster.decide(.change(.add(1)), at: 1)
    cluster.arrives = { _ in false }
    for amount in [10, 100, 1000] {
      let lost = cluster.propose(.change(.add(amount)), at: 1)
      cluster.wait(500)
      cluster.cancel(lost, at: 1)
    }
    let accepts = cluster.requests(of: 1, .accept)
    #expect(accepts.count >= 2 && Set(accepts.map(\.ballot)).count == accepts.count)
    // Whichever bytes are the larger, the first state stays.
    for (first, second) in [(5, 9), (9, 5)] {
      var bench = Bench()
      bench.accept(b(5, 2), state(first, at: b(5, 2)))
      bench.accept(b(5, 2), state(second, at: b(5, 2)))
      #expect(bench.machine.acceptorState(of: "k")?.state == state(first, at: b(5, 2)))
      #expect(bench.machine.stopped == .machineStopped)
    }
  }

  /// durable-utils repeats a change whose accept ended without an answer, so that it is applied twice.
  static func applyingAChangeAgain() {
    var cluster = Cluster<Counter>()
    cluster.arrives = { $0.message.kind != .accepted || $0.to != 1 }
    let lost = cluster.propose(.change(.add(1)), at: 1)
    #expect(cluster.decide(.change(.add(10)), at: 2)?.number == 11)
    cluster.arrives = { _ in true }
    for _ in 0..<100 where cluster.outcomes[lost] == nil { cluster.wait(10) }
    #expect(cluster.outcomes[lost]?.number == 1)
    #expect(cluster.read(at: 3)?.number == 11)
  }

  /// durable-utils hands out the ballot that it goes on counting with, so that what is under way
  /// changes its ballot; and it looks for promises under another key than it keeps them under.
  static func sharingBallotsAndMixingUpKeys() throws {
    var cluster = Cluster<Counter>()
    cluster.arrives = { _ in false }
    for key in ["a", "b", "c"] as [Bytes] { cluster.propose(.change(.add(1)), at: 1, key: key) }
    cluster.wait(500)
    let prepares = cluster.requests(of: 1, .prepare)
    #expect(Set(prepares.map(\.key)).count == 3 && Set(prepares.map(\.ballot)).count == 3)
    #expect(prepares.count == 3, "what is sent again is what was sent")
    var bench = Bench()
    bench.prepare(b(5, 2), key: "a")
    bench.persist()
    bench.prepare(b(4, 3), key: "a")
    #expect(bench.answer == .conflict)
    bench.accept(b(4, 3), state(1, at: b(4, 3)), key: "a")
    #expect(bench.answer == .conflict)
    bench.prepare(b(4, 3), key: "b")
    bench.persist()
    #expect(bench.answer == .promise)
  }

  /// Kshaka compares the confirmations with what is still needed of them: of three nodes, one reply is
  /// enough, for both phases.
  static func countingTowardsAMovingNumber(_ voters: Int) {
    let quorum = voters / 2 + 1
    var bench = Bench(of: voters)
    bench.propose(.change(.add(1)))
    for kind in [Message.Kind.prepare, .accept] {
      let request = bench.request
      #expect(request.kind == kind)
      bench.persist()
      var votes = 1
      while votes < voters, bench.request == request, bench.results.isEmpty {
        votes += 1
        switch kind {
        case .prepare: bench.promise(request, from: UInt32(votes))
        default: bench.accepted(request, from: UInt32(votes))
        }
      }
      #expect(votes == quorum, "\(kind)s, own vote included")
    }
    #expect(bench.results.first?.number == 1)
  }

  /// Kshaka leaves the identity out of the order of ballots, and out of the ballots.
  static func leavingTheIdentityOut() {
    for (lower, higher) in [(b(5, 2), b(5, 3)), (b(5, 3), b(6, 2))] {
      var bench = Bench()
      bench.prepare(higher)
      bench.persist()
      bench.prepare(lower)
      #expect(bench.answer == .conflict)
      bench.accept(lower, state(1, at: lower))
      #expect(bench.answer == .conflict)
      #expect(bench.machine.acceptorState(of: "k")?.accepted == .zero)
    }
    var cluster = Cluster<Counter>()
    for node in 1...3 as ClosedRange<UInt32> { _ = cluster.decide(.change(.add(1)), at: node) }
    for node in 1...3 as ClosedRange<UInt32> {
      let ballots = cluster.requests(of: node, .prepare).map(\.ballot)
      #expect(!ballots.isEmpty && ballots.allSatisfy { $0.voter == VoterID(node) })
    }
  }

  /// Kshaka's counter begins anew after an accept that failed without a conflict, and proposals at one
  /// time share a ballot.
  static func beginningTheCounterAnew() {
    var cluster = Cluster<Counter>()
    for _ in 0..<5 { _ = cluster.decide(.change(.add(1)), at: 1) }
    cluster.arrives = { $0.message.kind != .accept }
    for _ in 0..<3 {
      cluster.cancel(cluster.propose(.change(.add(1)), at: 1), at: 1)
    }
    for key in ["a", "b"] as [Bytes] { cluster.propose(.change(.add(1)), at: 1, key: key) }
    let ballots = cluster.requests(of: 1, .prepare).map(\.ballot)
    #expect(ballots == ballots.sorted() && Set(ballots).count == ballots.count)
  }

  /// Kshaka writes promise, ballot and value one after the other: a crash between tears them.
  static func tearingAnAcceptance() {
    var bench = Bench()
    bench.accept(b(5, 2), state(1, at: b(5, 2)), next: b(6, 2))
    bench.accept(b(7, 3), state(2, at: b(7, 3)), next: b(9, 3))
    let records = bench.batches.flatMap(\.records)
    var seen: Set<Ballot> = []
    for count in 0...records.count {
      let restored = Bench(restoring: Array(records[..<count]), bench.settings)
      guard let held = restored.machine.acceptorState(of: "k") else { continue }
      let whole: [Ballot: (Ballot, RegisterState)] = [
        b(5, 2): (b(6, 2), state(1, at: b(5, 2))), b(7, 3): (b(9, 3), state(2, at: b(7, 3))),
      ]
      #expect(whole[held.accepted].map { $0 == (held.promised, held.state) } == true, "\(held)")
      seen.insert(held.accepted)
    }
    #expect(seen.count == 2)
  }

  /// peterbourgon/caspaxos sets its counter to the highest conflict of the last attempt, which may be
  /// lower, and to zero where nobody answered; and its acceptors take a ballot twice.
  static func loweringTheCounter() {
    var bench = Bench { $0.backoff = 0 }
    bench.raise(to: 50)
    bench.propose(.change(.add(1)))
    let first = bench.request
    bench.persist()
    bench.conflict(first, from: 2, promised: b(10, 2))
    bench.conflict(first, from: 3, promised: b(12, 3))
    // Of another register, since this node's acceptor knows better of the one at hand.
    bench.conflict(first, from: 2, promised: b(10, 2))
    bench.propose(.change(.add(1)), key: "other")
    let second = bench.request
    #expect(first.ballot > b(50, 0) && second.ballot > first.ballot)
    // Nobody answers.
    bench.tick(to: 5000)
    bench.cancel(ProposalID(1))
    bench.cancel(ProposalID(2))
    bench.propose(.change(.add(1)), key: "third")
    #expect(bench.request.ballot > second.ballot)
    var acceptor = Bench()
    acceptor.accept(b(5, 2), state(1, at: b(5, 2)))
    acceptor.persist()
    acceptor.prepare(b(5, 2))
    #expect(acceptor.answer == .conflict)
  }
}

extension Outcome<Counter> {
  /// What an applied change gave.
  var number: Int? {
    guard case .applied(let number, _) = self else { return nil }
    return number
  }
}

extension Bench {
  /// What the last input was answered with, if it was.
  var answer: Message.Kind? { messages.last?.message.kind }
}
