public import Synod
import SynodWire
public import UV

/// Carries payloads between voters over TCP, in the frames of SynodWire.
///
/// Happy path: every node listens, and dials every peer that it has no connection to. Where two
/// connections of a pair meet, both sides keep the same one. A turn's payloads to a peer leave in
/// one gathered write at `flush()`.
///
/// Failure: a connection that breaks, goes silent or brings damaged bytes is closed, and the peer is
/// dialed again after a jittered wait that doubles. What a peer does not read waits in its own
/// queue, which is bounded and drops its oldest payloads; nobody else waits for it. A peer whose
/// store is not the pinned one is refused, told why, and nothing that it says is handed up.
///
/// The loop's thread owns everything here. A connection lives until its stream is closed; the
/// stream's handlers hold it.
public final class TCPTransport: Transport {
  var settings: TCPTransportSettings
  let loop: Loop
  let pins: any PinBook
  let resolver: Resolver
  var events: TransportEvents?
  var listener: Listener?
  var clock: Timer?
  /// In ascending order of their voters, then the guests.
  var others: [TCPPeer] = []
  /// Every connection whose stream is open.
  var connections: [ObjectIdentifier: TCPConnection] = [:]
  var acceptedByHost: [String: Int] = [:]
  /// Pins that are being made durable, and who waits for them.
  var pinning: [VoterID: (store: StoreID, waiting: [(TCPConnection, Hello)])] = [:]
  var limiter: LogLimiter<String>
  var isClosed = false
  /// Scratch of `TCPConnection.write`, kept so that a write allocates nothing.
  var frames: [Frame] = []
  var parts: [StreamBuffer] = []

  /// - Parameters:
  ///   - settings: who this node is, and where the others are.
  ///   - loop: the node's; everything happens on it.
  ///   - pins: asked before anything of a peer counts.
  public init(_ settings: TCPTransportSettings, loop: Loop, pins: any PinBook) {
    self.settings = settings
    self.loop = loop
    self.pins = pins
    resolver = Resolver(loop)
    limiter = LogLimiter(interval: settings.logInterval)
    others = settings.peers.sorted { $0.key < $1.key }.map { makePeer($0.key, at: $0.value) }
  }

  deinit { closeEverything() }

  /// Where it listens, with the port that the system chose where 0 was asked for; nil before
  /// `start`.
  public var listening: SocketAddress? { listener?.address }

  /// The largest payload that it takes, in bytes.
  public var maxPayload: Int { settings.session.maxPayload }

  /// Listens and begins to dial.
  /// - Throws: `UVError` where it cannot listen (`addressInUse`, say).
  public func start(_ events: TransportEvents) throws {
    try start(listeningFor: events)
  }

  /// The same, with the type of its errors.
  func start(listeningFor events: TransportEvents) throws(UVError) {
    precondition(self.events == nil && !isClosed, "a transport is started once")
    let listener = try listen()
    self.listener = listener
    self.events = events
    clock = Timer(loop) { [weak self] in self?.deadlinePassed() }
    for peer in others { dial(peer) }
    rearm()
  }

  /// Tells where `voter` listens from now on; a connection that exists stays.
  public func locate(_ voter: VoterID, at address: TCPTransportSettings.Address) {
    peer(voter)?.address = address
  }

  /// Queues a payload to one voter.
  public func send(_ payload: Bytes, to voter: VoterID) {
    guard let peer = peer(voter) else { return }
    guard let connection = peer.current, payload.count <= maxPayload else {
      return peer.countDrop()
    }
    connection.send(Frame(.payload, payload))
  }

  /// Queues one payload to every peer that has a vote; framed and summed once.
  public func broadcast(_ payload: Bytes) {
    let frame = payload.count <= maxPayload ? Frame(.payload, payload) : nil
    for peer in others where peer.hasVote {
      if let connection = peer.current, let frame {
        connection.send(frame)
      } else {
        peer.countDrop()
      }
    }
  }

  /// Writes what waits: one gathered write for each peer.
  public func flush() {
    for peer in others { peer.current?.pump() }
  }

  /// Closes the connection of a voter that sent what is no message; it is dialed again after a wait.
  public func refuse(_ voter: VoterID, because reason: String) {
    guard let peer = peer(voter), let connection = peer.current else { return }
    guard connection.refuse(.badBytes) != nil else { return }
    end(connection, "it sent what is no message: \(reason)", kind: "message")
  }

  /// How each peer is doing.
  public var peers: [PeerStatus] { others.filter { !$0.isGuest }.map(\.status) }

  /// Tells every peer that this node leaves, and closes everything.
  public func close(_ done: @escaping () -> Void) {
    for connection in connections.values where connection.session.isOpen {
      _ = connection.refuse(.leaving)
      connection.finishNow()
    }
    closeEverything()
    loop.soon(done)
  }

  private func closeEverything() {
    isClosed = true
    events = nil
    listener?.close()
    clock?.close()
    for peer in others {
      if case .connecting(let stream, _) = peer.dialing { stream.close() }
      peer.dialing = .idle
      if let session = peer.current?.session { peer.keepCounts(of: session) }
      peer.current = nil
      peer.reason = "this transport was closed"
    }
    for connection in connections.values { connection.stream.close() }
    connections.removeAll()
    pinning.removeAll()
  }

  func peer(_ voter: VoterID) -> TCPPeer? {
    // A handful: faster than hashing.
    for peer in others where peer.voter == voter { return peer }
    return nil
  }
}
