import CASPaxos
import Glibc
import Synod

/// Walks every run of a small world, breadth first, up to a number of states.
struct Explorer {
  struct Report {
    var states = 0
    var moves = 0
    /// Whether every reachable state was seen.
    var isExhaustive = false
    var violation: String?
    /// How the violation comes about, move by move.
    var trace: [String] = []
    /// Outcomes seen, so that a world which proves nothing is noticed.
    var seen: Set<String> = []
  }

  /// States that one exploration may hold; `SYNOD_EXPLORE` asks for more than a test run has time for.
  static let budget: Int = getenv("SYNOD_EXPLORE").flatMap { Int(String(cString: $0)) } ?? 1_500

  static func explore(_ start: ExplorerWorld, limit: Int = budget) -> Report {
    var report = Report()
    var known: Set<Int> = [start.hashValue]
    var parents: [(parent: Int, move: ExplorerWorld.Move)] = []
    var frontier: [(id: Int, world: ExplorerWorld)] = [(-1, start)]
    while !frontier.isEmpty {
      var next: [(id: Int, world: ExplorerWorld)] = []
      for (id, world) in frontier {
        for move in world.moves {
          var successor = world
          successor.make(move)
          report.moves += 1
          guard known.insert(successor.hashValue).inserted else { continue }
          report.states += 1
          parents.append((id, move))
          note(successor, in: &report)
          if let violation = successor.violation {
            report.violation = violation
            report.trace = trace(to: parents.count - 1, parents)
            return report
          }
          if report.states >= limit { return report }
          next.append((parents.count - 1, successor))
        }
      }
      frontier = next
    }
    report.isExhaustive = true
    return report
  }

  /// Walks runs drawn from seeds: fewer than all, but to their ends.
  static func walk(_ start: ExplorerWorld, walks: Int, length: Int = 80) -> Report {
    var report = Report()
    for seed in 0..<walks {
      var random = SplitMix(seed: UInt64(seed))
      var world = start
      var moves: [ExplorerWorld.Move] = []
      var delivered: Set<ExplorerWorld.Move> = []
      for _ in 0..<length {
        let possible = world.moves
        // Most messages arrive once; some again, and late.
        let fresh = possible.filter { !delivered.contains($0) }
        let among = fresh.isEmpty || random.next() % 8 == 0 ? possible : fresh
        guard !among.isEmpty else { break }
        let move = among[Int(random.next() % UInt64(among.count))]
        if case .deliver = move { delivered.insert(move) }
        moves.append(move)
        world.make(move)
        report.moves += 1
        if let violation = world.violation {
          report.violation = violation
          report.trace = moves.map(describe)
          return report
        }
      }
      note(world, in: &report)
    }
    return report
  }

  private static func note(_ world: ExplorerWorld, in report: inout Report) {
    for (index, step) in world.plan.enumerated() {
      switch step.outcome {
      case .applied: report.seen.insert("\(index) applied")
      case .read: report.seen.insert("\(index) read")
      case .notApplied: report.seen.insert("\(index) not applied")
      case .unknown: report.seen.insert("\(index) unknown")
      case nil: break
      }
    }
  }

  private static func trace(
    to last: Int, _ parents: [(parent: Int, move: ExplorerWorld.Move)]
  ) -> [String] {
    var trace: [String] = []
    var id = last
    while id >= 0 {
      trace.append(describe(parents[id].move))
      id = parents[id].parent
    }
    return trace.reversed()
  }

  private static func describe(_ move: ExplorerWorld.Move) -> String {
    switch move {
    case .start(let index): "start step \(index)"
    case .deliver(let item): "\(item.from) -> \(item.to): \(item.message)"
    case .persist(let node): "node \(node + 1) persists"
    case .crash(let node, let count): "node \(node + 1) crashes, \(count) more batches survive"
    case .timeOut(let node): "time passes at node \(node + 1)"
    case .cancel(let index): "cancel step \(index)"
    }
  }
}
