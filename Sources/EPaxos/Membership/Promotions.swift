internal import Synod

/// Members that join and were heard to have the state.
struct Promotions: Hashable, Sendable {
  private var ready: [VoterID] = []
  /// When the first of them was heard of.
  private(set) var since = Ticks(0)
  /// A change of this node's own that makes one of them a voter.
  var own: InstanceID?

  var first: VoterID? { ready.first }

  mutating func note(_ voter: VoterID, _ now: Ticks) {
    if ready.isEmpty { since = now }
    if !ready.contains(voter) { ready.append(voter) }
  }

  mutating func keep(where isKept: (VoterID) -> Bool) { ready.removeAll { !isKept($0) } }
}
