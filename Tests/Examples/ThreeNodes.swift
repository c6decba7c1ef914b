import Synod
import SynodRuntime
import UV

/// Where most examples here run: three nodes of this process, each on a thread of its own, with a disk
/// and a network in memory.
final class ThreeNodes<Machine: ConsensusMachine> {
  let nodes: [Node<Machine>]

  /// - Parameter settings: what the machine of one voter is made from.
  init(_ settings: (VoterID, Configuration) -> Machine.Settings) throws {
    let voters = [VoterID(1), VoterID(2), VoterID(3)]
    let configuration = try Configuration(epoch: Epoch(1), voters: voters)
    let network = MemoryNetwork()
    nodes = try voters.map { voter in
      let loop = try Loop()
      return try Node<Machine>(
        settings(voter, configuration), loop: loop,
        storage: MemoryStorage(loop, disk: MemoryDisk()),
        transport: MemoryTransport(loop, network: network, voter: voter, peers: voters))
    }
  }

  func start() throws { for node in nodes { try node.start() } }

  func stop() async { for node in nodes { await node.stop() } }
}

extension ThreeNodes {
  /// Runs them for as long as `body` takes.
  static func run(
    _ settings: (VoterID, Configuration) -> Machine.Settings,
    _ body: ([Node<Machine>]) async throws -> Void
  ) async throws {
    let three = try ThreeNodes(settings)
    try three.start()
    do {
      try await body(three.nodes)
    } catch {
      await three.stop()
      throw error
    }
    await three.stop()
  }
}
