import Synod
import SynodSimulation
import Testing

@testable import CASPaxos

extension MistakesOfOthers {
  /// caspaxos-kv keeps promises in memory alone.
  static func forgettingPromises() throws {
    var bench = Bench()
    bench.prepare(b(9, 3))
    bench.persist()
    #expect(bench.answer == .promise)
    var restored = Bench(restoring: bench.batches.flatMap(\.records), bench.settings)
    restored.persist()
    restored.accept(b(5, 2), state(1, at: b(5, 2)))
    #expect(restored.answer == .conflict)
    // What comes of it: the change that was built on that promise would not know of the other.
    var cluster = Cluster<Counter>()
    cluster.arrives = { $0.message.kind != .accept && $0.isBetween(1, 2) }
    let early = cluster.propose(.change(.add(1)), at: 1)
    cluster.arrives = { $0.message.kind != .accept && $0.isBetween(2, 3) }
    cluster.propose(.change(.add(10)), at: 3)
    try cluster.restart(2)
    // Node 1's accept comes late, and only to node 2; then node 3's goes to both of those.
    cluster.arrives = { $0.isBetween(1, 2) && $0.message.kind != .prepare }
    cluster.wait(200)
    #expect(cluster.outcomes[early] == nil, "node 2 promised otherwise")
  }

  /// fast-caspaxos answers reads and changes that do not write from promises that settle nothing.
  static func answeringFromWhatIsNotSettled(_ operation: CASPaxos.Operation<Counter>) {
    var cluster = Cluster<Counter>()
    // An addition that its own node alone accepts, and that is given up.
    cluster.arrives = { $0.message.kind != .accept }
    cluster.cancel(cluster.propose(.change(.add(5)), at: 1), at: 1)
    cluster.arrives = { $0.isBetween(1, 2) }
    let seen: Int? =
      switch cluster.decide(operation, at: 2) {
      case .read(let register), .notApplied(.rejected(_, let register)), .applied(_, let register):
        register.number
      case .listed, .notApplied, .unknown, .membership, nil: nil
      }
    #expect(seen == 5)
    // What was told stays, whoever is asked.
    cluster.arrives = { $0.isBetween(2, 3) }
    #expect(cluster.read(at: 3)?.number == 5)
  }

  /// fast-caspaxos's host answers before it has saved.
  static func answeringBeforeSaving() {
    var bench = Bench()
    bench.prepare(b(5, 2))
    bench.accept(b(6, 3), state(1, at: b(6, 3)))
    #expect(bench.messages.isEmpty && bench.batches.count > bench.acknowledged)
    bench.persist()
    #expect(bench.messages.map(\.message.kind) == [.promise, .accepted])
  }

  /// fast-caspaxos's proposer counts from one again when it restarts.
  static func countingFromOneAfterARestart() throws {
    var cluster = Cluster<Counter>()
    // Of registers that this node's acceptor knows nothing of, which would tell its proposer.
    for key in ["a", "b", "c"] as [Bytes] {
      #expect(cluster.decide(.change(.add(1)), at: 1, key: key)?.number == 1)
      try cluster.restart(1)
    }
    let ballots = cluster.requests(of: 1, .prepare).map(\.ballot)
    #expect(ballots.count == 3 && Set(ballots).count == 3)
  }

  /// The Python prototype waits for ever after a conflict, draws ballots that another may draw as
  /// well, and lets a prepare pass that is below what was accepted.
  static func waitingAfterAConflict() {
    var bench = Bench()
    bench.propose(.change(.add(1)))
    let first = bench.request
    bench.persist()
    bench.conflict(first, from: 2, promised: b(20, 2))
    bench.conflict(first, from: 3, promised: b(20, 3))
    for _ in 0..<10 where bench.request == first { bench.wait() }
    #expect(bench.request.kind == .prepare && bench.request.ballot > b(20, 3))
    var cluster = Cluster<Counter>(of: 5)
    for node in 1...5 as ClosedRange<UInt32> { cluster.propose(.change(.add(3)), at: node) }
    cluster.wait(1000)
    for node in 1...5 as ClosedRange<UInt32> {
      for other in 1..<node {
        #expect(
          Set(cluster.requests(of: node, .prepare).map(\.ballot))
            .isDisjoint(with: cluster.requests(of: other, .prepare).map(\.ballot)))
      }
    }
    #expect(cluster.outcomes.values.compactMap(\.number).sorted() == [3, 6, 9, 12, 15])
    var acceptor = Bench()
    acceptor.accept(b(9, 3), state(1, at: b(9, 3)))
    acceptor.persist()
    acceptor.prepare(b(5, 2))
    #expect(acceptor.answer == .conflict)
  }

  /// Scylla once asked other nodes to accept than had promised, and those took whatever their own
  /// promise allowed: an acceptor keeps the highest ballot, and takes none below it.
  static func acceptingByThePromiseAlone() throws {
    var bench = Bench()
    bench.prepare(b(5, 2))
    // A newer round whose prepare never came here.
    bench.accept(b(7, 3), state(7, at: b(7, 3)))
    bench.persist()
    bench.accept(b(5, 2), state(5, at: b(5, 2)))
    #expect(bench.answer == .conflict)
    var restored = Bench(restoring: bench.batches.flatMap(\.records), bench.settings)
    restored.persist()
    restored.accept(b(5, 2), state(5, at: b(5, 2)))
    #expect(restored.machine.acceptorState(of: "k")?.state == state(7, at: b(7, 3)))
  }

  /// An early TLA+ model claimed that what is committed derives from what was committed before it. It
  /// need not: what was never committed itself may lie between, and whoever checks for less refuses
  /// what is right.
  static func takingWhatIsCommittedForAChain() throws {
    var cluster = Cluster<Increment>()
    typealias Check = WitnessCheck<KeyValueModel, Version>
    var history: [Check.Witnessed] = []
    func count(_ place: UInt64, _ outcome: Outcome<Increment>?) {
      var answer = KeyValueOperation.Answer.unknown
      var sight: Check.Sight?
      if case .applied(let sum, let left)? = outcome {
        answer = .number(sum)
        sight = Check.Sight(version: left.version, state: .number(sum), wrote: true)
      }
      history.append(
        Check.Witnessed(
          TimedOperation(
            client: Int(place), operation: KeyValueOperation(.increment, answer), invoked: place,
            returned: sight == nil ? nil : place), sight))
    }
    count(1, cluster.decide(.change(Increment()), at: 1))
    cluster.arrives = { $0.message.kind != .accept }
    let lost = cluster.propose(.change(Increment()), at: 1)
    cluster.cancel(lost, at: 1)
    count(2, cluster.outcomes[lost])
    cluster.arrives = { $0.isBetween(1, 2) }
    count(3, cluster.decide(.change(Increment()), at: 2))
    let sums = history.compactMap(\.sight?.state)
    #expect(sums == [.number(1), .number(3)], "the second never was committed, and is part of it")
    #expect(Check(KeyValueModel(), initial: .zero).check(history) == .good)
    // Without the one that nobody was told of, nothing explains it.
    history.remove(at: 1)
    #expect(Check(KeyValueModel(), initial: .zero).check(history) != .good)
  }
}
