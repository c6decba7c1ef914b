/// A pattern over bytes, as in Redis: `*` any bytes, `?` one, `[abc]`, `[a-z]` and `[^a]` one of
/// these, or none; a backslash before a byte takes it as it is.
struct Glob {
  private var parts: [Part] = []

  /// Bytes of a pattern, at the most: a match may take as many steps as its length times the key's.
  static let maxLength = 1024

  fileprivate enum Part {
    case byte(UInt8)
    case any
    case anyBytes
    case one(of: ByteSet)
  }

  init(_ pattern: UnsafeRawBufferPointer) {
    var index = 0
    while index < pattern.count {
      let byte = pattern[index]
      index += 1
      switch byte {
      case UInt8(ascii: "*"):
        // Several say no more than one.
        if case .anyBytes? = parts.last { continue }
        parts.append(.anyBytes)
      case UInt8(ascii: "?"): parts.append(.any)
      case UInt8(ascii: "["): parts.append(Self.set(pattern, &index))
      case UInt8(ascii: "\\") where index < pattern.count:
        parts.append(.byte(pattern[index]))
        index += 1
      default: parts.append(.byte(byte))
      }
    }
  }

  /// One that was not closed goes to the end of the pattern.
  private static func set(_ pattern: UnsafeRawBufferPointer, _ index: inout Int) -> Part {
    var bytes = ByteSet()
    let isNegated = index < pattern.count && pattern[index] == UInt8(ascii: "^")
    if isNegated { index += 1 }
    while index < pattern.count, pattern[index] != UInt8(ascii: "]") {
      if pattern[index] == UInt8(ascii: "\\"), index + 1 < pattern.count {
        bytes.insert(pattern[index + 1]...pattern[index + 1])
        index += 2
      } else if index + 2 < pattern.count, pattern[index + 1] == UInt8(ascii: "-") {
        let (a, b) = (pattern[index], pattern[index + 2])
        bytes.insert(min(a, b)...max(a, b))
        index += 3
      } else {
        bytes.insert(pattern[index]...pattern[index])
        index += 1
      }
    }
    index += 1
    if isNegated { bytes.negate() }
    return .one(of: bytes)
  }

  /// Whether all of `bytes` matches. Only the last `*` is ever taken back, so that no pattern takes
  /// longer than its length times that of the bytes.
  /// - Parameter steps: how many it took are added.
  func matches(_ bytes: UnsafeRawBufferPointer, steps: inout Int) -> Bool {
    var (place, part) = (0, 0)
    var star: (part: Int, place: Int)?
    while place < bytes.count {
      steps += 1
      if part < parts.count, case .anyBytes = parts[part] {
        star = (part, place)
        part += 1
      } else if part < parts.count, parts[part].matches(bytes[place]) {
        place += 1
        part += 1
      } else if let last = star {
        star = (last.part, last.place + 1)
        (place, part) = (last.place + 1, last.part + 1)
      } else {
        return false
      }
    }
    if part < parts.count, case .anyBytes = parts[part] { part += 1 }
    return part == parts.count
  }
}

extension Glob.Part {
  fileprivate func matches(_ byte: UInt8) -> Bool {
    switch self {
    case .byte(let own): own == byte
    case .any: true
    case .anyBytes: false
    case .one(let bytes): bytes.contains(byte)
    }
  }
}

/// A bit for each byte.
private struct ByteSet {
  private var bits = SIMD4<UInt64>()

  func contains(_ byte: UInt8) -> Bool { bits[Int(byte >> 6)] & 1 << (byte & 63) != 0 }

  mutating func insert(_ bytes: ClosedRange<UInt8>) {
    for byte in bytes { bits[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }
  }

  mutating func negate() { bits = ~bits }
}
