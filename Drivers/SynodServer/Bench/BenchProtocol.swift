import CASPaxos
import EPaxos
import KeyValue
import MultiPaxos
import Synod

extension ServeCommand.Consensus {
  /// What the machines of this protocol do by themselves.
  /// - Parameter conflicts: of a hundred commands, how many write one key, the same for all.
  func measureMachines(_ bench: BenchPlan, nodes: Int, conflicts: Int) -> BenchRow {
    let keys = BenchKeys(conflicts: conflicts)
    let value = Bytes(String(repeating: "x", count: bench.valueBytes))
    let voters = (1...UInt32(nodes)).map { VoterID($0) }
    guard let cluster = try? Configuration(epoch: Epoch(1), voters: voters) else {
      preconditionFailure("a few voters make a configuration")
    }
    func settle<M>(_ bench: inout MachineBench<M>, _ plan: BenchPlan) -> BenchRow {
      let result = bench.run(microseconds: plan.microseconds, depth: plan.depth)
      return BenchRow(
        protocolName: rawValue, kind: .machines, nodes: nodes, conflicts: conflicts,
        commandsPerSecond: Double(result.commands) * 1e6 / Double(result.microseconds),
        messagesPerCommand: Double(result.messages) / Double(max(result.commands, 1)),
        milliseconds: nil)
    }
    switch self {
    case .caspaxos:
      var run = MachineBench(
        voters.map {
          CASPaxos.Machine<KeyValueChange>(.init(voter: $0, configuration: cluster, seed: 1))
        },
        propose: { node, number in
          .init(key: keys[node, number], operation: .change(.set(value)))
        },
        isDone: { if case .applied = $0.result { true } else { false } })
      return settle(&run, bench)
    case .multipaxos:
      var run = MachineBench(
        voters.map {
          MultiPaxos.Machine<KeyValueState>(.init(voter: $0, configuration: cluster, seed: 1))
        },
        propose: { node, number in
          .init(.command(.one(.change(.set(value), of: keys[node, number]))))
        },
        isDone: { if case .applied = $0.result { true } else { false } })
      return settle(&run, bench)
    case .epaxos:
      var run = MachineBench(
        voters.map {
          EPaxos.Machine<KeyValueState>(.init(voter: $0, configuration: cluster, seed: 1))
        },
        propose: { node, number in
          .init(.command(.one(.change(.set(value), of: keys[node, number]))))
        },
        isDone: { if case .applied = $0.result { true } else { false } })
      return settle(&run, bench)
    }
  }
}

/// Which keys commands write.
struct BenchKeys {
  /// Of a hundred commands, how many write one key, the same for all.
  let conflicts: Int

  /// Keys of one node that nobody else writes.
  static let own: UInt64 = 10_000

  subscript(node: Int, number: UInt64) -> Bytes { Bytes(text(node, number)) }

  func text(_ node: Int, _ number: UInt64) -> String {
    // Spread, so that every hundred in a row have their share.
    if number &* 37 % 100 < UInt64(conflicts) { return "bench:hot" }
    return "bench:\(node):\(number % Self.own)"
  }
}
