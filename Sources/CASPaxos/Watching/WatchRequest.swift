public import Synod

/// What a watch is of, beside the key of its proposal.
///
/// A watch tells of settled states alone: of each that it tells, an accept quorum holds it, or
/// something that came of it. There is no history, so it may pass over states (and says so); it never
/// goes back to an earlier version of a key, and once nobody writes it ends at the newest. A proposal
/// to watch stays open until it is cancelled, its deadline comes, or the machine stops.
public enum WatchRequest: Hashable, Sendable {
  /// The register of the key: first its newest state, then every later one. With a version, only what
  /// is newer than that.
  case register(after: Version?)
  /// All registers whose keys begin with the proposal's: first what is there, in no order, then every
  /// later state, deletions too. Should all that a quorum tells of a state be lost on its way, the
  /// next look at the list of registers finds it (`Settings.watchSweep`).
  case prefix
}

/// A settled state that a watch tells of. Another of the same key follows only once this one is
/// finished.
public struct Observation: Hashable, Sendable {
  /// What `finished` is to be called with, once the watcher has it. Until then it takes up room: a
  /// watch has at most `Settings.maxObservations` in hand.
  public var id: EffectID
  /// The proposal to watch.
  public var watch: ProposalID
  /// The register.
  public var key: Bytes
  /// Its state. Where it was deleted, and so long ago that nothing of it is kept, the version is
  /// `Version.zero`.
  public var register: Register
  /// Whether there may have been states between the last one of this key that the watch told of (or
  /// began after) and this one. Where false, there was none that anybody was told of.
  public var skipped: Bool

  /// One made of its parts.
  public init(
    id: EffectID, watch: ProposalID, key: Bytes, register: Register, skipped: Bool
  ) {
    self.id = id
    self.watch = watch
    self.key = key
    self.register = register
    self.skipped = skipped
  }
}

/// Why something cannot be watched, or no longer.
public enum WatchRefusal: Hashable, Sendable {
  /// This node's clients have as many watches as they may (`Settings.maxWatches`).
  case tooManyWatches(limit: Int)
  /// This node's clients watch as many prefixes as its peers tell it of.
  case tooManyPrefixes(limit: Int)
  /// More keys begin with the prefix than one watch may know (`Settings.maxWatchedKeys`).
  case tooManyKeys(limit: Int)
  /// All watches of this node know as many keys as they may (`Settings.maxWatchedKeysInAll`).
  case tooManyKeysInAll(limit: Int)
}
