public import Synod

extension RecordedValue: CustomStringConvertible {
  /// The value of a key that has these bytes.
  public init(_ bytes: Bytes) {
    self = RecordedValue.number(in: bytes).map { .number($0) } ?? .text(bytes)
  }

  /// A decimal number in its one form; nil for anything else.
  private static func number(in bytes: Bytes) -> Int64? {
    guard (1...20).contains(bytes.count) else { return nil }
    let text = String(decoding: bytes.array, as: UTF8.self)
    guard let number = Int64(text), String(number) == text else { return nil }
    return number
  }

  /// As a line of a recorded history has it: visible ASCII; `%` and two hexadecimal digits for any
  /// other byte, for `%` itself, and for `(` or `?` in front.
  public var description: String {
    switch self {
    case .number(let number): String(number)
    case .text(let bytes): historyToken(bytes)
    }
  }
}

/// Bytes as one word of a recorded history.
func historyToken(_ bytes: Bytes) -> String {
  if bytes.isEmpty { return "()" }
  var text = ""
  for (index, byte) in bytes.array.enumerated() {
    let isPlain = byte > 0x20 && byte < 0x7f && byte != UInt8(ascii: "%")
    if isPlain && !(index == 0 && (byte == UInt8(ascii: "(") || byte == UInt8(ascii: "?"))) {
      text.unicodeScalars.append(Unicode.Scalar(byte))
    } else {
      let digits = String(byte, radix: 16)
      text += digits.utf8.count == 1 ? "%0\(digits)" : "%\(digits)"
    }
  }
  return text
}

/// The bytes of one word of a recorded history; nil where it is none.
func historyBytes(_ token: Substring.UTF8View) -> Bytes? {
  if token.elementsEqual("()".utf8) { return Bytes() }
  guard let first = token.first, first != UInt8(ascii: "(") else { return nil }
  if !token.contains(UInt8(ascii: "%")) { return Bytes(token) }
  var bytes: [UInt8] = []
  var rest = token.makeIterator()
  while let byte = rest.next() {
    guard byte == UInt8(ascii: "%") else {
      bytes.append(byte)
      continue
    }
    guard let high = rest.next().flatMap(hexadecimal), let low = rest.next().flatMap(hexadecimal)
    else { return nil }
    bytes.append(high << 4 | low)
  }
  return Bytes(bytes)
}

private func hexadecimal(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
  default: nil
  }
}
