internal import Synod

/// Changes that are made once, however often they are sent.
extension KeyValueState {
  static func cost(_ sessions: KeySessions, _ key: Bytes) -> Int {
    sessions.sessions.reduce(key.count + 64 + 32 * sessions.ended.count) {
      $0 + 48 + $1.result.count
    }
  }

  mutating func make(
    _ change: KeyValueChange, of key: Bytes, _ once: Once, _ stamp: UInt64
  ) -> KeyValueReply {
    let hash = hash(key)
    let place = sessions.find(key, hash: hash)
    let known = place.map { sessions[$0] } ?? KeySessions()
    switch known.memory(of: once) {
    case .none: break
    case .forgotten: return .refused(.forgotten)
    // What another change told may mean nothing to this one.
    case .result(let bytes): return change.recall(bytes) ?? .refused(.forgotten)
    }
    let (told, hasWritten) = attempt(change, of: key, stamp)
    // An earlier attempt than a retry may come yet, and must not be made when the retry was told no. (Over
    // a log: a register is asked in rounds that leave nothing behind.) What reads does no harm.
    guard hasWritten || once.isRetry && !change.isReadOnly else { return told }
    var kept = known
    kept.remember(form(of: told, to: change), of: once, limit: limits.maxSessions)
    if !hasWritten, place == nil, bytes + Self.cost(kept, key) > limits.maxBytes {
      return .refused(.forgotten)
    }
    keep(kept, of: key, hash, at: place)
    return told
  }

  /// Makes a change whose reply, if it writes, can be kept.
  private mutating func attempt(
    _ change: KeyValueChange, of key: Bytes, _ stamp: UInt64
  ) -> (told: KeyValueReply, hasWritten: Bool) {
    switch change.decide(on: value(of: key)) {
    case .keep(let reply): return (reply, false)
    case .reject(let why): return (.refused(why), false)
    case .write(_, let reply):
      guard let form = change.remember(reply), form.count <= KeyValueLimits.longestResult else {
        return (.refused(.cannotRemember), false)
      }
      let made = make(change, of: key, stamp)
      if case .refused = made { return (made, false) }
      return (made, true)
    }
  }

  private func form(of reply: KeyValueReply, to change: KeyValueChange) -> Bytes {
    if let form = change.remember(reply), form.count <= KeyValueLimits.longestResult {
      return form.compacted()
    }
    return change.remember(.refused(.cannotRemember)) ?? Bytes()
  }

  mutating func endSession(of client: Identity128, through sequence: UInt64, _ key: Bytes) {
    let hash = hash(key)
    let place = sessions.find(key, hash: hash)
    var kept = place.map { sessions[$0] } ?? KeySessions()
    kept.end(client, through: sequence, limit: limits.maxSessions)
    if place == nil, bytes + Self.cost(kept, key) > limits.maxBytes { return }
    keep(kept, of: key, hash, at: place)
  }

  private mutating func keep(
    _ kept: KeySessions, of key: Bytes, _ hash: UInt64,
    at place: ShardedTable<KeySessions>.Place?
  ) {
    if let place {
      let old = sessions[place]
      inRest.sum &-= Fingerprint.of(sessions: hash, old)
      inRest.bytes -= Self.cost(old, key)
      if kept.isBlank { return sessions.remove(place) }
      sessions.replace(place, with: kept)
    } else {
      if kept.isBlank { return }
      sessions.insert(key.compacted(), hash: hash, kept)
    }
    inRest.sum &+= Fingerprint.of(sessions: hash, kept)
    inRest.bytes += Self.cost(kept, key)
  }
}
