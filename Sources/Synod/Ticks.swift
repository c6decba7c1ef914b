/// A point on a monotonic clock that also counts the time a computer sleeps. The driver says how
/// long a tick is; Synod's own uses one millisecond.
public struct Ticks: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The bare number.
  public let rawValue: UInt64

  /// Wraps a bare number.
  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }
  /// Wraps a bare number.
  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// Whether `a` comes before `b`.
  @inlinable public static func < (a: Ticks, b: Ticks) -> Bool { a.rawValue < b.rawValue }

  /// The point `ticks` later; the last point of all where there is none.
  @inlinable public func advanced(by ticks: UInt64) -> Ticks {
    let (sum, overflow) = rawValue.addingReportingOverflow(ticks)
    return Ticks(overflow ? .max : sum)
  }

  /// For people to read.
  public var description: String { "\(rawValue)" }
}
