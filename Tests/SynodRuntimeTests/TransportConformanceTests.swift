import Synod
import SynodConformance
import SynodWire
import Testing
import UV

@testable import SynodRuntime

/// TCP over loopback, every node on one loop.
final class TCPWorld: TransportWorld {
  private let bench: TCPBench
  private var transports: [TCPTransport] = []

  init() throws { bench = try TCPBench() }

  deinit { for transport in transports { transport.close {} } }

  func makeTransports(_ voters: [VoterID]) throws -> [any Transport] {
    // Ports that were free a moment ago: each has to know the others' before it starts.
    var ports: [VoterID: TCPTransportSettings.Address] = [:]
    let listeners = try voters.map { voter in
      let listener = try Listener(
        bench.world.loop, on: SocketAddress(host: "127.0.0.1", port: 0)
      ) { $0.close() }
      ports[voter] = .init("127.0.0.1", listener.address.port)
      return listener
    }
    for listener in listeners { listener.close() }
    transports = voters.map { voter in
      var settings = bench.settings(
        TCPBench.hello(voter.rawValue), peers: voters.map(\.rawValue))
      settings.peers = ports.filter { $0.key != voter }
      settings.listen = ports[voter] ?? settings.listen
      return TCPTransport(settings, loop: bench.world.loop, pins: MemoryPinBook())
    }
    return transports
  }

  func run(until condition: () -> Bool) -> Bool { bench.world.run(until: condition) }
}

@Suite struct TCPConformanceTests {
  @Test(arguments: TransportConformance.all.indices)
  func tcpHoldsToTheTransportsRules(_ index: Int) throws {
    let (name, check) = TransportConformance.all[index]
    do {
      try check { try TCPWorld() }
    } catch let violation as ConformanceViolation {
      Issue.record("\(name): \(violation)")
    }
  }
}

/// The in-memory transport, every node on one loop.
final class MemoryWorld: TransportWorld {
  private let world: LoopWorld
  private let network = MemoryNetwork()
  private var transports: [MemoryTransport] = []

  init() throws { world = try LoopWorld() }

  deinit {
    for transport in transports { transport.close {} }
    transports.removeAll()
    world.loop.close()
  }

  func makeTransports(_ voters: [VoterID]) throws -> [any Transport] {
    transports = voters.map {
      MemoryTransport(world.loop, network: network, voter: $0, peers: voters)
    }
    return transports
  }

  func run(until condition: () -> Bool) -> Bool { world.run(until: condition) }
}

@Suite struct MemoryConformanceTests {
  @Test(arguments: TransportConformance.all.indices)
  func memoryHoldsToTheTransportsRules(_ index: Int) throws {
    let (name, check) = TransportConformance.all[index]
    do {
      try check { try MemoryWorld() }
    } catch let violation as ConformanceViolation {
      Issue.record("\(name): \(violation)")
    }
  }
}
