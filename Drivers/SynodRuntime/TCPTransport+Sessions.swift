import Logging
import Synod
import SynodWire
import UV

extension TCPTransport {
  /// What a session says.
  func handle(_ event: SessionEvent, of connection: TCPConnection) {
    guard !isClosed else { return }
    switch event {
    case .greeted(let hello): judge(connection, hello)
    case .opened: opened(connection)
    case .payload(let payload):
      guard let voter = connection.session.peer?.voter else { return }
      connection.isGuest
        ? events?.receivedOfGuest(payload, voter) : events?.received(payload, voter)
    case .roundTrip(let micros):
      if let voter = connection.session.peer?.voter { peer(voter)?.countRoundTrip(micros) }
    case .closed(let reason): ended(connection, reason)
    }
  }

  // MARK: - Pins

  /// Looks whether the peer's store is the one that its voter is known by, in no life before the last
  /// that was met, and pins it where none is. Nothing of the peer counts before that is durable.
  private func judge(_ connection: TCPConnection, _ hello: Hello) {
    // It may have left the configuration while it said hello.
    let isPeer = peer(hello.voter).map { !$0.isGuest } ?? false
    guard isPeer || hello.knowsMore(than: settings.session.hello) else {
      return refuse(connection, .unknownVoter(hello.voter))
    }
    if let objection = connection.objection(to: hello.voter) {
      guard connection.refuse(.notCertified(hello.voter)) != nil else { return }
      // Each on its own line of the log: the next may have another reason.
      return end(connection, objection, kind: objection, .error)
    }
    connection.isGuest = !isPeer
    if let pinned = pins.pinned(hello.voter) {
      guard pinned == hello.store else {
        return refuse(connection, .otherStore(hello.voter, pinned: pinned))
      }
      // Its own log is behind what this node has already met: a copy that was put back.
      let seen = pins.life(of: hello.voter)
      guard hello.incarnation >= seen else {
        return refuse(connection, .olderIncarnation(hello.voter, seen: seen))
      }
      if hello.incarnation == seen { return admit(connection) }
    }
    // Who it is, the membership says that it knows of; until then nothing of it counts.
    if connection.isGuest { return admit(connection) }
    if var pending = pinning[hello.voter] {
      guard pending.store == hello.store else {
        return refuse(connection, .otherStore(hello.voter, pinned: pending.store))
      }
      pending.waiting.append((connection, hello))
      pinning[hello.voter] = pending
      return
    }
    pinning[hello.voter] = (hello.store, [(connection, hello)])
    pins.pin(hello.voter, hello.store, life: hello.incarnation) { [weak self] isDurable in
      self?.pinned(hello.voter, isDurable ? hello.incarnation : nil)
    }
  }

  /// - Parameter life: what is durable now; nil where it could not be made so.
  private func pinned(_ voter: VoterID, _ life: UInt64?) {
    guard let waiting = pinning.removeValue(forKey: voter)?.waiting else { return }
    for (connection, hello) in waiting where !connection.isOver {
      guard let life else {
        refuse(connection, .cannotPin(voter))
        continue
      }
      // One of another life came meanwhile.
      hello.incarnation == life ? admit(connection) : judge(connection, hello)
    }
  }

  private func admit(_ connection: TCPConnection) {
    if let event = connection.admit() { handle(event, of: connection) }
    connection.pump()
  }

  func refuse(_ connection: TCPConnection, _ refusal: Refusal) {
    if let event = connection.refuse(refusal) { handle(event, of: connection) }
  }

  // MARK: - One connection of a pair

  private func opened(_ connection: TCPConnection) {
    let own = settings.session.hello.voter
    guard let hello = connection.session.peer, let identity = connection.identity(own: own) else {
      return refuse(connection, .badBytes)
    }
    guard let peer = peer(hello.voter) ?? (connection.isGuest ? makeGuest(hello.voter) : nil) else {
      return refuse(connection, .unknownVoter(hello.voter))
    }
    if connection.isGuest != peer.isGuest { return dismiss(connection) }
    connection.openedAt = loop.microseconds
    connection.stream.isStranger = false
    if let current = peer.current, let other = current.identity(own: own) {
      guard other.givesWay(to: identity) else { return refuse(connection, .duplicate) }
      peer.current = connection
      refuse(current, .duplicate)
    }
    peer.current = connection
    if case .greeting(let dialed) = peer.dialing, dialed === connection { peer.dialing = .idle }
    if case .waiting = peer.dialing { peer.dialing = .idle }
    peer.reason = nil
    let guest = peer.isGuest ? ", which this node does not know yet," : ""
    say(
      "up \(peer.voter)", "voter \(peer.voter)\(guest) is connected at \(connection.address)", .info
    )
    rearm()
  }

  // MARK: - Ends

  func streamEnded(_ connection: TCPConnection, _ reason: String) {
    end(connection, reason, kind: "stream")
    forget(connection)
  }

