/// Why bytes could not be read. Every reader is bounded and checked; none traps on hostile input.
public enum CodingError: Error, Hashable, Sendable {
  /// The bytes end before the value does.
  case truncated
  /// A length or a count is over its limit (bytes or elements).
  case overLimit(found: UInt64, limit: Int)
  /// The bytes say what the format does not allow.
  case malformed(StaticReason)

  /// A reason known when the program was built.
  public struct StaticReason: Hashable, Sendable, ExpressibleByStringLiteral,
    CustomStringConvertible
  {
    /// The reason, for people.
    public let description: String
    /// The UTF-8 bytes of a literal.
    public init(stringLiteral value: String) { description = value }
  }
}

extension CodingError: CustomStringConvertible {
  /// For people to read.
  public var description: String {
    switch self {
    case .truncated: "the bytes end before the value does"
    case .overLimit(let found, let limit): "\(found) is over the limit of \(limit)"
    case .malformed(let reason): reason.description
    }
  }
}

/// Reads what `ByteWriter` wrote. Slices that it gives out share the memory of what it reads.
public struct ByteReader {
  @usableFromInline let source: Bytes
  /// Offset of the next byte to read.
  @inlinable public var offset: Int { position }
  @usableFromInline var position: Int

  /// One made of its parts.
  @inlinable public init(_ source: Bytes) {
    self.source = source
    position = 0
  }

  /// Bytes not read yet.
  @inlinable public var remaining: Int { source.count - offset }
  /// Whether every byte was read.
  @inlinable public var isAtEnd: Bool { remaining == 0 }

  /// Reads a little-endian integer.
  @inlinable public mutating func read<T: FixedWidthInteger>(_: T.Type) throws(CodingError) -> T {
    let size = MemoryLayout<T>.size
    guard remaining >= size else { throw .truncated }
    let value = source.start.loadUnaligned(fromByteOffset: offset, as: T.self)
    position += size
    return T(littleEndian: value)
  }

  /// Reads `count` bytes as a slice of the source.
  @inlinable public mutating func read(raw count: Int) throws(CodingError) -> Bytes {
    guard count >= 0, remaining >= count else { throw .truncated }
    let slice = source[offset..<(offset + count)]
    position += count
    return slice
  }

  /// Reads a length in four bytes, then that many bytes as a slice of the source.
  /// - Parameter limit: the largest length allowed, in bytes.
  @inlinable public mutating func read(bytesUpTo limit: Int) throws(CodingError) -> Bytes {
    let count = try read(UInt32.self)
    guard count <= limit else { throw .overLimit(found: UInt64(count), limit: limit) }
    return try read(raw: Int(count))
  }
}

/// A value with one binary form, little-endian, the same on every platform.
public protocol ByteCodable {
  /// Appends this value's form.
  func encode(into writer: inout ByteWriter)
  /// Reads one value, or says why it cannot.
  init(from reader: inout ByteReader) throws(CodingError)
}

extension ByteCodable {
  /// Its binary form.
  @inlinable public var encoded: Bytes {
    var writer = ByteWriter(capacity: 128)
    encode(into: &writer)
    return writer.finish()
  }

  /// Reads all of `bytes`; nil where they are not its binary form.
  @inlinable public init?(encoded bytes: Bytes) {
    var reader = ByteReader(bytes)
    guard let value = try? Self(from: &reader), reader.isAtEnd else { return nil }
    self = value
  }
}
