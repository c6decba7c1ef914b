import CASPaxos
import Foundation
import Synod
import SynodRuntime
import Testing
import UV

/// One of the nodes of a shop, which counts its visits.
func makeShopNode(
  _ voter: VoterID, at addresses: [VoterID: TCPTransportSettings.Address], in directory: String
) throws -> Node<CASPaxos.Machine<Increment>> {
  let voters = addresses.keys.sorted()
  let settings = Settings(
    voter: voter, configuration: try Configuration(epoch: Epoch(1), voters: voters),
    seed: .random(in: .min ... .max))
  return try Node<CASPaxos.Machine<Increment>>(
    settings, voter: voter, of: ClusterID(token: "shop", voters: voters), in: directory,
    addresses: addresses, machine: "caspaxos")
}

func countVisit(on node: Node<CASPaxos.Machine<Increment>>) async throws -> Int64? {
  let visit = Proposal(key: "visits", operation: .change(Increment()))
  switch try await node.propose(visit).result {
  case .applied(let visits, _): return visits
  case .notApplied, .unknown, .read, .listed, .membership: return nil
  }
}

@Test func aNodeOnDiskAndTCPIsTenLines() async throws {
  let parent = TemporaryDirectory()
  var addresses: [VoterID: TCPTransportSettings.Address] = [:]
  for (index, port) in try freePorts(3).enumerated() {
    addresses[VoterID(UInt32(index + 1))] = .init("127.0.0.1", port)
  }
  func start() throws -> [Node<CASPaxos.Machine<Increment>>] {
    try addresses.keys.sorted().map { voter in
      let node = try makeShopNode(voter, at: addresses, in: "\(parent.path)/\(voter)")
      try node.start()
      return node
    }
  }
  var nodes = try start()
  #expect(try await countVisit(on: nodes[0]) == 1)
  #expect(try await countVisit(on: nodes[2]) == 2)
  for node in nodes { await node.stop() }
  nodes = try start()
  #expect(try await countVisit(on: nodes[1]) == 3)
  for node in nodes { await node.stop() }
}

@Test func aNodeThatHasNoAddressDoesNotStart() {
  #expect {
    try makeShopNode(VoterID(9), at: [VoterID(1): .init("127.0.0.1", 1)], in: "/nowhere")
  } throws: {
    "\($0)".contains("no address is given where voter 9 itself listens")
  }
}

typealias Registers = CASPaxos.Machine<ClosureChange<Void, Never>>

@Test func aNodeTakesAnyTransport() async throws {
  let three = [VoterID(1), VoterID(2), VoterID(3)]
  let disks = three.map { _ in MemoryDisk() }
  let network = MemoryNetwork()
  func makeNode(_ voter: VoterID, _ disk: MemoryDisk) throws -> Node<Registers> {
    let settings = Settings(
      voter: voter, configuration: try Configuration(epoch: Epoch(1), voters: three), seed: 7)
    let loop = try Loop()
    let transport = MemoryTransport(loop, network: network, voter: voter, peers: three)
    let storage = MemoryStorage(loop, disk: disk)
    return try Node<Registers>(settings, loop: loop, storage: storage, transport: transport)
  }
  let nodes = try zip(three, disks).map { try makeNode($0, $1) }
  for node in nodes { try node.start() }
  let hello = ClosureChange<Void, Never> { _ in .write("hello", ()) }
  let completion = try await nodes[0].propose(Proposal(key: "k", operation: .change(hello)))
  guard case .applied = completion.result else {
    Issue.record("the proposal was not applied: \(completion)")
    return
  }
  for node in nodes { await node.stop() }
}

/// A port that was free a moment ago, for each.
func freePorts(_ count: Int) throws -> [Int] {
  let loop = try Loop()
  defer { loop.close() }
  let listeners = try (0..<count).map { _ in
    try Listener(loop, on: SocketAddress(host: "127.0.0.1", port: 0)) { $0.close() }
  }
  defer { for listener in listeners { listener.close() } }
  return listeners.map(\.address.port)
}

/// Removed with everything in it when the test lets go of it.
final class TemporaryDirectory {
  let path: String

  init() {
    path = "/tmp/synod-test-\(UUID().uuidString)"
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
