/// Splits the line of an inline command into arguments by Redis's rules: blanks part them; double
/// quotes know `\xHH \n \r \t \b \a` and any other escaped byte as itself; single quotes know `\'`
/// only; a closing quote ends the argument.
struct InlineSplitter {
  private let line: UnsafeRawBufferPointer
  private var index = 0

  init(_ line: UnsafeRawBufferPointer) { self.line = line }

  /// Appends the next argument.
  /// - Returns: whether there was one.
  mutating func next(into target: RequestStorage) throws(ProtocolError) -> Bool {
    while index < line.count, isBlank(line[index]) { index += 1 }
    guard index < line.count else { return false }
    while index < line.count {
      let byte = line[index]
      if isBlank(byte) { return true }
      index += 1
      switch byte {
      case UInt8(ascii: "\""):
        try doubleQuoted(into: target)
        return true
      case UInt8(ascii: "'"):
        try singleQuoted(into: target)
        return true
      default: target.append(byte)
      }
    }
    return true
  }

  private func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || (byte >= 0x09 && byte <= 0x0d) || byte == 0
  }

  /// A quote was closed: the line's end or a blank must follow.
  private func closed() throws(ProtocolError) {
    guard index == line.count || isBlank(line[index]) else { throw .unbalancedQuotes }
  }

  private mutating func singleQuoted(into target: RequestStorage) throws(ProtocolError) {
    let quote = UInt8(ascii: "'")
    while index < line.count {
      let byte = line[index]
      index += 1
      if byte == quote { return try closed() }
      if byte == UInt8(ascii: "\\"), index < line.count, line[index] == quote {
        target.append(quote)
        index += 1
      } else {
        target.append(byte)
      }
    }
    throw .unbalancedQuotes
  }

  private mutating func doubleQuoted(into target: RequestStorage) throws(ProtocolError) {
    while index < line.count {
      let byte = line[index]
      index += 1
      if byte == UInt8(ascii: "\"") { return try closed() }
      if byte == UInt8(ascii: "\\"), index < line.count {
        target.append(escaped())
      } else {
        target.append(byte)
      }
    }
    throw .unbalancedQuotes
  }

  /// The byte that an escape stands for; the backslash was read, and a byte follows.
  private mutating func escaped() -> UInt8 {
    let letter = line[index]
    if letter == UInt8(ascii: "x"), index + 2 < line.count, let high = hexDigit(line[index + 1]),
      let low = hexDigit(line[index + 2])
    {
      index += 3
      return high << 4 | low
    }
    index += 1
    switch letter {
    case UInt8(ascii: "n"): return 0x0a
    case UInt8(ascii: "r"): return 0x0d
    case UInt8(ascii: "t"): return 0x09
    case UInt8(ascii: "b"): return 0x08
    case UInt8(ascii: "a"): return 0x07
    default: return letter
    }
  }

  private func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
