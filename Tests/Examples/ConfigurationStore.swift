import CASPaxos
import Synchronization
import Synod
import SynodRuntime
import Testing

/// Settings that many programs share, and hear of as they change.
final class ConfigurationStore: Sendable {
  typealias Machine = CASPaxos.Machine<CompareAndSet>

  private let node: Node<Machine>
  private let watches = Mutex(Watches())

  private struct Watches {
    var last: UInt64 = 0
    var open: [ProposalID: AsyncStream<Observation>.Continuation] = [:]
  }

  /// - Parameter node: not started, and nobody else's.
  init(_ node: Node<Machine>) {
    self.node = node
    node.onEffect = { [unowned node, weak self] effect in
      switch effect {
      case .observed(let observation):
        self?.tell(observation)
        node.finish(observation.id)
      case .membership: break
      }
    }
    node.onCompletion = { [weak self] in self?.end($0.proposal) }
  }

  /// Sets a value where it still is as its writer saw it; somebody else's change is not written over.
  /// - Returns: what the setting is now; nil where that is not known.
  func set(_ name: Bytes, to value: Bytes?, seen: Version) async throws -> Register? {
    let change = CompareAndSet(.version(seen), to: value)
    switch try await node.propose(Proposal(key: name, operation: .change(change))).result {
    case .applied(_, let register), .notApplied(.rejected(_, let register)): return register
    case .notApplied, .unknown, .read, .listed, .membership: return nil
    }
  }

  /// The settings whose names begin so: what they are, then each change. A reader that is slow passes
  /// over states, and ends at the newest.
  func changes(of prefix: Bytes) -> AsyncStream<Observation> {
    let (stream, continuation) = AsyncStream.makeStream(of: Observation.self)
    let id = watches.withLock { watches in
      watches.last += 1
      watches.open[ProposalID(watches.last)] = continuation
      return ProposalID(watches.last)
    }
    let hasBegun = node.onLoop { node in
      let watch = Proposal<CompareAndSet>(key: prefix, operation: .watch(.prefix))
      if !node.submit(watch, as: id, needsSpace: false) { continuation.finish() }
    }
    if !hasBegun { continuation.finish() }
    continuation.onTermination = { [node] _ in node.onLoop { $0.cancel(id) } }
    return stream
  }

  private func tell(_ observation: Observation) {
    _ = watches.withLock { $0.open[observation.watch] }?.yield(observation)
  }

  private func end(_ watch: ProposalID) {
    watches.withLock { $0.open.removeValue(forKey: watch) }?.finish()
  }
}

@Test func whoWatchesSettingsHearsOfThem() async throws {
  let three = try ThreeNodes<ConfigurationStore.Machine> {
    Settings(voter: $0, configuration: $1, seed: 2)
  }
  let stores = three.nodes.map { ConfigurationStore($0) }
  try three.start()

  let first = try #require(try await stores[0].set("web/port", to: "80", seen: .zero))
  var heard = stores[1].changes(of: "web/").makeAsyncIterator()
  #expect(await heard.next()?.register.value == "80")

  let second = try #require(try await stores[2].set("web/port", to: "81", seen: first.version))
  #expect(await heard.next()?.register == second)

  // Another who saw the first state only does not write over the second.
  let refused = try #require(try await stores[0].set("web/port", to: "82", seen: first.version))
  #expect(refused == second)
  #expect(try await stores[0].set("mail/port", to: "25", seen: .zero)?.value == "25")

  _ = try await stores[0].set("web/port", to: nil, seen: second.version)
  let last = await heard.next()
  #expect(last?.key == "web/port" && last?.register.value == nil)
  await three.stop()
}
