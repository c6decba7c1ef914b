import Synod
import SynodWire
import Testing
import UV

@testable import SynodRuntime

@Suite struct TCPTransportTests {
  @Test func twoNodesConnectOnceAndExchangePayloads() throws {
    let bench = try TCPBench()
    let (one, two) = try bench.startPair()
    #expect(bench.world.run { bench.isConnected(1, 2) && bench.isConnected(2, 1) })
    // What is said on the connection that gives way to the other is lost.
    #expect(
      bench.world.run {
        one.broadcast("to all")
        one.flush()
        two.send("to one", to: VoterID(1))
        two.flush()
        return bench.has("to all", at: 2) && bench.has("to one", at: 1)
      })
    #expect(Set((bench.received[VoterID(2)] ?? []).map(\.sender)) == [VoterID(1)])
  }

  @Test func aPairThatDialsBothWaysKeepsOneConnection() throws {
    for seed in 0..<10 as Range<UInt64> {
      let bench = try TCPBench()
      var settings = [
        bench.settings(TCPBench.hello(1), peers: [2, 3]),
        bench.settings(TCPBench.hello(2), peers: [1, 3]),
        bench.settings(TCPBench.hello(3), peers: [1, 2]),
      ]
      for i in 0..<3 {
        settings[i].seed = seed
        try bench.start(settings[i], locate: false)
      }
      bench.locateEverybody()
      // Each is connected, and no second connection of a pair is left over, at either side.
      let settled = bench.world.run {
        bench.transports.values.allSatisfy {
          $0.peers.allSatisfy { $0.state == .connected } && $0.connections.count == 2
        }
      }
      #expect(settled)
      for (a, b) in [(1, 2), (2, 3), (3, 1)] as [(UInt32, UInt32)] {
        #expect(bench.deliver(Bytes("\(a) to \(b)"), from: a, to: b))
      }
    }
  }

  @Test func aKilledConnectionComesBack() throws {
    let bench = try TCPBench()
    let (one, two) = try bench.startPair()
    let proxy = try proxy(bench, between: one, and: two)
    for round in 0..<3 {
      #expect(bench.deliver(Bytes("round \(round)"), from: 1, to: 2))
      #expect(bench.deliver(Bytes("round \(round)"), from: 2, to: 1))
      let carried = proxy.carried
      proxy.cut()
      #expect(bench.world.run { proxy.carried > carried })
    }
    #expect(bench.deliver("at last", from: 1, to: 2))
    #expect(proxy.carried >= 4)
    proxy.close()
  }

  /// A proxy that carries all that the two say to each other.
  func proxy(
    _ bench: TCPBench, between one: TCPTransport, and two: TCPTransport
  ) throws -> FaultProxy {
    let port = try #require(two.listening?.port)
    let proxy = try FaultProxy(bench.world.loop, to: .init("127.0.0.1", port))
    one.locate(VoterID(2), at: proxy.address)
    two.locate(VoterID(1), at: .init("127.0.0.1", 1))
    // What they had before the proxy stood there goes.
    one.refuse(VoterID(2), because: "it is to go through the proxy")
    return proxy
  }

  @Test func aDamagedFrameClosesTheConnectionAndItComesBack() throws {
    let bench = try TCPBench()
    let (one, two) = try bench.startPair()
    let proxy = try proxy(bench, between: one, and: two)
    #expect(bench.deliver("good", from: 1, to: 2))
    let carried = proxy.carried
    proxy.damagesNext = 100
    one.send(Bytes(Array(repeating: 7, count: 200)), to: VoterID(2))
    one.flush()
    #expect(
      bench.world.run { bench.log.lines.contains { $0.contains("body has a wrong checksum") } })
    #expect(bench.deliver("good again", from: 1, to: 2))
    #expect(proxy.carried > carried)
    let payloads = bench.received[VoterID(2), default: []].map(\.payload)
    #expect(payloads.allSatisfy { $0 == "good" || $0 == "good again" })
    proxy.close()
  }

  @Test func aPeerThatGoesSilentIsNoticedThoughNothingIsClosed() throws {
    let bench = try TCPBench()
    var settings = bench.settings(TCPBench.hello(1), peers: [2])
    settings.session.pingInterval = 20_000
    let one = try bench.start(settings)
    let two = try bench.start(bench.settings(TCPBench.hello(2), peers: [1]))
    let proxy = try proxy(bench, between: one, and: two)
    #expect(bench.deliver("before", from: 1, to: 2))
    #expect(bench.world.run { (one.peers[0].roundTripMicroseconds ?? 0) > 0 })
    proxy.isStalled = true
    #expect(bench.world.run { bench.reason(1, 2).contains("did not answer") })
    proxy.isStalled = false
    #expect(bench.deliver("after", from: 1, to: 2))
    proxy.close()
  }

  @Test func aPeerIsFoundByName() throws {
    let bench = try TCPBench()
    let (one, two) = try bench.startPair()
    let port = try #require(two.listening?.port)
    two.locate(VoterID(1), at: .init("127.0.0.1", 1))
    one.locate(VoterID(2), at: .init("localhost", port))
    #expect(bench.deliver("by name", from: 1, to: 2))
    one.locate(VoterID(2), at: .init("no-such-host.invalid", port))
    one.refuse(VoterID(2), because: "it moves")
    #expect(bench.world.run { bench.reason(1, 2).contains("no-such-host.invalid") })
  }

  /// Addresses are handed on: for a while one leads to another node, or to this one itself.
  @Test(arguments: [true, false])
  func aPeerIsDialedAgainAfterAnotherAnsweredInItsPlace(_ isItself: Bool) throws {
    let bench = try TCPBench()
    let one = try bench.start(bench.settings(TCPBench.hello(1), peers: [2, 3]), locate: false)
    let two = try bench.start(bench.settings(TCPBench.hello(2), peers: [1]), locate: false)
    let three = try bench.start(bench.settings(TCPBench.hello(3), peers: [1]), locate: false)
    let wrong = try #require((isItself ? one : three).listening?.port)
    one.locate(VoterID(2), at: .init("127.0.0.1", wrong))
    let told = isItself ? "two nodes say" : "leads to voter 3"
    #expect(bench.world.run { bench.reason(1, 2).contains(told) })
    one.locate(VoterID(2), at: .init("127.0.0.1", try #require(two.listening?.port)))
    #expect(bench.deliver("here", from: 1, to: 2))
  }

  @Test func aNodeListensByNameOrSaysThatTheNameHasNoAddress() throws {
    let bench = try TCPBench()
    var settings = bench.settings(TCPBench.hello(1), peers: [2])
    settings.listen.host = "localhost"
    let one = try bench.start(settings)
    #expect((one.listening?.port ?? 0) > 0)
    settings.listen.host = "no-such-host.invalid"
    #expect(throws: UVError.unknownHost("no-such-host.invalid")) {
      try TCPTransport(settings, loop: bench.world.loop, pins: MemoryPinBook())
        .start(TransportEvents { _, _ in })
    }
    settings.listen.host = "192.0.2.1"
    #expect(throws: UVError.addressNotAvailable("192.0.2.1:0")) {
      try TCPTransport(settings, loop: bench.world.loop, pins: MemoryPinBook())
        .start(TransportEvents { _, _ in })
    }
  }

  @Test func aPortInUseIsATypedErrorThatNamesTheAddress() throws {
    let bench = try TCPBench()
    let one = try bench.start(bench.settings(TCPBench.hello(1), peers: [2]))
    let port = try #require(one.listening?.port)
    var settings = bench.settings(TCPBench.hello(2), peers: [1])
    settings.listen = .init("127.0.0.1", port)
    #expect(throws: UVError.addressInUse("127.0.0.1:\(port)")) {
      try bench.start(settings)
    }
  }

  @Test func aRefusedPeerIsToldAndComesBackLater() throws {
    let bench = try TCPBench()
    let (one, _) = try bench.startPair()
    #expect(bench.deliver("a", from: 2, to: 1))
    one.refuse(VoterID(2), because: "its message has no end")
    #expect(bench.reason(1, 2).contains("its message has no end"))
    #expect(bench.deliver("b", from: 2, to: 1))
    #expect(bench.log.lines.contains { $0.contains("its message has no end") })
  }

  @Test func aNodeThatLeavesSaysSoAndIsFoundWhenItIsBack() throws {
    let bench = try TCPBench()
    let (_, two) = try bench.startPair()
    #expect(bench.deliver("a", from: 1, to: 2))
    var isClosed = false
    two.close { isClosed = true }
    #expect(
      bench.world.run {
        isClosed && bench.log.lines.contains { $0.contains("shutting down") }
      })
    bench.transports[VoterID(2)] = nil
    try bench.start(bench.settings(TCPBench.hello(2, incarnation: 2), peers: [1]))
    #expect(bench.deliver("b", from: 1, to: 2))
    #expect(bench.deliver("c", from: 2, to: 1))
  }

  @Test func aRestartedPeerTakesThePlaceOfItsDeadConnection() throws {
    let bench = try TCPBench()
    let (one, two) = try bench.startPair()
    let proxy = try proxy(bench, between: one, and: two)
    #expect(bench.deliver("a", from: 1, to: 2))
    // Its computer loses power: nothing closes the connection that node 1 dialed.
    proxy.isStalled = true
    two.close {}
    #expect(bench.isConnected(1, 2))
    try bench.start(bench.settings(TCPBench.hello(2, incarnation: 2), peers: [1]))
    #expect(bench.deliver("b", from: 2, to: 1))
    #expect(bench.deliver("c", from: 1, to: 2))
    proxy.close()
  }

  @Test func countersSurviveTheConnectionThatTheyCounted() throws {
    let bench = try TCPBench()
    let (one, _) = try bench.startPair()
    one.send("nobody is there yet", to: VoterID(2))
    #expect(one.peers[0].dropped == 1)
    #expect(bench.deliver(Bytes(Array(repeating: 1, count: 5_000)), from: 1, to: 2))
    let before = one.peers[0]
    #expect(before.sentBytes > 5_000)
    one.refuse(VoterID(2), because: "a test")
    #expect(one.peers[0].sentBytes >= before.sentBytes)
    #expect(one.peers[0].dropped >= 1)
  }

  @Test func aFilterStandsBetweenStreamAndSession() throws {
    let bench = try TCPBench()
    var filters: [MaskFilter] = []
    for voter in [1, 2] as [UInt32] {
      var settings = bench.settings(TCPBench.hello(voter), peers: [3 - voter])
      settings.makeFilter = { _ in
        filters.append(MaskFilter())
        return filters[filters.count - 1]
      }
      try bench.start(settings)
    }
    let payload = Bytes(Array(repeating: 9, count: 100_000))
    #expect(bench.deliver(payload, from: 1, to: 2))
    #expect(bench.deliver(payload, from: 2, to: 1))
    #expect(filters.allSatisfy { !$0.sawMagic })
    // One without the filter is not let in.
    let plain = try bench.start(bench.settings(TCPBench.hello(3), peers: [1]))
    #expect(bench.world.run { filters.contains { $0.sawMagic } })
    #expect(plain.peers[0].state != .connected)
  }
}

/// Masks every byte, and refuses what was not masked.
final class MaskFilter: StreamFilter {
  struct NotMasked: Error {}
  private(set) var sawMagic = false
  private var isFirst = true

  func receive(
    _ bytes: UnsafeRawBufferPointer, plain: (UnsafeRawBufferPointer) -> Void,
    write _: ([StreamBuffer]) -> Void
  ) throws {
    if isFirst, bytes.starts(with: Array("SYNW".utf8)) {
      sawMagic = true
      throw NotMasked()
    }
    isFirst = false
    bytes.map { $0 ^ 0x5a }.withUnsafeBytes(plain)
  }

  func send(_ parts: [StreamBuffer], write: ([StreamBuffer]) -> Void) {
    let masked = Bytes(parts.flatMap { part in part.bytes.map { $0 ^ 0x5a } })
    write([StreamBuffer(owner: Keeper(masked), bytes: masked.unsafeBuffer)])
  }
}
