public import Synod

/// How long to wait before the next attempt: doubling up to a cap, half of it by chance, so that
/// nodes that lost each other at one moment do not come back in step.
public struct Backoff: Sendable {
  /// The first wait, in milliseconds.
  public let first: UInt64
  /// The longest wait, in milliseconds.
  public let cap: UInt64
  /// Attempts since the last success.
  public private(set) var attempts = 0
  private var random: SplitMix

  /// - Parameters:
  ///   - first: the first wait in milliseconds.
  ///   - cap: the longest wait in milliseconds.
  ///   - random: what the waits are drawn from.
  public init(first: UInt64, cap: UInt64, random: SplitMix) {
    self.first = max(first, 1)
    self.cap = max(cap, max(first, 1))
    self.random = random
  }

  /// The next wait in milliseconds: between half of what is due and all of it.
  public mutating func next() -> UInt64 {
    let due = min(cap, first << UInt64(min(attempts, 20)))
    attempts += 1
    return due - UInt64.random(in: 0...(due / 2), using: &random)
  }

  /// Starts anew after a success.
  public mutating func reset() { attempts = 0 }
}