  private func ended(_ connection: TCPConnection, _ reason: CloseReason) {
    let refusal: Refusal? =
      switch reason {
      case .refused(let refusal), .refusedByPeer(let refusal): refusal
      case .badBytes, .handshakeTimeout, .frameTimeout, .silent: nil
      }
    let advice = refusal?.advice.map { "; \($0)" } ?? ""
    let level: Logger.Level =
      refusal == .duplicate ? .debug : refusal?.isLasting == true ? .error : .warning
    let kind =
      switch reason {
      case .refused(let refusal): "refused \(refusal.code)"
      case .refusedByPeer(let refusal): "refused by it \(refusal.code)"
      case .badBytes: "bytes"
      case .handshakeTimeout, .frameTimeout, .silent: "time"
      }
    end(connection, "\(reason)\(advice)", kind: kind, level)
  }

  /// Deals with the end of a connection, once, and writes its last words.
  /// - Parameter kind: what the log's lines about it are counted under.
  func end(
    _ connection: TCPConnection, _ reason: String, kind: String, _ level: Logger.Level = .warning
  ) {
    guard !connection.isOver else { return }
    connection.isOver = true
    connection.finish()
    if connection.stream.isClosed { forget(connection) }
    // One that this side dialed is that peer's, whoever answered there.
    let voter = connection.session.dialed ?? connection.session.peer?.voter
    let known = voter.flatMap { peer($0) }
    if connection.openedAt != nil { known?.keepCounts(of: connection.session) }
    guard let peer = known, isOf(peer, connection) else {
      // A stranger, or one of two: whoever the voter of that number is, it is not worse off.
      say("\(kind) \(voter ?? .none)", "\(name(connection)): \(reason)", level)
      return rearm()
    }
    if peer.current === connection {
      peer.current = nil
      peer.roundTrip = nil
      let opened = connection.openedAt ?? .max
      let lasted = loop.microseconds
      if lasted > opened, lasted - opened >= settings.stableTime * 1_000 { peer.backoff.reset() }
    }
    if case .greeting(let dialed) = peer.dialing, dialed === connection { peer.dialing = .idle }
    if peer.current == nil { report(peer, reason, kind: kind, level) }
    if peer.current == nil, peer.isGuest { others.removeAll { $0 === peer } }
    retryLater(peer)
    rearm()
  }

  /// Whether a connection is the peer's own, or this side's attempt to reach it.
  private func isOf(_ peer: TCPPeer, _ connection: TCPConnection) -> Bool {
    if peer.current === connection { return true }
    if case .greeting(let dialed) = peer.dialing { return dialed === connection }
    return false
  }

  private func name(_ connection: TCPConnection) -> String {
    guard let hello = connection.session.peer else {
      return "a connection of \(connection.address)"
    }
    return "\(connection.address), which says that it is voter \(hello.voter)"
  }

  // MARK: - Time

  /// Sets the one timer to the earliest of all deadlines.
  func rearm() {
    guard !isClosed, let clock else { return }
    var earliest = UInt64.max
    for connection in connections.values {
      earliest = min(
        earliest, connection.lingerDeadline ?? connection.session.nextDeadline ?? .max)
    }
    for peer in others {
      switch peer.dialing {
      case .waiting(let deadline), .connecting(_, let deadline): earliest = min(earliest, deadline)
      case .idle, .resolving, .greeting: break
      }
    }
    guard earliest < .max else { return clock.stop() }
    let now = loop.microseconds
    clock.start(after: earliest > now ? (earliest - now + 999) / 1_000 : 1)
  }

  func deadlinePassed() {
    let now = loop.microseconds
    for connection in Array(connections.values) {
      if let deadline = connection.lingerDeadline {
        guard now >= deadline else { continue }
        connection.stream.close()
        forget(connection)
      } else if let event = connection.tick(to: now) {
        handle(event, of: connection)
      } else {
        connection.pump()
      }
    }
    for peer in others {
      switch peer.dialing {
      case .waiting(let deadline) where now >= deadline: dial(peer)
      case .connecting(let stream, let deadline) where now >= deadline: stream.close()
      case .waiting, .connecting, .idle, .resolving, .greeting: break
      }
    }
    rearm()
  }

  // MARK: - The log

  func report(
    _ peer: TCPPeer, _ reason: String, kind: String, _ level: Logger.Level = .warning
  ) {
    peer.reason = reason
    say("\(kind) \(peer.voter)", "voter \(peer.voter) is not connected: \(reason)", level)
  }

  func say(_ kind: String, _ text: String, _ level: Logger.Level = .warning) {
    let (isAdmitted, suppressed) = limiter.admits(kind, at: loop.now)
    guard isAdmitted else { return }
    let more = suppressed > 0 ? " (\(suppressed) more like this)" : ""
    settings.logger.log(level: level, "\(text)\(more)")
  }
}
