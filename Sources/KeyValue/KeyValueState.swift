internal import Synod

/// A replicated key-value store as a value: keys with values and versions, leases, and what is kept of
/// changes that are to be made once.
///
/// The same commands in the same order, with the same stamps, give the same state and the same outcomes
/// on every node; commands whose footprints do not interfere may even be exchanged (as long as the limit
/// on bytes is not met, which is judged by all keys together). It reads no clock and draws no randomness.
///
/// A copy costs a few references, and the first write to each of its shards after that a clone of
/// that shard.
public struct KeyValueState: Sendable {
  var keys = ShardedTable<KeyValueEntry>(bits: 14)
  var leases = ShardedTable<Lease>(bits: 8)
  var sessions = ShardedTable<KeySessions>(bits: 8)
  /// What it may hold.
  public internal(set) var limits = KeyValueLimits()
  /// Where each name goes in its table, and in lists; a secret, or strangers could have names collide.
  public internal(set) var seed: UInt64 = 0
  private var siphash = KeyValueState.siphash(seed: 0)
  /// Of keys, and of leases and kept replies.
  var inKeys = Tally()
  var inRest = Tally()
  /// Shards of keys that were deleted together, whose memory is given back little by little.
  private var discarded: [ShardedTable<KeyValueEntry>.Shard] = []

  /// What some of it comes to.
  struct Tally: Hashable, Sendable {
    var bytes = 0
    /// The sum of the fingerprints.
    var sum: UInt64 = 0
  }

  /// One that holds nothing.
  public init() {}

  /// What keys, leases and kept replies take, in bytes.
  public var bytes: Int { inKeys.bytes + inRest.bytes }

  /// How many keys there are.
  public var count: Int { keys.count }
  /// How many leases are held.
  public var leaseCount: Int { leases.count }

  /// Stands for the whole state: states of the same contents have the same, and of others, as good as
  /// certainly, another.
  public var digest: UInt64 {
    Fingerprint.mix(
      inKeys.sum &+ inRest.sum, UInt64(bytes), seed, UInt64(limits.maxBytes)) &+ UInt64(keys.count)
  }

  /// 63 bits: see `ShardedTable.hashBits`.
  func hash(_ name: Bytes) -> UInt64 { siphash.hash(name) >> 1 }

  mutating func setSeed(_ seed: UInt64) {
    self.seed = seed
    siphash = Self.siphash(seed: seed)
  }

  /// Names that may be there when the seed is set, for each moves.
  public static let mostReseeded = 4096

  private mutating func reseed(_ seed: UInt64) {
    var other = KeyValueState()
    other.setSeed(seed)
    for cell in keys.shards.lazy.flatMap(\.cells) {
      let hash = other.hash(cell.name)
      other.keys.insert(cell.name, hash: hash, cell.value)
      other.inKeys.sum &+= Fingerprint.of(key: hash, cell.value)
    }
    for cell in leases.shards.lazy.flatMap(\.cells) {
      let hash = other.hash(cell.name)
      other.leases.insert(cell.name, hash: hash, cell.value)
      other.inRest.sum &+= Fingerprint.of(lease: hash, cell.value)
    }
    for cell in sessions.shards.lazy.flatMap(\.cells) {
      let hash = other.hash(cell.name)
      other.sessions.insert(cell.name, hash: hash, cell.value)
      other.inRest.sum &+= Fingerprint.of(sessions: hash, cell.value)
    }
    other.limits = limits
    other.inKeys.bytes = inKeys.bytes
    other.inRest.bytes = inRest.bytes
    other.discarded = discarded
    self = other
  }

  private static func siphash(seed: UInt64) -> SipHash {
    var random = SplitMix(seed: seed)
    return SipHash(key: (random.next(), random.next()))
  }

  // MARK: - Commands

  /// Takes a command.
  /// - Parameters:
  ///   - command: its steps.
  ///   - stamp: of this command and no other, above zero, and higher than those of the commands before it
  ///     that touch what it touches. What it writes has this version, and the lease that it gives this
  ///     token.
  ///   - events: what became of leases is appended.
  public mutating func apply(
    _ command: KeyValueCommand, stamp: UInt64, events: inout [LeaseEvent]
  ) -> KeyValueOutcome {
    if !discarded.isEmpty { discarded.removeLast(min(16, discarded.count)) }
    switch command {
    case .one(.list(let after, let limit)): return .listed(list(after: after, limit: limit))
    case .one(let step): return .one(run(step, stamp, &events))
    case .several(let steps, let guards):
      guard hold(guards) else { return .guardFailed }
      var replies: [KeyValueReply] = []
      replies.reserveCapacity(steps.count)
      for step in steps { replies.append(run(step, stamp, &events)) }
      return .several(replies)
    }
  }

  /// What a command that never writes comes to, without being replicated.
  /// - Returns: nil where the command may write.
  public func answer(_ command: KeyValueCommand) -> KeyValueOutcome? {
    switch command {
    case .one(.list(let after, let limit)): return .listed(list(after: after, limit: limit))
    case .one(let step): return read(step).map { .one($0) }
    case .several(let steps, let guards):
      guard command.isReadOnly else { return nil }
      guard hold(guards) else { return .guardFailed }
      var replies: [KeyValueReply] = []
      replies.reserveCapacity(steps.count)
      for step in steps {
        guard let reply = read(step) else { return nil }
        replies.append(reply)
      }
      return .several(replies)
    }
  }

  private func hold(_ guards: [KeyValueGuard]) -> Bool {
    guards.allSatisfy { version(of: $0.key) == $0.version }
  }

  private mutating func run(
    _ step: KeyValueStep, _ stamp: UInt64, _ events: inout [LeaseEvent]
  ) -> KeyValueReply {
    switch step {
    case .change(let change, let key): return make(change, of: key, stamp)
    case .once(let change, let key, let once): return make(change, of: key, once, stamp)
    case .forget(let client, let sequence, let key):
      endSession(of: client, through: sequence, key)
      return KeyValueReply(value(of: key))
    case .delete(let keys):
      var deleted: Int64 = 0
      for key in keys where remove(key, hash: hash(key)) { deleted += 1 }
      return .integer(deleted)
    case .set(let pairs): return set(pairs, stamp) ?? .ok
    case .setIfAllMissing(let pairs):
      for pair in pairs where version(of: pair.key) > 0 { return .integer(0) }
      return set(pairs, stamp) ?? .integer(1)
    case .deleteAll:
      deleteAll()
      return .ok
    case .lease(let step): return run(step, stamp, &events)
    case .letGo(let remains): return letGo(of: remains)
    case .configure(let limits, let seed):
      self.limits = limits
      let names = keys.count + leases.count + sessions.count
      if self.seed == 0 && names <= Self.mostReseeded { reseed(seed) }
      return .ok
    case .get, .count, .versions, .size, .list: return read(step) ?? .null
    }
  }

  /// What was made once is known on: it is let go of as that of any key that is missing.
  private mutating func deleteAll() {
    discarded.append(contentsOf: keys.removeAll())
    inKeys = Tally()
  }
}
