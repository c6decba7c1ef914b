import Synod
import SynodWire
import UV

/// One TCP connection of a `TCPTransport`: a stream and its session.
///
/// Bytes cross between the two in `arrived` and in `write` only, through a `StreamFilter` where the
/// settings make one. The stream's handlers hold the connection until the stream is closed.
final class TCPConnection {
  let stream: TCPStream
  /// Where the other side is, for people.
  let address: String
  /// The other side's host, which caps are counted by; nil where this side dialed.
  let host: String?
  private(set) var session: Session
  private weak var transport: TCPTransport?
  private let filter: (any StreamFilter)?
  /// The filter gave up; only its last words are still written.
  private var filterFailed = false
  /// Whether the peer was let in as a guest, without a look at its pin. It stays one: to be more, it
  /// says hello again.
  var isGuest = false
  /// Whether this connection's end was dealt with; it may linger.
  var isOver = false
  /// When a connection that lingers is closed, in microseconds.
  private(set) var lingerDeadline: UInt64?
  /// When it was begun, in microseconds.
  let beganAt: UInt64
  /// When the session was opened, in microseconds.
  var openedAt: UInt64?

  init(
    _ transport: TCPTransport, _ stream: TCPStream, dialed: VoterID?, address: String,
    host: String?
  ) {
    self.transport = transport
    self.stream = stream
    self.address = address
    self.host = host
    beganAt = stream.loop.microseconds
    filter = transport.settings.makeFilter?(dialed)
    session = Session(
      transport.settings.session, dialed: dialed, openedAt: beganAt)
    stream.setKeepAlive(idle: 5, interval: 4, count: 3)
    stream.setUserTimeout(milliseconds: 10_000)
    // Until its session is open; whom this side dialed, it knows.
    stream.isStranger = dialed == nil
  }

  /// Begins to read, and says hello.
  func start() {
    stream.onRead = { self.arrived($0) }
    stream.onDrained = { self.pump() }
    stream.onEnd = { self.ended($0) }
    stream.startReading()
    pump()
  }

  /// What tells this connection from another of the same pair; nil before the peer's hello.
  func identity(own: VoterID) -> ConnectionIdentity? {
    session.peer.map {
      ConnectionIdentity(
        dialer: session.dialed == nil ? $0.voter : own, incarnation: $0.incarnation)
    }
  }

  // MARK: - In

  private func arrived(_ bytes: UnsafeRawBufferPointer) {
    guard let filter else { return plainArrived(bytes) }
    guard !filterFailed else { return }
    do {
      try filter.receive(bytes, plain: { plainArrived($0) }, write: { stream.write($0) })
    } catch {
      filterFailed = true
      guard let transport else { return stream.close() }
      return transport.end(self, "\(error)", kind: "filter")
    }
    if filter.hasEnded { ended(.eof) }
  }

  private func plainArrived(_ bytes: UnsafeRawBufferPointer) {
    guard lingerDeadline == nil else { return }
    var rest = bytes
    let now = stream.loop.microseconds
    while let event = session.receive(&rest, at: now) { transport?.handle(event, of: self) }
    if session.hasControl { pump() }
  }

  private func ended(_ end: StreamEnd) {
    switch end {
    case .eof: transport?.streamEnded(self, "the peer closed the connection")
    case .failed(let error): transport?.streamEnded(self, "\(error)")
    case .closed: return
    }
    stream.close()
  }

  // MARK: - Out

  /// Writes what waits, as far as the socket takes it; the rest stays in the session's queue, where
  /// the oldest may still be dropped.
  func pump() {
    guard let transport else { return stream.close() }
    while session.hasOutput, stream.queuedBytes == 0, !stream.isClosed {
      session.takeOutput(upTo: transport.settings.writeSize, into: &transport.frames)
      write(&transport.frames, &transport.parts)
    }
  }

  private func write(_ frames: inout [Frame], _ parts: inout [StreamBuffer]) {
    for frame in frames {
      parts.append(StreamBuffer(owner: frame.owner, bytes: frame.headerBytes))
      let body = frame.bodyBytes
      if body.count > 0 { parts.append(StreamBuffer(owner: frame.owner, bytes: body)) }
    }
    if let filter {
      filter.send(parts) { stream.write($0) }
    } else {
      stream.write(parts)
    }
    parts.removeAll(keepingCapacity: true)
    frames.removeAll(keepingCapacity: true)
  }

  // MARK: - The session's inputs

  func send(_ frame: Frame) { session.send(frame) }
  func admit() -> SessionEvent? { session.admit(at: stream.loop.microseconds) }
  func refuse(_ refusal: Refusal) -> SessionEvent? { session.refuse(refusal) }
  /// Why the other side cannot be this voter, in words.
  func objection(to voter: VoterID) -> String? { filter?.objection(to: voter) }
  func tick(to now: UInt64) -> SessionEvent? { session.tick(to: now) }

  // MARK: - The end

  /// Writes the last words, where there are any, and stays until the other side has read them, for a
  /// while at most: a socket that is closed with input unread would take them back.
  func finish() {
    guard session.hasOutput || filterFailed, let transport else { return stream.close() }
    pump()
    filter?.end { stream.write($0) }
    stream.shutdown()
    lingerDeadline = stream.loop.microseconds &+ transport.settings.lingerTime * 1_000
  }

  /// Writes the last words and closes at once.
  func finishNow() {
    pump()
    filter?.end { stream.write($0) }
    stream.close()
  }
}
