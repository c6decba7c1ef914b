/// Lets one line of each kind through in a while, and counts the rest, so that a peer, or a stranger,
/// cannot fill the disk with what is said about it.
package struct LogLimiter<Key: Hashable> {
  /// Between two lines of one kind, in milliseconds.
  package let interval: UInt64
  /// Kinds that are told apart; beyond, all share one.
  package let maxKeys: Int
  private var kinds: [Key?: (next: UInt64, suppressed: UInt64)] = [:]

  package init(interval: UInt64, maxKeys: Int = 1_024) {
    self.interval = interval
    self.maxKeys = maxKeys
  }

  /// Whether a line may be written now, and how many of its kind were left out before it.
  package mutating func admits(_ key: Key, at now: UInt64) -> (isAdmitted: Bool, suppressed: UInt64)
  {
    let key: Key? = kinds[key] != nil || kinds.count < maxKeys ? key : nil
    guard let kind = kinds[key], now < kind.next else {
      let suppressed = kinds[key]?.suppressed ?? 0
      kinds[key] = (now &+ interval, 0)
      return (true, suppressed)
    }
    kinds[key] = (kind.next, kind.suppressed &+ 1)
    return (false, 0)
  }
}
