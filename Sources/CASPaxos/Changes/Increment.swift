public import Synod

/// Adds to a number that is kept as decimal digits, as Redis keeps its own; a register without a value
/// counts as zero. It gives the sum.
public struct Increment: Change, Hashable {
  /// What is added; may be negative.
  public var amount: Int64

  /// Why it may refuse.
  public enum Refusal: Error, Hashable, Sendable {
    /// The value is no number of 64 bits in the one form in which it is written: no plus, no leading
    /// zeros, no blanks.
    case notANumber
    /// The sum is beyond 64 bits.
    case overflow
  }

  /// One made of its parts.
  @inlinable public init(by amount: Int64 = 1) { self.amount = amount }

  /// Gives the sum, or refuses.
  public func apply(to current: Register) -> Decision<Int64, Refusal> {
    guard let number = Increment.number(in: current.value) else { return .reject(.notANumber) }
    let (sum, overflow) = number.addingReportingOverflow(amount)
    return overflow ? .reject(.overflow) : .write(Bytes(String(sum)), sum)
  }

  /// Eight bytes.
  public func remember(_ output: Int64) -> Bytes? { Kept.bytes(output) }
  /// Eight bytes.
  public func recall(_ result: Bytes) -> Int64? { Kept.number(result) }

  /// The number that a value stands for; nil where it is none. No value is zero.
  public static func number(in value: Bytes?) -> Int64? {
    guard let value else { return 0 }
    // The longest number has nineteen digits and a sign.
    guard value.count <= 20 else { return nil }
    let text = value.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    return Int64(text).flatMap { String($0) == text ? $0 : nil }
  }
}
