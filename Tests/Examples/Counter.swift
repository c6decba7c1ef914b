import CASPaxos
import Synod
import SynodRuntime
import Testing

/// A counter that counts each thing once, however often its client has to ask.
actor Counter {
  private let nodes: [Node<CASPaxos.Machine<Increment>>]
  private let key: Bytes
  /// Names this client for good.
  private let client = Identity128(
    high: .random(in: .min ... .max), low: .random(in: .min ... .max))
  private var last: UInt64 = 0

  /// - Parameter nodes: any of them will do; the next is asked where one does not know what happened.
  init(_ key: Bytes, on nodes: [Node<CASPaxos.Machine<Increment>>]) {
    self.key = key
    self.nodes = nodes
  }

  /// - Returns: the sum; nil where the counter no longer knows whether it has counted this.
  func add(_ amount: Int64) async -> Int64? {
    last += 1
    for attempt in 0... {
      let proposal = Proposal(
        key: key, operation: .change(Increment(by: amount)),
        once: Once(client, last, isRetry: attempt > 0))
      guard let end = try? await nodes[attempt % nodes.count].propose(proposal) else { continue }
      switch end.result {
      case .applied(let sum, _): return sum
      case .notApplied(.abandoned), .notApplied(.overloaded): continue
      case .unknown(.forgotten), .unknown(.otherChange), .notApplied: return nil
      case .unknown: continue
      case .read, .listed, .membership: return nil
      }
    }
    return nil
  }
}

@Test func whatIsAskedAgainIsCountedOnce() async throws {
  try await ThreeNodes<CASPaxos.Machine<Increment>>.run({
    Settings(voter: $0, configuration: $1, seed: 4)
  }) { nodes in
    let counters = nodes.indices.map { place in
      Counter("visits", on: Array(nodes[place...] + nodes[..<place]))
    }
    await withTaskGroup { group in
      for (index, counter) in counters.enumerated() {
        group.addTask {
          for visit in 1...10 {
            #expect(await counter.add(1) != nil)
            // A node is stopped in the middle of it: its clients ask the next.
            if index == 1, visit == 5 { await nodes[1].stop() }
          }
        }
      }
    }
    #expect(await counters[0].add(0) == 30)
  }
}
