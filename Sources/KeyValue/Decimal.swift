internal import Synod

/// Whole numbers as clients write them.
enum Decimal {
  /// Reads a number in the one form in which it is written: no plus, no blanks, no leading zeros, no
  /// overflow.
  /// - Returns: nil where the bytes are anything else.
  static func number(_ bytes: Bytes) -> Int64? {
    bytes.withUnsafeBytes { bytes in
      guard (1...20).contains(bytes.count) else { return nil }
      let isNegative = bytes[0] == UInt8(ascii: "-")
      let digits = bytes.dropFirst(isNegative ? 1 : 0)
      guard let first = digits.first else { return nil }
      if first == UInt8(ascii: "0") { return bytes.count == 1 ? 0 : nil }
      // Downwards, since there is one more number below zero than above.
      var number: Int64 = 0
      for byte in digits {
        let digit = byte &- UInt8(ascii: "0")
        guard digit <= 9 else { return nil }
        let (product, isOver) = number.multipliedReportingOverflow(by: 10)
        let (next, isBelow) = product.subtractingReportingOverflow(Int64(digit))
        guard !isOver, !isBelow else { return nil }
        number = next
      }
      if isNegative { return number }
      return number == .min ? nil : -number
    }
  }

  /// The digits of a number.
  static func bytes(_ number: Int64) -> Bytes {
    withUnsafeTemporaryAllocation(byteCount: 20, alignment: 1) { digits in
      var index = 20
      var rest = number.magnitude
      repeat {
        index -= 1
        digits[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
        rest /= 10
      } while rest > 0
      if number < 0 {
        index -= 1
        digits[index] = UInt8(ascii: "-")
      }
      return Bytes(copying: UnsafeRawBufferPointer(rebasing: digits[index..<20]))
    }
  }
}
