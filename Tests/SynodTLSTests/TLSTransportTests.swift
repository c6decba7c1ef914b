#if TLS
  import Logging
  import Synchronization
  import Synod
  import SynodConformance
  import SynodRuntime
  import SynodWire
  import Testing
  import UV

  @testable import SynodTLS

  /// TCP over loopback with TLS, every node on one loop.
  final class TLSWorld: TransportWorld {
    let loop: Loop
    let bench: TLSBench
    let log = Lines()
    private(set) var transports: [TCPTransport] = []
    /// The certificates of voters that are not just their own.
    var contexts: [VoterID: TLSContext] = [:]
    /// Microseconds.
    var handshakeTime: UInt64 = 5_000_000

    init() throws {
      loop = try Loop()
      bench = try TLSBench()
    }

    deinit {
      for transport in transports { transport.close {} }
      transports.removeAll()
      loop.close()
    }

    func makeTransports(_ voters: [VoterID]) throws -> [any Transport] {
      var places: [VoterID: TCPTransportSettings.Address] = [:]
      // Ports that were free a moment ago: each has to know the others' before it starts.
      let listeners = try voters.map { voter in
        let listener = try Listener(loop, on: SocketAddress(host: "127.0.0.1", port: 0)) {
          $0.close()
        }
        places[voter] = .init("127.0.0.1", listener.address.port)
        return listener
      }
      for listener in listeners { listener.close() }
      transports = try voters.map { try transport($0, places) }
      return transports
    }

    private func transport(
      _ voter: VoterID, _ places: [VoterID: TCPTransportSettings.Address]
    ) throws -> TCPTransport {
      let hello = Hello(
        cluster: ClusterID(Identity128(high: 1, low: 2)), voter: voter,
        store: StoreID(Identity128(high: 3, low: UInt64(voter.rawValue))), incarnation: 1,
        epoch: Epoch(1))
      var settings = TCPTransportSettings(
        hello: hello, listen: places[voter] ?? .init("127.0.0.1", 0), peers: places, seed: 1,
        logger: log.logger)
      settings.firstRetry = 5
      settings.longestRetry = 40
      settings.lingerTime = 50
      settings.session.handshakeTime = handshakeTime
      let own = TLSBench.name(voter.rawValue)
      let context = try contexts[voter] ?? bench.node(voter.rawValue)
      settings.makeFilter = { TLSFilter(context, .node(own: own, dials: $0 != nil)) }
      return TCPTransport(settings, loop: loop, pins: MemoryPinBook())
    }

    func run(until condition: () -> Bool) -> Bool {
      withoutActuallyEscaping(condition) { condition in
        var holds = condition()
        if holds { return true }
        let deadline = loop.microseconds + 20_000_000
        let timer = Timer(loop) { [loop] in
          holds = condition()
          if holds || loop.microseconds > deadline { loop.stop() }
        }
        timer.start(every: 1)
        loop.run()
        timer.close()
        return holds
      }
    }

    /// Two voters, the second with that certificate; gives what the log says once a line has all `words`.
    func pair(_ second: TLSContext, until words: [String]) throws -> Bool {
      contexts[VoterID(2)] = second
      for transport in try makeTransports([VoterID(1), VoterID(2)]) {
        try transport.start(TransportEvents { _, _ in Issue.record("a payload arrived") })
      }
      return run {
        for transport in self.transports {
          transport.broadcast("x")
          transport.flush()
        }
        return words.allSatisfy { word in self.log.lines.contains { $0.contains(word) } }
      }
    }
  }

  /// What a logger was told.
  final class Lines: LogHandler, Sendable {
    private let storage = Mutex<[String]>([])
    var lines: [String] { storage.withLock { $0 } }
    var logger: Logger { Logger(label: "test") { _ in self } }

    var metadata: Logger.Metadata {
      get { [:] }
      set {}
    }
    var logLevel: Logger.Level {
      get { .trace }
      set {}
    }
    subscript(metadataKey _: String) -> Logger.Metadata.Value? {
      get { nil }
      set {}
    }
    func log(event: LogEvent) { storage.withLock { $0.append("\(event.level) \(event.message)") } }
  }

  @Suite struct TLSTransportTests {
    @Test(arguments: TransportConformance.all.indices)
    func tcpWithTLSHoldsToTheTransportsRules(_ index: Int) throws {
      let (name, check) = TransportConformance.all[index]
      do {
        try check { try TLSWorld() }
      } catch let violation as ConformanceViolation {
        Issue.record("\(name): \(violation)")
      }
    }

    @Test func whoNeverShakesHandsIsClosed() throws {
      let world = try TLSWorld()
      world.handshakeTime = 50_000
      let transport = try world.makeTransports([VoterID(1)])[0]
      try transport.start(TransportEvents { _, _ in Issue.record("a payload arrived") })
      let place = try #require((transport as? TCPTransport)?.listening)
      // One says nothing, one begins.
      var open = 2
      let beginning = Bytes([0x16, 3, 1, 2, 0, 1, 0])
      for says in [false, true] {
        TCPStream.connect(world.loop, to: place) { result in
          guard case .success(let stream) = result else { return }
          stream.onRead = { _ in Issue.record("it was answered") }
          stream.onEnd = { _ in
            open -= 1
            stream.close()
          }
          stream.startReading()
          if says {
            stream.write(StreamBuffer(owner: world, bytes: beginning.unsafeBuffer))
          }
        }
      }
      #expect(world.run { open == 0 })
      #expect(world.log.lines.contains { $0.contains("the handshake took too long") })
      withExtendedLifetime(beginning) {}
    }

    @Test func aPeerOfAnotherAuthorityIsRefusedAndSoItIsSaid() throws {
      let (world, other) = (try TLSWorld(), try TLSBench("another"))
      let second = try other.context(
        .node(TLSBench.name(2), hosts: []), trusting: world.bench)
      #expect(
        try world.pair(
          second,
          until: [
            "the certificate of synod://t/voter/2 was refused: unable to get local issuer",
            "the other side refused this node's certificate, or its TLS: unknown ca",
          ]), "\(world.log.lines)")
    }

    @Test func aPeerWhoseCertificateHasExpiredIsRefusedAndSoItIsSaid() throws {
      let world = try TLSWorld()
      let second = try world.bench.node(2, valid: .init(from: -7200, until: -60))
      #expect(
        try world.pair(
          second,
          until: [
            "the certificate of synod://t/voter/2 was refused: certificate has expired",
            "the other side refused this node's certificate, or its TLS: certificate expired",
          ]), "\(world.log.lines)")
    }

    @Test func aPeerOfAnotherClusterIsRefusedAndSoItIsSaid() throws {
      let world = try TLSWorld()
      #expect(
        try world.pair(
          try world.bench.node(2, of: "u"),
          until: ["it says that it is voter 2, and its certificate names synod://u/voter/2, not"]),
        "\(world.log.lines)")
    }

    @Test func aPeerThatSaysItIsAnotherVoterIsRefusedAndSoItIsSaid() throws {
      let world = try TLSWorld()
      #expect(
        try world.pair(
          try world.bench.node(3),
          until: [
            "it says that it is voter 2, and its certificate names synod://t/voter/3, not",
            "refused by the peer: the certificate does not name voter 2",
          ]), "\(world.log.lines)")
    }
  }
#endif
