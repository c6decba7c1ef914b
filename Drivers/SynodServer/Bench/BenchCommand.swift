import ArgumentParser
import Glibc

/// `synod bench`: what the machines and a cluster on this computer do in a second.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure the machines of all protocols, and a cluster of three on this computer.",
    discussion: """
      A row of 'machines' has all machines of a cluster in one thread, without disks and network: what \
      the protocol itself costs. A row of 'cluster' has three processes that sync to /tmp, and a client \
      for each. 'conflicts' says how many of a hundred commands write one key, the same for all.
      """)

  @Option(name: .customLong("protocol"), help: "One of them only: caspaxos, multipaxos or epaxos.")
  var consensus: ServeCommand.Consensus?

  @Option(help: "How long each row is measured, in seconds; as long a quarter again before it.")
  var seconds = 2.0

  @Option(help: "Commands that are under way through each node.")
  var depth = 64

  @Option(name: .customLong("value-size"), help: "Bytes of a value.")
  var valueSize = 64

  @Flag(name: .customLong("no-cluster"), help: "Measure the machines only.")
  var noCluster = false

  @Option(help: "Write all rows to this file, too, for programs.")
  var json: String?

  func validate() throws {
    guard (0.05...600).contains(seconds) else {
      throw ValidationError("--seconds: \(seconds) is not between 0.05 and 600")
    }
    guard (1...10_000).contains(depth) else {
      throw ValidationError("--depth: \(depth) is not between 1 and 10000")
    }
    guard (0...100_000).contains(valueSize) else {
      throw ValidationError("--value-size: \(valueSize) is not between 0 and 100000")
    }
  }

  func run() throws {
    Interruption.hold()
    let plan = BenchPlan(
      microseconds: UInt64(seconds * 1_000_000), depth: depth, valueBytes: valueSize)
    let protocols = consensus.map { [$0] } ?? ServeCommand.Consensus.allCases
    var rows: [BenchRow] = []
    print(BenchRow.heading)
    func show(_ row: BenchRow) {
      rows.append(row)
      print(row.line)
      fflush(nil)
    }
    for one in protocols {
      for nodes in [3, 5] {
        for conflicts in [0, 25, 100] {
          try Interruption.check()
          show(one.measureMachines(plan, nodes: nodes, conflicts: conflicts))
        }
      }
    }
    for one in protocols where !noCluster { try measureCluster(one, plan, show) }
    guard let json else { return }
    let objects = rows.map { "  \($0.json)" }.joined(separator: ",\n")
    try TextFile.write("[\n\(objects)\n]\n", to: json)
  }

  private func measureCluster(
    _ consensus: ServeCommand.Consensus, _ plan: BenchPlan, _ show: (BenchRow) -> Void
  ) throws(Failure) {
    let cluster = try DemoCluster(preferred: [], protocol: consensus.rawValue)
    defer {
      cluster.stop()
      cluster.removeDirectory()
    }
    for node in 1...3 { try cluster.start(node) }
    for node in 1...3 { try cluster.waitUntilReady(node) }
    for conflicts in [0, 25, 100] {
      try Interruption.check()
      let bench = ClusterBench(cluster: cluster, plan: plan, keys: BenchKeys(conflicts: conflicts))
      show(try bench.run(protocolName: consensus.rawValue))
    }
  }
}
