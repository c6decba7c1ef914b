import ArgumentParser
import Testing

@testable import SynodServer

/// `synod bench`.
@Suite struct BenchTests {
  static let plan = BenchPlan(microseconds: 60_000, depth: 4, valueBytes: 8)

  @Test(arguments: ServeCommand.Consensus.allCases)
  func machinesOfEveryProtocolCarryOutWhatTheyAreAsked(_ consensus: ServeCommand.Consensus) {
    for conflicts in [0, 100] {
      let row = consensus.measureMachines(Self.plan, nodes: 3, conflicts: conflicts)
      #expect(row.commandsPerSecond > 0)
      #expect(row.messagesPerCommand ?? 0 > 0)
      #expect(row.protocolName == consensus.rawValue)
    }
  }

  @Test func keysConflictAsOftenAsAsked() {
    for share in [0, 25, 100] {
      let keys = BenchKeys(conflicts: share)
      let hot = (0..<1000 as Range<UInt64>).count { keys.text(1, $0) == "bench:hot" }
      #expect(hot == 10 * share)
      #expect(share == 100 || keys.text(1, 99) != keys.text(2, 99))
    }
  }

  @Test func rowsAreToldToPeopleAndPrograms() {
    let row = BenchRow(
      protocolName: "epaxos", kind: .cluster, nodes: 3, conflicts: 25, commandsPerSecond: 1234.4,
      messagesPerCommand: nil, milliseconds: (1.5, 20.25))
    #expect(
      row.json
        == #"{"protocol": "epaxos", "what": "cluster", "nodes": 3, "conflicts_percent": 25, "#
        + #""commands_per_second": 1234, "median_ms": 1.5, "p99_ms": 20.25}"#)
    #expect(row.line.count == BenchRow.heading.count)
  }

  @Test func whatCannotBeMeasuredIsUsedWrongly() {
    for arguments in [["--seconds", "0"], ["--depth", "0"], ["--protocol", "raft"]] {
      #expect(throws: (any Error).self) { try BenchCommand.parse(arguments) }
    }
    #expect(throws: Never.self) { try BenchCommand.parse(["--seconds", "0.5", "--no-cluster"]) }
  }
}
