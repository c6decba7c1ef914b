import ArgumentParser
import CASPaxos
import Dispatch
import Logging
import Synod
import SynodRuntime
import Testing
import UV

@testable import SynodServer

/// Nodes of one cluster in this process, over a network and disks in memory, each with a server on a
/// free port of 127.0.0.1.
final class TestCluster {
  let network = MemoryNetwork()
  private(set) var nodes: [KeyValueNode] = []
  private var servers: [Server] = []
  private(set) var ports: [Int] = []

  init(
    _ count: Int = 3, log: Logger? = nil, users: UserBook? = nil,
    change: (inout ServeCommand) -> Void = { _ in },
    storage: (Loop, VoterID, ClusterID) throws -> any Storage = { loop, _, _ in
      MemoryStorage(loop, disk: MemoryDisk())
    }
  ) throws {
    let voters = (1...count).map { VoterID(UInt32($0)) }
    let members = voters.map { "\($0)=127.0.0.1:\(7100 + $0.rawValue)" }.joined(separator: ",")
    for voter in voters {
      var command = try ServeCommand.parse([
        "--node-id", "\(voter)", "--data-dir", "memory", "--initial-cluster", members,
        "--listen-client", "127.0.0.1:0",
      ])
      change(&command)
      try make(ServeConfiguration(command), log: log, users: users, storage: storage)
    }
    for node in nodes { try node.start() }
  }

  private func make(
    _ configuration: ServeConfiguration, log: Logger?, users: UserBook? = nil,
    storage: (Loop, VoterID, ClusterID) throws -> any Storage
  ) throws {
    let identity = try NodeIdentity(configuration)
    let voter = identity.voter
    let loop = try Loop()
    var logger = log ?? Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    logger[metadataKey: "node"] = "\(voter)"
    let node = try KeyValueNode(
      Settings(configuration, identity, seed: 1), loop: loop,
      storage: try storage(loop, voter, identity.cluster),
      transport: MemoryTransport(
        loop, network: network, voter: voter, peers: identity.addresses.keys.sorted()),
      logger: logger)
    let store = StoreID(Identity128(high: 0, low: UInt64(voter.rawValue)))
    let server = Server(
      node, configuration, identity, store: store, pins: MemoryPinBook(), users: users,
      logger: logger)
    ports.append(
      try server.start(on: configuration.clientEndpoint.listening("--listen-client")).port)
    nodes.append(node)
    servers.append(server)
  }

  /// Starts a node that was added as a member.
  func join(_ voter: Int, at address: String) throws {
    let command = try ServeCommand.parse([
      "--node-id", "\(voter)", "--join", "127.0.0.1:\(ports[0])", "--listen-peer", address,
      "--data-dir", "memory", "--listen-client", "127.0.0.1:0",
    ])
    try make(ServeConfiguration(command), log: nil) { loop, _, _ in
      MemoryStorage(loop, disk: MemoryDisk())
    }
    try nodes[nodes.count - 1].start()
  }

  /// Starts a node that has itself named as what it is to be.
  func join(as role: String, at address: String) throws {
    let command = try ServeCommand.parse([
      "--role", role, "--join", "127.0.0.1:\(ports[0])", "--listen-peer", address,
      "--data-dir", "memory", "--listen-client", "127.0.0.1:0",
    ])
    try make(ServeConfiguration(command), log: nil) { loop, _, _ in
      MemoryStorage(loop, disk: MemoryDisk())
    }
    try nodes[nodes.count - 1].start()
  }

  /// A client of a node, from 1 on.
  func client(_ node: Int, timeout: Int = 10_000) throws -> BlockingClient {
    try BlockingClient(port: ports[node - 1], timeout: timeout)
  }

  /// Runs `body` with the server of a node, on its loop, and waits for its end.
  func onLoop(_ node: Int, _ body: @escaping @Sendable (Server) -> Void) {
    nonisolated(unsafe) let server = servers[node - 1]
    let done = DispatchSemaphore(value: 0)
    let isRunning = nodes[node - 1].onLoop { _ in
      body(server)
      done.signal()
    }
    if isRunning { done.wait() }
  }

  func cutOff(_ node: Int) {
    for other in 1...nodes.count where other != node {
      network.cut(VoterID(UInt32(node)), VoterID(UInt32(other)))
    }
  }

  deinit {
    for node in nodes { node.requestStop() }
    for node in nodes { node.join() }
  }
}
