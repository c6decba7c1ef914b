internal import Synod

/// A walk over the list of all registers for all watches of prefixes, which finds those that they
/// cover: at first all that are there, later what was missed. Between its pieces it waits, so that
/// voters that hold many registers are not kept from their other work.
struct Sweep: Hashable, Sendable {
  private enum Phase: Hashable {
    /// Nobody needs it.
    case idle
    case due(Ticks)
    /// Waits for a piece of the list.
    case listing
    case paused(after: UInt64, until: Ticks)
    /// The list is at its end; what it did not have is looked for, from this part on.
    case missing(from: Int, at: Ticks)
  }

  /// Where the next piece of the list begins.
  enum Piece {
    case first
    case after(UInt64)
  }

  private var phase = Phase.idle
  /// Another walk is to follow at once: somebody came while this one was under way.
  private var isAgain = false
  /// Of the walk, from 1.
  private(set) var number: UInt32 = 0

  /// When it goes on by itself.
  var wake: Ticks? {
    switch phase {
    case .due(let time), .paused(_, let time), .missing(_, let time): time
    case .idle, .listing: nil
    }
  }

  mutating func stop() {
    phase = .idle
    isAgain = false
  }

  /// Has a walk begin then, in place of the one that is under way.
  mutating func begin(at time: Ticks) {
    phase = .due(time)
    isAgain = false
  }

  /// Somebody more needs a whole walk.
  mutating func join(at now: Ticks) {
    switch phase {
    case .idle, .due: phase = .due(now)
    case .listing, .paused, .missing: isAgain = true
    }
  }

  /// The next piece that is wanted, if one is wanted now.
  /// - Parameters:
  ///   - pause: how long it waits where there is no room.
  ///   - hasRoom: whether more may be found.
  mutating func take(at now: Ticks, pause: UInt64, hasRoom: Bool) -> Piece? {
    switch phase {
    case .due(let time) where time <= now:
      number &+= 1
      phase = .listing
      return .first
    case .paused(let hash, let time) where time <= now:
      phase = hasRoom ? .listing : .paused(after: hash, until: now.advanced(by: pause))
      return hasRoom ? .after(hash) : nil
    case .idle, .due, .paused, .listing, .missing: return nil
    }
  }

  /// A piece of the list ends here.
  /// - Parameter pause: how long to wait before the next piece.
  /// - Returns: whether it was the last piece.
  mutating func went(through hash: UInt64, at now: Ticks, pause: UInt64) -> Bool {
    guard case .listing = phase else { return false }
    guard hash == .max else {
      phase = .paused(after: hash, until: now.advanced(by: pause))
      return false
    }
    phase = .missing(from: 0, at: now)
    return true
  }

  /// The part of the registers that is to be looked through now.
  mutating func takePart(at now: Ticks) -> Int? {
    guard case .missing(let part, let time) = phase, time <= now else { return nil }
    phase = .missing(from: part + 1, at: time)
    return part
  }

  /// The parts that are left have to wait.
  mutating func waits(until time: Ticks) {
    if case .missing(let part, _) = phase { phase = .missing(from: part, at: time) }
  }

  /// All was looked through.
  /// - Parameters:
  ///   - pause: how long to wait before the next walk where somebody waits for it, in ticks.
  ///   - rest: how long otherwise.
  mutating func end(at now: Ticks, pause: UInt64, rest: UInt64) {
    phase = .due(now.advanced(by: isAgain ? pause : rest))
    isAgain = false
  }
}
