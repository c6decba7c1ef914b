/// Reads a signed integer in the one form in which it is written: no plus, no blanks, no leading
/// zeros, no overflow. The same rule as Redis has for the values that it counts with.
/// - Returns: nil where the bytes are anything else.
public func parseInteger(_ bytes: UnsafeRawBufferPointer) -> Int64? {
  guard bytes.count > 0, bytes.count <= 20 else { return nil }
  if bytes.count == 1 && bytes[0] == UInt8(ascii: "0") { return 0 }
  let negative = bytes[0] == UInt8(ascii: "-")
  var index = negative ? 1 : 0
  guard index < bytes.count, bytes[index] != UInt8(ascii: "0") else { return nil }
  var magnitude: UInt64 = 0
  while index < bytes.count {
    let digit = bytes[index] &- UInt8(ascii: "0")
    guard digit <= 9 else { return nil }
    let (product, overflow) = magnitude.multipliedReportingOverflow(by: 10)
    let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
    guard !overflow, !carry else { return nil }
    magnitude = sum
    index += 1
  }
  if negative {
    guard magnitude <= Int64.min.magnitude else { return nil }
    return Int64(truncatingIfNeeded: 0 &- magnitude)
  }
  return magnitude <= UInt64(Int64.max) ? Int64(magnitude) : nil
}

/// Calls `body` with the decimal digits of `value`.
@inlinable
public func withDecimal<R>(_ value: Int64, _ body: (UnsafeRawBufferPointer) -> R) -> R {
  withUnsafeTemporaryAllocation(byteCount: 20, alignment: 1) { digits in
    var index = 20
    var rest = value.magnitude
    repeat {
      index -= 1
      digits[index] = UInt8(truncatingIfNeeded: rest % 10) + UInt8(ascii: "0")
      rest /= 10
    } while rest > 0
    if value < 0 {
      index -= 1
      digits[index] = UInt8(ascii: "-")
    }
    return body(UnsafeRawBufferPointer(rebasing: digits[index..<20]))
  }
}
