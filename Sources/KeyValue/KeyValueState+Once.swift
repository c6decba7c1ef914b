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
    switch known.memory(of: once, hasLost: hasLostSessions) {
    case .none: break
    case .forgotten: return .refused(.forgotten)
    // What another change told may mean nothing to this one.
    case .result(let bytes): return change.recall(bytes) ?? .refused(.forgotten)
    }
    guard case .write(_, let reply) = change.decide(on: value(of: key)) else {
      return make(change, of: key, stamp)
    }
    guard let result = change.remember(reply), result.count <= KeyValueLimits.longestResult else {
      return .refused(.cannotRemember)
    }
    let made = make(change, of: key, stamp)
    if case .refused = made { return made }
    var kept = known
    kept.remember(result.compacted(), of: once, limit: limits.maxSessions)
    keep(kept, of: key, hash, at: place)
    return made
  }

  mutating func endSession(of client: Identity128, through sequence: UInt64, _ key: Bytes) {
    let hash = hash(key)
    let place = sessions.find(key, hash: hash)
    var kept = place.map { sessions[$0] } ?? KeySessions()
    kept.end(client, through: sequence, limit: limits.maxSessions)
    keep(kept, of: key, hash, at: place)
  }

  private mutating func keep(
    _ kept: KeySessions, of key: Bytes, _ hash: UInt64,
    at place: ShardedTable<KeySessions>.Place?
  ) {
    if let place {
      let old = sessions[place]
      sum &-= Fingerprint.of(sessions: hash, old)
      bytes -= Self.cost(old, key)
      if kept.isBlank { return sessions.remove(place) }
      sessions.replace(place, with: kept)
    } else {
      if kept.isBlank { return }
      sessions.insert(key.compacted(), hash: hash, kept)
    }
    sum &+= Fingerprint.of(sessions: hash, kept)
    bytes += Self.cost(kept, key)
  }
}
