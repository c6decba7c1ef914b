/// The two forms in which replies are written. A client chooses with `HELLO`; the second is the
/// first until then.
public enum RESPVersion: Int, Hashable, Sendable {
  case resp2 = 2
  case resp3 = 3
}

/// Writes replies, one behind the other, into memory that is used again once it was sent. What
/// RESP2 has no form for is written in the form that Redis gives it there.
public struct ReplyWriter {
  /// The form that replies are written in from now on.
  public var version: RESPVersion
  /// Bytes written since the last `reset()`.
  public private(set) var count = 0
  private var storage: ReplyStorage
  private var start: UnsafeMutableRawPointer
  private var capacity: Int
  private let initialCapacity: Int

  /// - Parameters:
  ///   - version: of the protocol.
  ///   - capacity: bytes of memory to hold at first, and to return to after a large reply.
  public init(version: RESPVersion = .resp2, capacity: Int = 4096) {
    self.version = version
    self.capacity = max(capacity, 64)
    initialCapacity = self.capacity
    storage = ReplyStorage(capacity: self.capacity)
    start = storage.start
  }

  /// Whether nothing waits to be sent.
  public var isEmpty: Bool { count == 0 }

  /// What was written, and what must be held as long as it is read.
  public var written: (owner: ReplyStorage, bytes: UnsafeRawBufferPointer) {
    (storage, UnsafeRawBufferPointer(start: start, count: count))
  }

  /// Starts anew, in the same memory where nobody else holds it and it is not overly large.
  public mutating func reset() {
    count = 0
    if capacity > initialCapacity * 16 || !isKnownUniquelyReferenced(&storage) {
      storage = ReplyStorage(capacity: initialCapacity)
      start = storage.start
      capacity = initialCapacity
    }
  }

  // MARK: - What RESP2 has

  /// `+text`. A line break in it is written as a blank, since it would end the reply.
  public mutating func simple(_ text: StaticString) {
    byte("+")
    line(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// `+text`, as above, of a text made at run time.
  public mutating func simple(_ text: String) {
    byte("+")
    line(text)
  }

  /// `-text`; its first word is the kind of the error.
  public mutating func error(_ text: String) {
    byte("-")
    line(text)
  }

  /// `:value`.
  public mutating func integer(_ value: Int64) { header(":", value) }

  /// A length and the bytes, whatever they are.
  public mutating func bulk(_ bytes: UnsafeRawBufferPointer) {
    header("$", Int64(bytes.count))
    raw(bytes)
    lineEnd()
  }

  /// A length and the UTF-8 bytes of `text`.
  public mutating func bulk(_ text: String) {
    var text = text
    text.withUTF8 { bulk(UnsafeRawBufferPointer($0)) }
  }

  /// Announces an array; `count` replies must follow.
  public mutating func array(_ count: Int) { header("*", Int64(count)) }

  /// No value.
  public mutating func null() {
    switch version {
    case .resp2: raw("$-1\r\n")
    case .resp3: raw("_\r\n")
    }
  }

  /// No array.
  public mutating func nullArray() {
    switch version {
    case .resp2: raw("*-1\r\n")
    case .resp3: raw("_\r\n")
    }
  }

  // MARK: - What RESP3 adds

  /// Announces a map; `count` pairs of replies must follow.
  public mutating func map(_ count: Int) {
    switch version {
    case .resp2: header("*", Int64(count) * 2)
    case .resp3: header("%", Int64(count))
    }
  }

  /// Announces a set; `count` replies must follow.
  public mutating func set(_ count: Int) {
    switch version {
    case .resp2: header("*", Int64(count))
    case .resp3: header("~", Int64(count))
    }
  }

  /// Announces a message that answers no command; `count` replies must follow.
  public mutating func push(_ count: Int) {
    switch version {
    case .resp2: header("*", Int64(count))
    case .resp3: header(">", Int64(count))
    }
  }

  /// Truth; 1 or 0 in RESP2.
  public mutating func boolean(_ value: Bool) {
    switch version {
    case .resp2: integer(value ? 1 : 0)
    case .resp3: raw(value ? "#t\r\n" : "#f\r\n")
    }
  }

  /// A number; its decimal form as a bulk string in RESP2.
  public mutating func double(_ value: Double) {
    let text = value.isNaN ? "nan" : value.isInfinite ? (value < 0 ? "-inf" : "inf") : "\(value)"
    switch version {
    case .resp2: bulk(text)
    case .resp3:
      byte(",")
      line(text)
    }
  }

  /// Text as it is to be shown.
  public mutating func verbatim(_ text: String) {
    switch version {
    case .resp2: bulk(text)
    case .resp3:
      header("=", Int64(text.utf8.count + 4))
      raw("txt:")
      var text = text
      text.withUTF8 { raw(UnsafeRawBufferPointer($0)) }
      lineEnd()
    }
  }

  // MARK: - Bytes

  private mutating func header(_ kind: Unicode.Scalar, _ value: Int64) {
    // The sign, twenty digits and the line end.
    let room = reserve(24)
    room.storeBytes(of: UInt8(ascii: kind), as: UInt8.self)
    let used = withDecimal(value) { digits in
      UnsafeMutableRawBufferPointer(start: room + 1, count: digits.count).copyMemory(from: digits)
      return digits.count + 1
    }
    room.storeBytes(of: UInt8(ascii: "\r"), toByteOffset: used, as: UInt8.self)
    room.storeBytes(of: UInt8(ascii: "\n"), toByteOffset: used + 1, as: UInt8.self)
    count += used + 2
  }

  /// Text and a line end, with no line break inside.
  private mutating func line(_ text: String) {
    var text = text
    text.withUTF8 { line(UnsafeRawBufferPointer($0)) }
  }

  private mutating func line(_ bytes: UnsafeRawBufferPointer) {
    let room = reserve(bytes.count + 2)
    for (index, byte) in bytes.enumerated() {
      let isBreak = byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\n")
      room.storeBytes(of: isBreak ? UInt8(ascii: " ") : byte, toByteOffset: index, as: UInt8.self)
    }
    count += bytes.count
    lineEnd()
  }

  private mutating func byte(_ scalar: Unicode.Scalar) {
    reserve(1).storeBytes(of: UInt8(ascii: scalar), as: UInt8.self)
    count += 1
  }

  private mutating func lineEnd() { raw("\r\n") }

  private mutating func raw(_ text: StaticString) {
    raw(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Replies that were written elsewhere, as they are.
  public mutating func raw(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress, bytes.count > 0 else { return }
    reserve(bytes.count).copyMemory(from: base, byteCount: bytes.count)
    count += bytes.count
  }

  private mutating func reserve(_ more: Int) -> UnsafeMutableRawPointer {
    if capacity - count < more { grow(by: more) }
    return start + count
  }

  private mutating func grow(by more: Int) {
    let larger = ReplyStorage(capacity: max(capacity * 2, count + more))
    larger.start.copyMemory(from: start, byteCount: count)
    storage = larger
    start = larger.start
    capacity = larger.capacity
  }
}
