import CASPaxos
import Synod
import Testing

/// Proposers that never stop: each has one change open on the same register all the time. Time is
/// counted in ticks, every message takes as many, stores are prompt.
@Suite struct FairnessTests {
  struct Figures {
    var ended: [Int]
    var longestGap: [UInt64]
  }

  static func run(nodes: Int, dead: Int = 0, oneWay: UInt64, ticks: UInt64) -> Figures {
    var machines = (1...UInt32(nodes)).map { CounterMachine(.test($0, of: nodes, seed: 7)) }
    var arriving: [UInt64: [(from: Int, to: Int, message: Message)]] = [:]
    var figures = Figures(
      ended: Array(repeating: 0, count: nodes), longestGap: Array(repeating: 0, count: nodes))
    var last = Array(repeating: UInt64(0), count: nodes)
    var ready = Ready<CounterMachine>()
    var proposed: UInt64 = 0

    func propose(_ node: Int) {
      proposed += 1
      machines[node].propose(
        Proposal(key: "k", operation: .change(.add(1))), as: ProposalID(proposed))
    }
    func drain(_ node: Int, at now: UInt64) {
      while machines[node].hasReady {
        machines[node].drain(into: &ready)
        if !ready.persist.isEmpty { machines[node].persisted(through: ready.batch) }
        for envelope in ready.messages {
          for peer in 0..<nodes where peer != node {
            if case .voter(let voter) = envelope.to, Int(voter.rawValue) - 1 != peer { continue }
            arriving[now + oneWay, default: []].append((node, peer, envelope.message))
          }
        }
        for _ in ready.completed {
          figures.ended[node] += 1
          figures.longestGap[node] = max(figures.longestGap[node], now - last[node])
          last[node] = now
          propose(node)
        }
      }
    }

    let alive = 0..<(nodes - dead)
    for now in 1...ticks {
      for node in alive {
        machines[node].tick(to: Ticks(now))
        if now == 1 { propose(node) }
      }
      for item in arriving.removeValue(forKey: now) ?? [] where alive.contains(item.to) {
        machines[item.to].receive(item.message, from: VoterID(UInt32(item.from + 1)))
      }
      for node in alive { drain(node, at: now) }
    }
    for node in alive {
      figures.longestGap[node] = max(figures.longestGap[node], ticks - last[node])
    }
    return figures
  }

  @Test(arguments: [
    (nodes: 2, dead: 0, oneWay: UInt64(1)), (3, 0, 1), (3, 1, 1), (5, 0, 1), (5, 2, 1), (3, 0, 5),
    (5, 0, 5), (3, 0, 75), (3, 1, 75), (5, 0, 75),
  ])
  func everyProposerOfOneRegisterGoesOnMakingProgress(
    nodes: Int, dead: Int, oneWay: UInt64
  ) {
    let ticks = 15_000 * (oneWay > 10 ? 8 : 1)
    let figures = Self.run(nodes: nodes, dead: dead, oneWay: oneWay, ticks: UInt64(ticks))
    print("fairness \(nodes) nodes, \(dead) dead, one way \(oneWay): \(figures)")
    for node in 0..<(nodes - dead) {
      #expect(figures.longestGap[node] < UInt64(ticks) / 10)
    }
  }
}
