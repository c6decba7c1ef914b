public import Synod

/// What a command came to.
public enum KeyValueOutcome: Hashable, Sendable {
  /// What its one step told.
  case one(KeyValueReply)
  /// What each of its steps told.
  case several([KeyValueReply])
  /// A guard did not hold: nothing was done.
  case guardFailed
  /// The keys that its one step listed.
  case listed(KeyValuePage)
}

/// A piece of the list of all keys.
public struct KeyValuePage: Hashable, Sendable {
  /// In the order of their hashes, which is the same on every node.
  public var keys: [Bytes]
  /// The piece is complete up to and including this hash: the next one begins behind it. Its highest
  /// value says that there is none.
  public var through: UInt64

  /// One made of its parts.
  public init(keys: [Bytes], through: UInt64) {
    self.keys = keys
    self.through = through
  }
}

extension KeyValueOutcome: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    switch self {
    case .one(let reply):
      writer.write(UInt8(1))
      reply.encode(into: &writer)
    case .several(let replies):
      writer.write(UInt8(2))
      writer.write(UInt32(replies.count))
      for reply in replies { reply.encode(into: &writer) }
    case .guardFailed: writer.write(UInt8(3))
    case .listed(let page):
      writer.write(UInt8(4))
      writer.write(page.through)
      writer.write(UInt32(page.keys.count))
      for key in page.keys { writer.write(bytes: key) }
    }
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    switch try reader.read(UInt8.self) {
    case 1: self = .one(try KeyValueReply(from: &reader))
    case 2:
      var replies: [KeyValueReply] = []
      for _ in 0..<(try reader.readCount(ofAtLeast: 1)) {
        replies.append(try KeyValueReply(from: &reader))
      }
      self = .several(replies)
    case 3: self = .guardFailed
    case 4:
      var page = KeyValuePage(keys: [], through: try reader.read(UInt64.self))
      for _ in 0..<(try reader.readCount(ofAtLeast: 4)) { page.keys.append(try reader.readKey()) }
      self = .listed(page)
    default: throw .malformed("no outcome of a command")
    }
  }
}

extension KeyValueReply: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    switch self {
    case .ok: writer.write(UInt8(0))
    case .null: writer.write(UInt8(1))
    case .integer(let number):
      writer.write(UInt8(2))
      writer.write(number)
    case .value(let value):
      writer.write(UInt8(3))
      writer.write(bytes: value)
    case .array(let replies):
      writer.write(UInt8(4))
      writer.write(UInt32(replies.count))
      for reply in replies { reply.encode(into: &writer) }
    case .refused(let why):
      writer.write(UInt8(5))
      why.encode(into: &writer)
    }
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    try self.init(from: &reader, isElement: false)
  }

  /// - Parameter isElement: an array's elements are none themselves, so nobody is led into the depth.
  private init(from reader: inout ByteReader, isElement: Bool) throws(CodingError) {
    switch try reader.read(UInt8.self) {
    case 0: self = .ok
    case 1: self = .null
    case 2: self = .integer(try reader.read(Int64.self))
    case 3: self = .value(try reader.read(bytesUpTo: KeyValueLimits.longestValue))
    case 4 where !isElement:
      var replies: [KeyValueReply] = []
      for _ in 0..<(try reader.readCount(ofAtLeast: 1)) {
        replies.append(try KeyValueReply(from: &reader, isElement: true))
      }
      self = .array(replies)
    case 5: self = .refused(try KeyValueRejection(from: &reader))
    default: throw .malformed("no reply")
    }
  }
}

extension KeyValueRejection: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    switch self {
    case .notAnInteger: Self.write(&writer, 1)
    case .overflow: Self.write(&writer, 2)
    case .tooLarge(let size, let limit): Self.write(&writer, 3, size, limit)
    case .full(let limit): Self.write(&writer, 4, limit)
    case .cannotRemember: Self.write(&writer, 5)
    case .longReply(let limit): Self.write(&writer, 6, limit)
    case .forgotten: Self.write(&writer, 7)
    }
  }

  private static func write(
    _ writer: inout ByteWriter, _ tag: UInt8, _ first: Int = 0, _ second: Int = 0
  ) {
    writer.write(tag)
    writer.write(Int64(first))
    writer.write(Int64(second))
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    let tag = try reader.read(UInt8.self)
    let first = Int(try reader.read(Int64.self))
    let second = Int(try reader.read(Int64.self))
    switch tag {
    case 1: self = .notAnInteger
    case 2: self = .overflow
    case 3: self = .tooLarge(size: first, limit: second)
    case 4: self = .full(limit: first)
    case 5: self = .cannotRemember
    case 6: self = .longReply(limit: first)
    case 7: self = .forgotten
    default: throw .malformed("no reason to refuse")
    }
  }
}
