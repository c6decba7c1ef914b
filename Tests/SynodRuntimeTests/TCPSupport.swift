import Logging
import Synod
import SynodConformance
import SynodWire
import Synchronization
import UV

@testable import SynodRuntime

/// A loop that a test runs until something holds.
final class LoopWorld {
  let loop: Loop
  /// Gives up after this many milliseconds; far more than anything here takes.
  static let patience: UInt64 = 20_000

  init() throws { loop = try Loop() }

  func run(until condition: () -> Bool) -> Bool {
    withoutActuallyEscaping(condition) { condition in
      var holds = condition()
      if holds { return true }
      let deadline = loop.microseconds + Self.patience * 1_000
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

  /// Lets that many milliseconds pass.
  func run(milliseconds: UInt64) {
    let end = loop.microseconds + milliseconds * 1_000
    _ = run { self.loop.microseconds >= end }
  }
}

/// What a logger was told.
final class LogRecorder: LogHandler, Sendable {
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
  func log(event: LogEvent) {
    storage.withLock { $0.append("\(event.level) \(event.message)") }
  }
}

/// Nodes without a machine: transports and what they received.
final class TCPBench {
  let world: LoopWorld
  let log = LogRecorder()
  var transports: [VoterID: TCPTransport] = [:]
  var received: [VoterID: [(payload: Bytes, sender: VoterID)]] = [:]
  var ofGuests: [VoterID: [(payload: Bytes, sender: VoterID)]] = [:]

  init() throws { world = try LoopWorld() }

  deinit {
    for transport in transports.values { transport.close {} }
    world.loop.close()
  }

  static func hello(
    _ voter: UInt32, store: UInt64? = nil, incarnation: UInt64 = 1, cluster: UInt64 = 7
  ) -> Hello {
    Hello(
      cluster: ClusterID(Identity128(high: cluster, low: 0)), voter: VoterID(voter),
      store: TCPBench.store(store ?? UInt64(voter)), incarnation: incarnation, epoch: Epoch(1))
  }

  static func store(_ number: UInt64) -> StoreID { StoreID(Identity128(high: 0xd15c, low: number)) }

  /// Settings with short waits; peers are located when they have started.
  func settings(_ hello: Hello, peers: [UInt32]) -> TCPTransportSettings {
    // Nobody listens on port 1; a peer's real port comes by `locate`.
    let entries = peers.map { (VoterID($0), TCPTransportSettings.Address("127.0.0.1", 1)) }
    var settings = TCPTransportSettings(
      hello: hello, listen: .init("127.0.0.1", 0),
      peers: Dictionary(uniqueKeysWithValues: entries), seed: 1, logger: log.logger)
    settings.firstRetry = 5
    settings.longestRetry = 40
    settings.lingerTime = 50
    return settings
  }

  @discardableResult
  func start(
    _ settings: TCPTransportSettings, pins: any PinBook = MemoryPinBook(),
    locate: Bool = true
  ) throws -> TCPTransport {
    let transport = TCPTransport(settings, loop: world.loop, pins: pins)
    let voter = settings.session.hello.voter
    try transport.start(
      TransportEvents(
        received: { [weak self] payload, sender in
          self?.received[voter, default: []].append((payload, sender))
        },
        receivedOfGuest: { [weak self] payload, sender in
          self?.ofGuests[voter, default: []].append((payload, sender))
        }))
    transports[voter] = transport
    if locate { locateEverybody() }
    return transport
  }

  /// Tells everybody the ports that the system chose.
  func locateEverybody() {
    for (voter, transport) in transports {
      guard let port = transport.listening?.port else { continue }
      for other in transports.values { other.locate(voter, at: .init("127.0.0.1", port)) }
    }
  }

  func startPair() throws -> (TCPTransport, TCPTransport) {
    let one = try start(settings(Self.hello(1), peers: [2]))
    return (one, try start(settings(Self.hello(2), peers: [1])))
  }

  func isConnected(_ a: UInt32, _ b: UInt32) -> Bool {
    transports[VoterID(a)]?.peers.first { $0.voter == VoterID(b) }?.state == .connected
  }

  func reason(_ a: UInt32, _ b: UInt32) -> String {
    switch transports[VoterID(a)]?.peers.first(where: { $0.voter == VoterID(b) })?.state {
    case .down(let reason): reason
    case .connected, .connecting, nil: ""
    }
  }

  func has(_ payload: Bytes, at voter: UInt32) -> Bool {
    received[VoterID(voter), default: []].contains { $0.payload == payload }
  }

  /// Sends until it arrives; false where it never does.
  func deliver(_ payload: Bytes, from a: UInt32, to b: UInt32) -> Bool {
    world.run {
      self.transports[VoterID(a)]?.send(payload, to: VoterID(b))
      self.transports[VoterID(a)]?.flush()
      return self.has(payload, at: b)
    }
  }
}

/// A stretch of network that can be cut, stopped or made to damage what it carries.
final class FaultProxy {
  private let loop: Loop
  private var listener: Listener?
  private let target: TCPTransportSettings.Address
  private var pairs: [(TCPStream, TCPStream)] = []
  /// Connections that it carried.
  private(set) var carried = 0
  /// Flips a bit of the next bytes that are at least this long.
  var damagesNext: Int?
  /// Carries nothing more, and closes nothing.
  var isStalled = false

  init(_ loop: Loop, to target: TCPTransportSettings.Address) throws {
    self.loop = loop
    self.target = target
    listener = try Listener(loop, on: SocketAddress(host: "127.0.0.1", port: 0)) { [weak self] in
      self?.carry($0)
    }
  }

  var address: TCPTransportSettings.Address { .init("127.0.0.1", listener?.address.port ?? 0) }

  private func carry(_ near: TCPStream) {
    guard let address = try? SocketAddress(host: target.host, port: target.port) else { return }
    TCPStream.connect(loop, to: address) { [weak self] result in
      guard let self, case .success(let far) = result else { return near.close() }
      self.carried += 1
      self.pairs.append((near, far))
      self.join(near, far)
      self.join(far, near)
    }
  }

  private func join(_ from: TCPStream, _ to: TCPStream) {
    from.onRead = { [weak self] bytes in
      guard let self, !self.isStalled else { return }
      var copy = Array(bytes)
      if let least = self.damagesNext, copy.count >= least {
        copy[copy.count - 3] ^= 0x20
        self.damagesNext = nil
      }
      let sent = Bytes(copy)
      to.write(StreamBuffer(owner: Keeper(sent), bytes: sent.unsafeBuffer))
    }
    from.onEnd = { _ in
      from.close()
      to.closeAfterWrites()
    }
    from.startReading()
  }

  /// Kills every connection.
  func cut() {
    for (near, far) in pairs {
      near.close()
      far.close()
    }
    pairs.removeAll()
  }

  func close() {
    cut()
    listener?.close()
  }
}

/// Keeps bytes alive while they are written.
final class Keeper {
  let bytes: Bytes
  init(_ bytes: Bytes) { self.bytes = bytes }
}

/// A connection of a test's own, which says what it likes.
final class RawClient {
  private(set) var stream: TCPStream?
  private(set) var end: StreamEnd?
  private(set) var read: [UInt8] = []

  init(_ loop: Loop, to transport: TCPTransport, then: @escaping (RawClient) -> Void = { _ in }) {
    guard let address = transport.listening else { return }
    TCPStream.connect(loop, to: address) { result in
      guard case .success(let stream) = result else { return self.end = .closed }
      self.stream = stream
      stream.onRead = { self.read.append(contentsOf: $0) }
      stream.onEnd = {
        self.end = $0
        stream.close()
      }
      stream.startReading()
      then(self)
    }
  }

  func write(_ bytes: Bytes) {
    stream?.write(StreamBuffer(owner: Keeper(bytes), bytes: bytes.unsafeBuffer))
  }

  func write(_ frame: Frame) { write(frame.encoded) }

  static func frame(_ type: FrameType, _ value: some ByteCodable) -> Frame {
    var writer = ByteWriter()
    value.encode(into: &writer)
    return Frame(type, writer.finish(), version: 1)
  }

  /// The refusal that it was given, where it was.
  var refusal: Refusal? {
    var parser = FrameParser(limits: FrameLimits(payload: 1 << 20))
    return read.withUnsafeBytes { bytes in
      var input = bytes
      while let frame = try? parser.next(&input) {
        var reader = ByteReader(frame.body)
        if frame.type == .refusal { return try? Refusal(from: &reader) }
      }
      return nil
    }
  }
}
