public import Synod

/// A hash of all that happened in a run, in order: FNV-1a over 64 bits (Fowler, Noll and Vo), the
/// same on every platform.
public struct RunHash: Hashable, Sendable, CustomStringConvertible {
  /// The hash so far.
  public private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

  /// Of nothing.
  public init() {}

  private mutating func mix(_ byte: UInt8) {
    value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
  }

  /// Adds a number.
  public mutating func add(_ number: UInt64) {
    for shift in stride(from: 0, to: 64, by: 8) {
      mix(UInt8(truncatingIfNeeded: number >> UInt64(shift)))
    }
  }

  /// Adds bytes and their number.
  public mutating func add(_ bytes: Bytes) {
    add(UInt64(bytes.count))
    bytes.withUnsafeBytes { for byte in $0 { mix(byte) } }
  }

  /// Adds text and its length.
  public mutating func add(_ text: String) { add(Bytes(text)) }

  /// Adds the binary form of a value.
  public mutating func add(encoded value: some ByteCodable) { add(value.encoded) }

  /// Sixteen hexadecimal digits.
  public var description: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
  }
}
