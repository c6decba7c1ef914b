internal import Synod

/// A walk over the list of all registers, which finds those of a prefix: at first all that are there,
/// later what was missed.
struct Sweep: Hashable, Sendable {
  private enum Phase: Hashable {
    case due(Ticks)
    /// Waits for a piece of the list.
    case listing
    /// Waits until less of what was found waits to be read.
    case paused(after: UInt64)
  }

  /// Where the next piece of the list begins.
  enum Piece {
    case first
    case after(UInt64)
  }

  private var phase = Phase.due(Ticks(0))
  /// Of the walk, from 1.
  private(set) var number: UInt32 = 0

  /// When the next walk begins; nil while one is under way.
  var wake: Ticks? {
    if case .due(let time) = phase { time } else { nil }
  }

  /// Has a walk begin then, in place of the one that is under way.
  mutating func begin(at time: Ticks) { phase = .due(time) }

  /// The next piece that is wanted, if one is wanted now.
  /// - Parameter hasRoom: whether more may be found.
  mutating func take(at now: Ticks, hasRoom: Bool) -> Piece? {
    switch phase {
    case .due(let time) where time <= now:
      number &+= 1
      phase = .listing
      return .first
    case .paused(let hash) where hasRoom:
      phase = .listing
      return .after(hash)
    case .due, .paused, .listing: return nil
    }
  }

  /// A piece of the list ends here.
  /// - Parameter next: when the next walk is due, if this was the last piece.
  /// - Returns: whether it was.
  mutating func went(through hash: UInt64, next: Ticks) -> Bool {
    phase = hash < .max ? .paused(after: hash) : .due(next)
    return hash == .max
  }
}
