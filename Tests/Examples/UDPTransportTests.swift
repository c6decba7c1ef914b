import CASPaxos
import Synod
import SynodConformance
import SynodRuntime
import Testing
import UV

/// Transports on one loop, for the conformance suite.
final class UDPWorld: TransportWorld {
  private let loop: Loop
  private var transports: [UDPTransport] = []

  init() throws { loop = try Loop() }

  deinit {
    for transport in transports { transport.close {} }
    loop.close()
  }

  func makeTransports(_ voters: [VoterID]) throws -> [any Transport] {
    let sockets = try voters.map { _ in try UDPSocket(on: .loopback(0)) }
    let addresses = Dictionary(uniqueKeysWithValues: zip(voters, sockets.map(\.address)))
    transports = zip(voters, sockets).map { voter, socket in
      UDPTransport(
        loop, socket, voter: voter, peers: addresses.filter { $0.key != voter })
    }
    return transports
  }

  func run(until condition: () -> Bool) -> Bool {
    withoutActuallyEscaping(condition) { condition in
      let deadline = loop.microseconds + 20_000_000
      var holds = condition()
      let timer = Timer(loop) { [loop] in
        holds = holds || condition()
        if holds || loop.microseconds > deadline { loop.stop() }
      }
      timer.start(every: 1)
      if !holds { loop.run() }
      timer.close()
      return holds
    }
  }
}

@Test(arguments: TransportConformance.all.indices)
func theTransportOnUDPHoldsToTheRules(_ index: Int) throws {
  let (name, check) = TransportConformance.all[index]
  do {
    try check { try UDPWorld() }
  } catch let violation as ConformanceViolation {
    Issue.record("\(name): \(violation)")
  }
}

@Test func aRegisterIsKeptOverUDP() async throws {
  let voters = [VoterID(1), VoterID(2), VoterID(3)]
  let sockets = try voters.map { _ in try UDPSocket(on: .loopback(0)) }
  let addresses = Dictionary(uniqueKeysWithValues: zip(voters, sockets.map(\.address)))
  let nodes = try zip(voters, sockets).map { voter, socket in
    let loop = try Loop()
    let configuration = try Configuration(epoch: Epoch(1), voters: voters)
    return try Node<CASPaxos.Machine<Increment>>(
      Settings(voter: voter, configuration: configuration, seed: 3), loop: loop,
      storage: MemoryStorage(loop, disk: MemoryDisk()),
      transport: UDPTransport(
        loop, socket, voter: voter, peers: addresses.filter { $0.key != voter }))
  }
  for node in nodes { try node.start() }
  for visit in 1...10 as ClosedRange<Int64> {
    #expect(try await countVisit(on: nodes[Int(visit) % 3]) == visit)
  }
  for node in nodes { await node.stop() }
}

@Test func addressesOfDatagramsAreReadAsTheyAreWritten() {
  #expect(UDPAddress("127.0.0.1:7101").map { "\($0)" } == "127.0.0.1:7101")
  #expect(UDPAddress("127.0.0.1:7101") == .loopback(7101))
  for text in ["", "127.0.0.1", "127.0.0.1:", "127.0.0:1", "a:1", "127.0.0.1:65536", "::1:7"] {
    #expect(UDPAddress(text) == nil)
  }
}
