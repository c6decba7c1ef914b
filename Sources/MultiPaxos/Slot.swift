public import Synod

/// A place in the log. The first is 1; zero is before all of them.
public struct Slot: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The bare number.
  public let rawValue: UInt64

  /// Wraps a bare number.
  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }
  /// Wraps a bare number.
  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// Before the first slot.
  @inlinable public static var none: Slot { Slot(0) }
  /// No slot above this is ever opened or believed, so that arithmetic on slots cannot overflow.
  @inlinable public static var limit: Slot { Slot(1 << 60) }

  /// The slot behind this one.
  @inlinable public var next: Slot { Slot(rawValue + 1) }
  /// The slot before this one; `none` before the first.
  @inlinable public var previous: Slot { Slot(rawValue == 0 ? 0 : rawValue - 1) }
  /// The slot `count` later.
  @inlinable public func advanced(by count: UInt64) -> Slot { Slot(rawValue &+ count) }

  /// Whether `a` comes before `b`.
  @inlinable public static func < (a: Slot, b: Slot) -> Bool { a.rawValue < b.rawValue }
  /// For people to read.
  public var description: String { "@\(rawValue)" }
}

extension Slot: ByteCodable {
  /// Appends its binary form.
  @inlinable public func encode(into writer: inout ByteWriter) { writer.write(rawValue) }

  /// Reads its binary form, or says why it cannot.
  @inlinable public init(from reader: inout ByteReader) throws(CodingError) {
    let number = try reader.read(UInt64.self)
    guard number <= Slot.limit.rawValue else { throw .malformed("slot over its limit") }
    self.init(number)
  }
}
