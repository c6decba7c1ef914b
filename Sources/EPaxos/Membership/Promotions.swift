internal import Synod

/// Members that join and were heard to have the state.
struct Promotions: Hashable, Sendable {
  private(set) var ready: [VoterID] = []
  /// When the first of them was heard of.
  private(set) var since = Ticks(0)
  /// A change of this node's own that makes one of them a voter.
  var own: InstanceID?
  /// When the next is asked whether it is there; nil for at once.
  private(set) var askAt: Ticks?
  /// How often that was asked, as a power of two.
  private var tries = 0

  /// The longest pause, as a power of two of the first.
  private static let slowest = 6

  var isEmpty: Bool { ready.isEmpty }

  /// - Parameter isBack: whether it was not heard for long.
  mutating func note(_ voter: VoterID, _ now: Ticks, isBack: Bool) {
    if ready.isEmpty { since = now }
    if !ready.contains(voter) { ready.append(voter) }
    guard isBack else { return }
    askAt = nil
    tries = 0
  }

  mutating func keep(where isKept: (VoterID) -> Bool) { ready.removeAll { !isKept($0) } }

  mutating func putOff(_ now: Ticks, _ pause: UInt64) {
    askAt = now.advanced(by: pause << UInt64(tries))
    tries = min(tries + 1, Self.slowest)
  }
}
