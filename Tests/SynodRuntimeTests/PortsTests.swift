import CASPaxos
import Synod
import Testing
import UV

@testable import SynodRuntime

/// What two other implementations show first, with this library.
@Suite struct PortsTests {
  /// Kshaka's README: three nodes over one transport in memory; a function that sets a name is proposed
  /// on the second, and gives the new state.
  @Test func kshakasReadme() async throws {
    typealias ChangeFunction = ClosureChange<Bytes, Never>
    let nodes: [Node<Machine<ChangeFunction>>] = try mingled(3)
    let set = { (value: Bytes) in ChangeFunction { _ in .write(value, value) } }

    let end = try await nodes[1].propose(.init(key: "name", operation: .change(set("Masta-Ace"))))

    guard case .applied(let newState, let register) = end.result else {
      Issue.record("\(end)")
      return
    }
    #expect(newState == "Masta-Ace" && register.value == "Masta-Ace")
    for node in nodes {
      guard
        case .read(let seen) = try await node.propose(.init(key: "name", operation: .read)).result
      else {
        Issue.record("a read that gives nothing")
        return
      }
      #expect(seen == register)
    }
    for node in nodes { await node.stop() }
  }

  /// The Python prototype's run: one proposer, five acceptors, and `state + 3` on an empty state, which
  /// gives 3; then it prints what the acceptors hold. What it could not do: once more, with two of them
  /// gone.
  @Test func thePythonPrototypesRun() async throws {
    let nodes: [Node<Machine<Increment>>] = try mingled(5)
    func add3() async throws -> Int64? {
      let end = try await nodes[0].propose(.init(key: "state", operation: .change(.init(by: 3))))
      guard case .applied(let sum, _) = end.result else { return nil }
      return sum
    }
    #expect(try await add3() == 3)
    // A quorum does; the others may not have heard of it yet.
    var held: [Bytes?] = []
    for node in nodes { held.append(await accepted("state", by: node)) }
    #expect(held.count { $0 == "3" } >= 3 && held.allSatisfy { $0 == nil || $0 == "3" })
    await nodes[3].stop()
    await nodes[4].stop()
    #expect(try await add3() == 6)
    for node in nodes[..<3] { await node.stop() }
  }

  private typealias Increment = CASPaxos.Increment

  /// What the acceptor of a node has accepted; nil for nothing.
  private func accepted<C: Change>(_ key: Bytes, by node: Node<Machine<C>>) async -> Bytes? {
    await withCheckedContinuation { told in
      let isRunning = node.onLoop {
        told.resume(returning: $0.machine.acceptorState(of: key)?.state.value)
      }
      if !isRunning { told.resume(returning: nil) }
    }
  }

  /// Nodes that know of each other, over one transport, each with a store of its own.
  private func mingled<C: Change>(_ count: UInt32) throws -> [Node<Machine<C>>] {
    let network = MemoryNetwork()
    let voters = (1...count).map { VoterID($0) }
    let configuration = try Configuration(epoch: Epoch(1), voters: voters)
    return try voters.map { voter in
      let loop = try Loop()
      let node = try Node<Machine<C>>(
        Settings(voter: voter, configuration: configuration, seed: 1), loop: loop,
        storage: MemoryStorage(loop, disk: MemoryDisk()),
        transport: MemoryTransport(loop, network: network, voter: voter, peers: voters))
      try node.start()
      return node
    }
  }
}
