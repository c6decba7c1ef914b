import Synod
import SynodWire
import Testing
import UV

@testable import SynodRuntime

/// Three nodes whose every connection runs through a proxy that is cut, stalled and made to damage
/// bytes, as a seed says.
@Suite struct TCPChaosTests {
  @Test(arguments: 0..<6 as Range<UInt64>)
  func whateverTheNetworkDoesPayloadsAreWholeAndPairsMeetAgain(_ seed: UInt64) throws {
    let bench = try TCPBench()
    var random = SplitMix(seed: seed)
    for voter in 1...3 as ClosedRange<UInt32> {
      var settings = bench.settings(
        TCPBench.hello(voter), peers: [1, 2, 3].filter { $0 != voter })
      settings.seed = seed
      settings.session.pingInterval = 10_000
      settings.session.handshakeTime = 100_000
      try bench.start(settings, locate: false)
    }
    var proxies: [FaultProxy] = []
    for (from, to) in [(1, 2), (2, 1), (1, 3), (3, 1), (2, 3), (3, 2)] as [(UInt32, UInt32)] {
      let port = try #require(bench.transports[VoterID(to)]?.listening?.port)
      let proxy = try FaultProxy(bench.world.loop, to: .init("127.0.0.1", port))
      proxies.append(proxy)
      bench.transports[VoterID(from)]?.locate(VoterID(to), at: proxy.address)
    }
    var sent: [VoterID: Set<Bytes>] = [:]
    for step in 0..<100 {
      let from = VoterID(UInt32.random(in: 1...3, using: &random))
      let size = Int.random(in: 20...(step % 10 == 0 ? 200_000 : 500), using: &random)
      let payload = Bytes(
        "\(from) \(step) " + String(repeating: "x", count: size))
      sent[from, default: []].insert(payload)
      bench.transports[from]?.broadcast(payload)
      bench.transports[from]?.flush()
      let proxy = proxies[Int.random(in: 0..<6, using: &random)]
      switch Int.random(in: 0..<12, using: &random) {
      case 0: proxy.cut()
      case 1: proxy.damagesNext = Int.random(in: 1...400, using: &random)
      case 2: proxy.isStalled.toggle()
      default: break
      }
      bench.world.run(milliseconds: 1)
    }
    for proxy in proxies {
      proxy.isStalled = false
      proxy.damagesNext = nil
    }
    // Every pair is connected again, by one connection, and both ends hold the same one.
    let settled = bench.world.run {
      bench.transports.values.allSatisfy {
        $0.connections.count == 2 && $0.peers.allSatisfy { $0.state == .connected }
      }
    }
    #expect(settled, "\(bench.transports.values.map(\.peers))")
    for (a, b) in [(1, 2), (2, 1), (1, 3), (3, 1), (2, 3), (3, 2)] as [(UInt32, UInt32)] {
      #expect(bench.deliver(Bytes("\(a) to \(b) at last"), from: a, to: b))
    }
    for (_, letters) in bench.received {
      for (payload, sender) in letters where !payload.hasSuffix("at last") {
        #expect(sent[sender]?.contains(payload) == true, "from \(sender): \(payload.count) bytes")
      }
    }
    for proxy in proxies { proxy.close() }
  }
}

extension Bytes {
  fileprivate func hasSuffix(_ text: String) -> Bool {
    array.suffix(text.utf8.count) == Array(text.utf8)[...]
  }
}
