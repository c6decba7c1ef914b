public import Synod

/// Keys.
extension KeyValueState {
  /// The value of a key; nil where it is missing.
  public func value(of key: Bytes) -> Bytes? {
    keys.find(key, hash: hash(key)).map { keys[$0].value }
  }

  /// The version of a key; zero where it is missing.
  public func version(of key: Bytes) -> UInt64 {
    keys.find(key, hash: hash(key)).map { keys[$0].version } ?? 0
  }

  /// What a key takes, in bytes: what a table needs for it is counted, too.
  static func cost(_ key: Bytes, _ value: Bytes) -> Int { key.count + value.count + 96 }

  /// What a step that never writes comes to; nil where it may write.
  func read(_ step: KeyValueStep) -> KeyValueReply? {
    switch step {
    case .change(let change, let key):
      guard change.isReadOnly, case .keep(let reply) = change.decide(on: value(of: key)) else {
        return nil
      }
      return reply
    case .get(let keys): return .array(keys.map { KeyValueReply(value(of: $0)) })
    case .count(let keys): return .integer(Int64(keys.count { version(of: $0) > 0 }))
    case .versions(let keys):
      return .array(keys.map { .integer(Int64(bitPattern: version(of: $0))) })
    case .size: return .integer(Int64(count))
    case .lease(.get(let name)): return read(lease: name)
    // A list is no reply of a client; whoever wants one asks for nothing else.
    case .list: return .null
    case .once, .forget, .delete, .set, .setIfAllMissing, .deleteAll, .lease, .letGo,
      .configure:
      return nil
    }
  }

  mutating func make(_ change: KeyValueChange, of key: Bytes, _ stamp: UInt64) -> KeyValueReply {
    let hash = hash(key)
    let place = keys.find(key, hash: hash)
    switch change.decide(on: place.map { keys[$0].value }) {
    case .keep(let reply): return reply
    case .reject(let why): return .refused(why)
    case .write(nil, let reply):
      if let place { remove(place, key, hash) }
      return reply
    case .write(let value?, let reply):
      if let refusal = refusal(of: value, for: key, at: place) { return .refused(refusal) }
      write(value, to: key, hash, at: place, stamp)
      return reply
    }
  }

  /// Why a value cannot be had.
  func refusal(
    of value: Bytes, for key: Bytes, at place: ShardedTable<KeyValueEntry>.Place?
  ) -> KeyValueRejection? {
    guard value.count <= limits.maxValue else {
      return .tooLarge(size: value.count, limit: limits.maxValue)
    }
    let more = Self.cost(key, value) - (place.map { Self.cost(key, keys[$0].value) } ?? 0)
    return more > 0 && bytes + more > limits.maxBytes ? .full(limit: limits.maxBytes) : nil
  }

  private mutating func write(
    _ value: Bytes, to key: Bytes, _ hash: UInt64, at place: ShardedTable<KeyValueEntry>.Place?,
    _ stamp: UInt64
  ) {
    // What is kept must not pin the frame that it came in.
    let entry = KeyValueEntry(value.compacted(), version: stamp)
    if let place {
      let old = keys[place]
      inKeys.sum &-= Fingerprint.of(key: hash, old)
      inKeys.bytes -= Self.cost(key, old.value)
      keys.replace(place, with: entry)
    } else {
      keys.insert(key.compacted(), hash: hash, entry)
    }
    inKeys.sum &+= Fingerprint.of(key: hash, entry)
    inKeys.bytes += Self.cost(key, value)
  }

  private mutating func remove(
    _ place: ShardedTable<KeyValueEntry>.Place, _ key: Bytes, _ hash: UInt64
  ) {
    let old = keys[place]
    inKeys.sum &-= Fingerprint.of(key: hash, old)
    inKeys.bytes -= Self.cost(key, old.value)
    keys.remove(place)
  }

  /// - Returns: whether it existed.
  mutating func remove(_ key: Bytes, hash: UInt64) -> Bool {
    guard let place = keys.find(key, hash: hash) else { return false }
    remove(place, key, hash)
    return true
  }

  /// Sets all of them or, where one cannot be had, none.
  /// - Returns: why none was set.
  mutating func set(_ pairs: [KeyValuePair], _ stamp: UInt64) -> KeyValueReply? {
    var more = 0
    for pair in pairs {
      guard pair.value.count <= limits.maxValue else {
        return .refused(.tooLarge(size: pair.value.count, limit: limits.maxValue))
      }
      let old = value(of: pair.key).map { Self.cost(pair.key, $0) } ?? 0
      more += max(0, Self.cost(pair.key, pair.value) - old)
    }
    guard more == 0 || bytes + more <= limits.maxBytes else {
      return .refused(.full(limit: limits.maxBytes))
    }
    for pair in pairs {
      let hash = hash(pair.key)
      write(pair.value, to: pair.key, hash, at: keys.find(pair.key, hash: hash), stamp)
    }
    return nil
  }
}
