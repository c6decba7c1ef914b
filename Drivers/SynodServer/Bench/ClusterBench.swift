import Glibc
import Synod
import UV

/// Clients of three nodes on this computer, each on a thread of its own, that keep a number of commands
/// under way.
struct ClusterBench {
  let cluster: DemoCluster
  let plan: BenchPlan
  let keys: BenchKeys

  /// What one client saw.
  private struct Seen {
    var waits: [UInt64] = []
    var failure: String?
  }

  private final class Client: @unchecked Sendable {
    let port: Int
    let node: Int
    let plan: BenchPlan
    let keys: BenchKeys
    /// Of the thread that runs, until that is joined.
    var seen = Seen()

    init(_ node: Int, port: Int, _ plan: BenchPlan, _ keys: BenchKeys) {
      self.node = node
      self.port = port
      self.plan = plan
      self.keys = keys
    }

    func run() {
      do throws(BlockingClient.Broken) {
        try exchange(BlockingClient(port: port, timeout: 10_000))
      } catch {
        seen.failure = error.why
      }
    }

    /// A first quarter does not count.
    private func exchange(_ client: BlockingClient) throws(BlockingClient.Broken) {
      let value = [UInt8](repeating: UInt8(ascii: "x"), count: plan.valueBytes)
      let counted = monotonicMicroseconds() + plan.microseconds / 4
      let end = counted + plan.microseconds
      var number: UInt64 = 0
      while true {
        let start = monotonicMicroseconds()
        if start >= end { return }
        var commands: [[[UInt8]]] = []
        for _ in 0..<plan.depth {
          number += 1
          commands.append([Array("SET".utf8), Array(keys.text(node, number).utf8), value])
        }
        try client.send(commands)
        for _ in commands {
          let reply = try client.reply()
          guard reply == .text("OK") else { throw .init(why: "\(reply)") }
          if start >= counted { seen.waits.append(monotonicMicroseconds() - start) }
        }
      }
    }
  }

  /// Asks all nodes.
  func run(protocolName: String) throws(Failure) -> BenchRow {
    let clients = cluster.clientPorts.enumerated().map { Client($0 + 1, port: $1, plan, keys) }
    var threads: [JoinableThread] = []
    do throws(UVError) {
      for client in clients {
        threads.append(try runThread(name: "bench-\(client.node)") { client.run() })
      }
    } catch {
      throw Failure("\(error)")
    }
    for thread in threads { thread.join() }
    for client in clients {
      if let why = client.seen.failure { throw Failure("a client of node \(client.node): \(why)") }
    }
    let waits = clients.flatMap(\.seen.waits).sorted()
    guard !waits.isEmpty else { throw Failure("no command was answered in time") }
    func wait(_ part: Double) -> Double {
      Double(waits[min(Int(Double(waits.count) * part), waits.count - 1)]) / 1000
    }
    return BenchRow(
      protocolName: protocolName, kind: .cluster, nodes: 3, conflicts: keys.conflicts,
      commandsPerSecond: Double(waits.count) * 1e6 / Double(plan.microseconds),
      messagesPerCommand: nil, milliseconds: (wait(0.5), wait(0.99)))
  }
}
