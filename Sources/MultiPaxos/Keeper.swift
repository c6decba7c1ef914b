internal import Synod

/// A node that is given a snapshot, and will ask for what is behind it: that is kept meanwhile, or it
/// would be given one snapshot after the other for as long as others write (rule 28).
struct Keeper: Hashable, Sendable {
  var voter: VoterID
  /// It asks for slots from this one on.
  var from: Slot
  /// It asked so short a time ago that it still counts.
  var until: Ticks
  /// Bytes of the snapshot that it was given.
  var given = 0
}

extension Core {
  /// Bytes of entries that are kept for those who are given a snapshot, at the most: more where that is
  /// long, for it takes as long.
  var mostKept: Int {
    max(8 * min(settings.maxRetainedBytes, 1 << 40), (keepers.map(\.given).max() ?? 0) / 2)
  }

  /// How long whoever is given something may be silent: longer than whoever takes it goes on asking.
  var patience: UInt64 { longestPause * 8 }

  /// The longest time between two questions for one piece.
  var longestPause: UInt64 { settings.retransmitAfter * 20 }

  /// The first slot that somebody will ask for.
  var firstToKeep: Slot {
    mutating get {
      guard !keepers.isEmpty else { return .limit }
      let now = now
      keepers.removeAll { $0.until <= now }
      return keepers.map(\.from).min() ?? .limit
    }
  }

  /// A snapshot is given, after this slot.
  mutating func keep(after slot: Slot, for voter: VoterID, given bytes: Int) {
    let known = keepers.first { $0.voter == voter && $0.from == slot.next }
    keepers.removeAll { $0.voter == voter }
    keepers.append(
      Keeper(
        voter: voter, from: slot.next, until: now.advanced(by: patience),
        given: (known?.given ?? 0) + bytes))
  }

  /// Entries are given to one who was given a snapshot before.
  mutating func goOnKeeping(from slot: Slot, for voter: VoterID) {
    guard let place = keepers.firstIndex(where: { $0.voter == voter }) else { return }
    keepers[place].from = max(keepers[place].from, slot)
    keepers[place].until = now.advanced(by: patience)
    if keepers[place].from > chosenThrough { keepers.remove(at: place) }
  }
}
