internal import Synod

/// What a watch told of one register.
struct WatchedKey: Hashable, Sendable {
  /// A state that waits to be told.
  struct News: Hashable {
    var register: Register
    var skipped: Bool
  }

  enum Phase: Hashable {
    /// It told, or is about to tell, of the newest state that is known.
    case current
    /// It needs to have it read, and waits for room.
    case behind
    /// A read with a higher number than this is to come, and has room.
    case asked(after: UInt32)
  }

  /// The newest version that was told, or waits to be; or after which the watch began.
  var told: Version?
  /// Whether the newest state told of has no value.
  var isGone = false
  /// Something was told of it before `told`, and is forgotten.
  var hasGap = false
  var news: [News] = []
  /// An observation of it is unfinished.
  var isUnfinished = false
  var unfinishedBytes = 0
  var phase = Phase.current
  /// Whether it is among those that wait for room.
  var isQueued = false

  /// Nothing of it would be missed.
  var isSpent: Bool {
    isGone && news.isEmpty && !isUnfinished && !isQueued && phase == .current
  }
}
