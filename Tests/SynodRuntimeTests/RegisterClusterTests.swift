import CASPaxos
import Synchronization
import Synod
import Testing
import UV

@testable import SynodRuntime

/// Adds one to a register.
struct Increment: Change {
  func apply(to current: Register) -> Decision<UInt64, Never> {
    let next = Increment.number(current) + 1
    return .write(withUnsafeBytes(of: next.littleEndian) { Bytes(copying: $0) }, next)
  }

  static func number(_ register: Register) -> UInt64 {
    guard let value = register.value else { return 0 }
    var reader = ByteReader(value)
    return (try? reader.read(UInt64.self)) ?? 0
  }
}

typealias RegisterNode = Node<CASPaxos.Machine<Increment>>

/// Three nodes in one process, on three threads.
final class RegisterCluster: Sendable {
  static let voters = [VoterID(1), VoterID(2), VoterID(3)]
  let network = MemoryNetwork()
  let disks = voters.map { _ in MemoryDisk() }
  private let nodes = Mutex<[RegisterNode]>([])
  private let checkpointEvery: Int

  init(checkpointEvery: Int = 10_000) throws {
    self.checkpointEvery = checkpointEvery
    for place in 0..<3 {
      let node = try make(place)
      nodes.withLock { $0.append(node) }
    }
  }

  subscript(place: Int) -> RegisterNode { nodes.withLock { $0[place] } }

  private func make(_ place: Int) throws -> RegisterNode {
    let loop = try Loop()
    let voter = Self.voters[place]
    let configuration = try Configuration(epoch: Epoch(1), voters: Self.voters)
    let node = try RegisterNode(
      Settings(voter: voter, configuration: configuration, seed: 11), loop: loop,
      storage: MemoryStorage(loop, disk: disks[place], checkpointEvery: checkpointEvery),
      transport: MemoryTransport(loop, network: network, voter: voter, peers: Self.voters))
    try node.start()
    return node
  }

  /// Cuts the power of a node, keeping some of what it had not synced, and starts it again.
  func restart(_ place: Int, keepingUnsynced kept: Int) async throws {
    disks[place].crash(keepingUnsynced: kept)
    await self[place].stop()
    let node = try make(place)
    nodes.withLock { $0[place] = node }
  }

  func stop() async {
    for node in nodes.withLock({ $0 }) { await node.stop() }
  }

  enum Outcome { case applied, notApplied, unknown }

  func increment(_ key: Bytes, at place: Int) async -> Outcome {
    do {
      switch try await self[place].propose(.init(key: key, operation: .change(Increment()))).result
      {
      case .applied: return .applied
      case .read, .listed, .membership, .notApplied: return .notApplied
      case .unknown: return .unknown
      }
    } catch {
      switch error {
      case .stoppedMeanwhile: return .unknown
      case .stopped, .lowOnSpace, .storeBehind, .storage, .record, .transport, .system:
        return .notApplied
      }
    }
  }

  func read(_ key: Bytes, at place: Int) async throws -> UInt64? {
    let completion = try await self[place].propose(.init(key: key, operation: .read))
    guard case .read(let register) = completion.result else { return nil }
    return Increment.number(register)
  }
}

/// How the increments of many tasks ended.
private final class Tally: Sendable {
  private let state = Mutex((applied: UInt64(0), unknown: UInt64(0), isOver: false))

  var applied: UInt64 { state.withLock { $0.applied } }
  var unknown: UInt64 { state.withLock { $0.unknown } }
  var isOver: Bool { state.withLock { $0.isOver } }

  func count(_ outcome: RegisterCluster.Outcome) {
    state.withLock {
      if outcome == .applied { $0.applied += 1 }
      if outcome == .unknown { $0.unknown += 1 }
    }
  }

  func end() { state.withLock { $0.isOver = true } }
}

@Suite struct RegisterClusterTests {
  @Test func incrementsOfManyTasksOverThreeNodesEndAtTheExactSum() async throws {
    let cluster = try RegisterCluster()
    await withTaskGroup(of: Void.self) { group in
      for task in 0..<30 {
        group.addTask {
          for _ in 0..<10 {
            #expect(await cluster.increment("counter", at: task % 3) == .applied)
          }
        }
      }
    }
    for place in 0..<3 { #expect(try await cluster.read("counter", at: place) == 300) }
    await cluster.stop()
  }

  @Test func lossesDelayAndLoseNothing() async throws {
    let cluster = try RegisterCluster()
    cluster.network.lose(permille: 50, seed: 3)
    await withTaskGroup(of: Void.self) { group in
      for task in 0..<6 {
        group.addTask {
          for i in 0..<10 {
            let key = Bytes("key \(i % 4)")
            #expect(await cluster.increment(key, at: task % 3) == .applied)
          }
        }
      }
    }
    cluster.network.heal()
    var sum: UInt64 = 0
    for i in 0..<4 { sum += try await cluster.read(Bytes("key \(i)"), at: i % 3) ?? 0 }
    #expect(sum == 60)
    await cluster.stop()
  }

  /// Every node loses its power in turn, with and without a part of what it had not synced, while
  /// all of them are written to.
  @Test func nodesThatAreKilledAndRestartedLoseNothingThatWasAcknowledged() async throws {
    let cluster = try RegisterCluster(checkpointEvery: 50)
    let tally = Tally()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for task in 0..<9 {
        group.addTask {
          while !tally.isOver {
            let outcome = await cluster.increment(Bytes("key \(task % 2)"), at: task % 3)
            tally.count(outcome)
            if outcome == .notApplied { try await Task.sleep(for: .milliseconds(1)) }
          }
        }
      }
      for round in 0..<9 {
        let before = tally.applied
        while tally.applied < before + 30 {
          try await Task.sleep(for: .milliseconds(1))
        }
        try await cluster.restart(round % 3, keepingUnsynced: round / 3)
      }
      tally.end()
      try await group.waitForAll()
    }
    var sum: UInt64 = 0
    for i in 0..<2 { sum += try await cluster.read(Bytes("key \(i)"), at: i) ?? 0 }
    #expect(sum >= tally.applied)
    #expect(sum <= tally.applied + tally.unknown)
    await cluster.stop()
  }
}
