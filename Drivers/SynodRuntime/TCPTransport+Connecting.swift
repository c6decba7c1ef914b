import Synod
import SynodWire
import UV

extension TCPTransport {
  // MARK: - Dialing

  /// Begins an attempt to reach a peer, where it has no connection and none is under way.
  func dial(_ peer: TCPPeer) {
    guard !isClosed, !peer.isGone, peer.current == nil, let place = peer.address else { return }
    switch peer.dialing {
    case .resolving, .connecting, .greeting: return
    case .idle, .waiting: peer.dialing = .resolving
    }
    resolver.resolve(host: place.host, port: place.port) { [weak self] result in
      guard let self, !self.isClosed, !peer.isGone else { return }
      switch result {
      case .success(let address): self.connect(peer, to: address)
      case .failure(let error): self.attemptFailed(peer, "\(place): \(error)")
      }
    }
  }

  private func connect(_ peer: TCPPeer, to address: SocketAddress) {
    guard peer.current == nil else {
      peer.dialing = .idle
      return
    }
    let stream = TCPStream.connect(loop, to: address) { [weak self] result in
      guard let self, !self.isClosed, !peer.isGone else {
        if case .success(let stream) = result { stream.close() }
        return
      }
      switch result {
      case .success(let stream) where stream.isConnectedToItself:
        stream.close()
        self.attemptFailed(peer, "\(peer.place): \(UVError.connectionRefused)")
      case .success(let stream):
        let connection = TCPConnection(
          self, stream, dialed: peer.voter, address: "\(peer.place)", host: nil)
        peer.dialing = .greeting(connection)
        self.begin(connection)
      case .failure(.cancelled):
        self.attemptFailed(peer, "\(peer.place): no answer")
      case .failure(let error):
        self.attemptFailed(peer, "\(peer.place): \(error)")
      }
    }
    peer.dialing = .connecting(stream, loop.microseconds &+ settings.connectTime * 1_000)
    rearm()
  }

  private func attemptFailed(_ peer: TCPPeer, _ reason: String) {
    peer.dialing = .idle
    guard !peer.isGone, peer.current == nil else { return }
    report(peer, reason, kind: "dial")
    retryLater(peer)
  }

  /// Dials again after the next wait, where nothing is under way.
  func retryLater(_ peer: TCPPeer) {
    guard !isClosed, !peer.isGone, peer.current == nil, peer.address != nil,
      case .idle = peer.dialing
    else { return }
    peer.dialing = .waiting(loop.microseconds &+ peer.backoff.next() * 1_000)
    rearm()
  }

  func begin(_ connection: TCPConnection) {
    connections[ObjectIdentifier(connection)] = connection
    connection.start()
    rearm()
  }

  // MARK: - Accepting

  func listen() throws(UVError) -> Listener {
    let address = try settings.listen.resolvedBlocking()
    return try Listener(loop, on: address) { [weak self] stream in
      guard let self, !self.isClosed else { return stream.close() }
      self.accept(stream)
    }
  }

  private func accept(_ stream: TCPStream) {
    guard let address = stream.peerAddress else { return stream.close() }
    let host = address.host
    if let cap = capReached(by: host) {
      stream.close()
      return say("cap", "closed a connection from \(host): \(cap)")
    }
    makeRoomForHandshake(of: host)
    acceptedByHost[host, default: 0] += 1
    begin(TCPConnection(self, stream, dialed: nil, address: "\(address)", host: host))
  }

  private func capReached(by host: String) -> String? {
    let accepted = acceptedByHost.values.reduce(0, +)
    if accepted >= settings.maxAccepted { return "\(accepted) are open" }
    let fromHost = acceptedByHost[host, default: 0]
    if fromHost >= settings.maxAcceptedPerAddress { return "\(fromHost) are open from there" }
    return nil
  }

  /// Where many have not said who they are, the oldest goes, and not the one that comes: else silent
  /// ones would keep peers out. It is one of the address that has most, so that others' go on.
  private func makeRoomForHandshake(of host: String) {
    var silent: [String: [TCPConnection]] = [:]
    var count = 0
    for connection in connections.values where !connection.isOver && !connection.session.isOpen {
      guard let host = connection.host else { continue }
      silent[host, default: []].append(connection)
      count += 1
    }
    var crowd = silent[host] ?? []
    if crowd.count < settings.maxHandshakesPerAddress {
      guard count >= settings.maxHandshakes else { return }
      for others in silent.values where others.count > crowd.count { crowd = others }
    }
    guard let oldest = crowd.min(by: { $0.beganAt < $1.beganAt }) else { return }
    say("cap", "closed a connection from \(oldest.address): \(count) have not said who they are")
    oldest.isOver = true
    oldest.stream.close()
    forget(oldest)
  }

  /// Forgets a connection whose stream is closed.
  func forget(_ connection: TCPConnection) {
    guard connections.removeValue(forKey: ObjectIdentifier(connection)) != nil,
      let host = connection.host, let count = acceptedByHost[host]
    else { return }
    acceptedByHost[host] = count > 1 ? count - 1 : nil
  }
}

extension TCPStream {
  /// Whether the system gave this end the very port that it connects to, which happens on one
  /// computer where nobody listens there.
  fileprivate var isConnectedToItself: Bool {
    guard let local = localAddress, let peer = peerAddress else { return false }
    return local.port == peer.port && local.host == peer.host
  }
}
