import Synod
import SynodWire
import Testing
import UV

@testable import SynodRuntime

@Suite struct TCPHostileTests {
  @Test func aPeerThatNeverReadsFillsOnlyItsOwnQueue() throws {
    let bench = try TCPBench()
    var settings = bench.settings(TCPBench.hello(1), peers: [2, 3])
    settings.session.queueLimit = 1 << 20
    let one = try bench.start(settings)
    try bench.start(bench.settings(TCPBench.hello(3), peers: [1]))
    // Voter 2 shakes hands, then reads no more.
    let deaf = RawClient(bench.world.loop, to: one) {
      $0.write(RawClient.frame(.hello, TCPBench.hello(2)))
      $0.write(Frame(.welcome, version: 1))
    }
    #expect(bench.world.run { bench.isConnected(1, 2) && bench.isConnected(1, 3) })
    deaf.stream?.stopReading()
    let payload = Bytes(Array(repeating: 3, count: 100_000))
    var most = 0
    for i in 0..<400 {
      one.broadcast(payload)
      one.flush()
      most = max(most, one.peers[0].queuedBytes)
      if i.isMultiple(of: 10) {
        #expect(bench.deliver(Bytes("still here \(i)"), from: 1, to: 3))
      }
    }
    // Its queue, and the one write that the socket did not take whole.
    #expect(most <= 2 << 20 + 200_000)
    #expect(one.peers[0].dropped > 100)
    #expect(bench.received[VoterID(3), default: []].count > 100)
    deaf.stream?.close()
  }

  @Test func aFloodOfHandshakesIsCappedAndPeersStillGetThrough() throws {
    let bench = try TCPBench()
    var settings = bench.settings(TCPBench.hello(1), peers: [2])
    settings.maxHandshakes = 8
    settings.session.handshakeTime = 60_000_000
    let one = try bench.start(settings)
    let flood = (0..<60).map { _ in RawClient(bench.world.loop, to: one) }
    #expect(bench.world.run { flood.count { $0.end != nil } >= 52 })
    #expect(one.connections.values.count { $0.host != nil && !$0.session.isOpen } == 8)
    #expect(bench.log.lines.count { $0.contains("have not said who they are") } == 1)
    try bench.start(bench.settings(TCPBench.hello(2), peers: [1]))
    #expect(bench.deliver("through", from: 2, to: 1))
    for client in flood { client.stream?.close() }
    #expect(bench.world.run { one.connections.count == 1 && one.acceptedByHost.count <= 1 })
  }

  /// Also where nobody else dials: whoever is silent longest goes, not the one that comes.
  @Test func silentConnectionsKeepNoPeerOut() throws {
    for (inAll, ofAddress) in [(8, 64), (64, 8)] {
      let bench = try TCPBench()
      var settings = bench.settings(TCPBench.hello(1), peers: [2])
      settings.maxHandshakes = inAll
      settings.maxHandshakesPerAddress = ofAddress
      settings.session.handshakeTime = 60_000_000
      let one = try bench.start(settings)
      let flood = (0..<20).map { _ in RawClient(bench.world.loop, to: one) }
      #expect(bench.world.run { flood.count { $0.end != nil } >= 12 })
      let two = try bench.start(bench.settings(TCPBench.hello(2), peers: [1]), locate: false)
      two.locate(VoterID(1), at: .init("127.0.0.1", try #require(one.listening?.port)))
      #expect(bench.deliver("through", from: 2, to: 1))
      #expect(one.connections.values.count { $0.host != nil && !$0.session.isOpen } == 7)
      for client in flood { client.stream?.close() }
    }
  }

  @Test func oneAddressDoesNotGetAllConnections() throws {
    let bench = try TCPBench()
    var settings = bench.settings(TCPBench.hello(1), peers: [2])
    settings.maxAcceptedPerAddress = 3
    let one = try bench.start(settings)
    let clients = (0..<10).map { _ in RawClient(bench.world.loop, to: one) }
    #expect(bench.world.run { clients.count { $0.end != nil } == 7 })
    clients.first { $0.end == nil }?.stream?.close()
    #expect(bench.world.run { one.acceptedByHost["127.0.0.1"] == 2 })
    let next = RawClient(bench.world.loop, to: one)
    #expect(bench.world.run { !next.read.isEmpty })
    for client in clients + [next] { client.stream?.close() }
  }

  @Test func whoNeverFinishesTheHandshakeIsCutOff() throws {
    let bench = try TCPBench()
    var settings = bench.settings(TCPBench.hello(1), peers: [2])
    settings.session.handshakeTime = 50_000
    let one = try bench.start(settings)
    let hello = RawClient.frame(.hello, TCPBench.hello(2)).encoded
    let client = RawClient(bench.world.loop, to: one)
    var sent = 0
    // A byte now and then does not put the deadline off.
    #expect(
      bench.world.run {
        if client.stream != nil, client.end == nil, sent < 60 {
          client.write(hello[sent..<(sent + 1)])
          sent += 1
        }
        return client.end != nil
      })
    #expect(one.connections.isEmpty)
  }

  @Test func garbageIsAnsweredByTheEndOfTheConnectionOnly() throws {
    let bench = try TCPBench()
    let one = try bench.start(bench.settings(TCPBench.hello(1), peers: [2]))
    for seed in 0..<40 as Range<UInt64> {
      var random = SplitMix(seed: seed)
      var bytes: [UInt8] = (0..<400).map { _ in UInt8.random(in: 0...255, using: &random) }
      if seed % 2 == 1 { bytes = RawClient.frame(.hello, TCPBench.hello(2)).encoded.array + bytes }
      let client = RawClient(bench.world.loop, to: one) { $0.write(Bytes(bytes)) }
      #expect(bench.world.run { client.end != nil })
      client.stream?.close()
    }
    #expect(bench.received.isEmpty)
    try bench.start(bench.settings(TCPBench.hello(2), peers: [1]))
    #expect(bench.deliver("well", from: 2, to: 1))
    // Forty strangers, a few lines.
    #expect(bench.log.lines.count < 10)
  }

  @Test func theLogSaysEachThingOnceInAWhile() {
    var limiter = LogLimiter<String>(interval: 1_000, maxKeys: 3)
    #expect(limiter.admits("a", at: 0) == (true, 0))
    for i in 1..<10 { #expect(limiter.admits("a", at: UInt64(i)) == (false, 0)) }
    #expect(limiter.admits("b", at: 10) == (true, 0))
    #expect(limiter.admits("a", at: 1_000) == (true, 9))
    #expect(limiter.admits("a", at: 1_001) == (false, 0))
    // Kinds beyond the limit share one.
    #expect(limiter.admits("c", at: 20) == (true, 0))
    #expect(limiter.admits("d", at: 30) == (true, 0))
    #expect(limiter.admits("e", at: 31) == (false, 0))
  }
}
