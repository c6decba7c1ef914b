/// An immutable, shared slice of bytes: its owner, where it starts, how long it is.
///
/// One value goes from the client's buffer to the log and to the frame without being copied. A
/// slice keeps its whole owner alive, so what a table keeps for long is `compacted()` first.
public struct Bytes: @unchecked Sendable {
  /// Nil for no bytes, so that empty values cost no counting of references.
  @usableFromInline let owner: AnyObject?
  @usableFromInline let start: UnsafeRawPointer
  /// Length in bytes.
  public let count: Int

  /// Bytes that lie in memory of someone else's, without a copy.
  /// - Parameters:
  ///   - owner: keeps the memory alive and in its place; nobody writes to it any more.
  ///   - start: where they begin.
  ///   - count: how many.
  @inlinable public init(owner: AnyObject?, start: UnsafeRawPointer, count: Int) {
    self.owner = owner
    self.start = start
    self.count = count
  }

  /// No bytes.
  @inlinable public init() {
    // Never read: there is nothing at it. (A page boundary, so that it is aligned for any type.)
    self.init(owner: nil, start: UnsafeRawPointer(bitPattern: 4096).unsafelyUnwrapped, count: 0)
  }

  /// A copy of `source`.
  @inlinable public init(copying source: UnsafeRawBufferPointer) {
    guard let base = source.baseAddress, source.count > 0 else {
      self.init()
      return
    }
    let slab = Slab.make(capacity: source.count)
    let start = slab.start
    start.copyMemory(from: base, byteCount: source.count)
    self.init(owner: slab, start: UnsafeRawPointer(start), count: source.count)
  }

  /// A copy of `source`.
  public init(_ source: some Sequence<UInt8>) {
    self = Array(source).withUnsafeBytes { Bytes(copying: $0) }
  }

  /// The UTF-8 bytes of `string`.
  public init(_ string: String) {
    var string = string
    self = string.withUTF8 { Bytes(copying: UnsafeRawBufferPointer($0)) }
  }

  /// Whether there are none.
  @inlinable public var isEmpty: Bool { count == 0 }

  /// The bytes, readable until `body` returns.
  @inlinable public func withUnsafeBytes<R, E: Error>(
    _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    defer { withExtendedLifetime(owner) {} }
    return try body(UnsafeRawBufferPointer(start: start, count: count))
  }

  /// The byte at `index`, which must be within the slice.
  @inlinable public subscript(index: Int) -> UInt8 {
    precondition(index >= 0 && index < count, "byte index out of range")
    return start.load(fromByteOffset: index, as: UInt8.self)
  }

  /// The slice of these bytes in `range`, which must lie within them. It shares their owner.
  @inlinable public subscript(range: Range<Int>) -> Bytes {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "byte range out of range")
    return Bytes(owner: owner, start: start + range.lowerBound, count: range.count)
  }

  /// Where the bytes lie, for a call that borrows them beyond one closure. The caller must keep
  /// this value alive as long as it uses the pointer.
  @inlinable public var unsafeBuffer: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: start, count: count)
  }

  /// What keeps the bytes in their place: retain it as long as `unsafeBuffer` is used.
  @inlinable public var unsafeOwner: AnyObject { owner ?? Slab.none }

  /// These bytes in an owner of about their own size: a copy where the present owner is more than
  /// twice and 64 bytes larger, so that a small value does not pin a large frame.
  @inlinable public func compacted() -> Bytes {
    guard let slab = owner as? Slab, slab.header > 2 * count + 64 else { return self }
    return withUnsafeBytes { Bytes(copying: $0) }
  }

  /// The bytes as an array.
  public var array: [UInt8] { withUnsafeBytes { Array($0) } }
}

extension Bytes: Hashable {
  /// Whether both are the same.
  @inlinable public static func == (a: Bytes, b: Bytes) -> Bool {
    guard a.count == b.count else { return false }
    if a.start == b.start { return true }
    return a.withUnsafeBytes { x in b.withUnsafeBytes { y in equalBytes(x, y) } }
  }

  /// Compares buffers of one length, eight bytes at a time, since every look into a table ends here.
  @inlinable static func equalBytes(
    _ x: UnsafeRawBufferPointer, _ y: UnsafeRawBufferPointer
  ) -> Bool {
    var index = 0
    while x.count - index >= 8 {
      let a = x.loadUnaligned(fromByteOffset: index, as: UInt64.self)
      let b = y.loadUnaligned(fromByteOffset: index, as: UInt64.self)
      if a != b { return false }
      index += 8
    }
    while index < x.count {
      if x[index] != y[index] { return false }
      index += 1
    }
    return true
  }

  /// Feeds what `==` compares.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(count)
    withUnsafeBytes { hasher.combine(bytes: $0) }
  }
}

extension Bytes: Comparable {
  /// Whether `a` comes before `b`, as unsigned bytes: what is longer comes behind its beginnings.
  public static func < (a: Bytes, b: Bytes) -> Bool {
    a.withUnsafeBytes { x in b.withUnsafeBytes { y in x.lexicographicallyPrecedes(y) } }
  }
}

extension Bytes: ExpressibleByStringLiteral {
  /// The UTF-8 bytes of a literal.
  public init(stringLiteral value: String) { self.init(value) }
}

extension Bytes: CustomStringConvertible {
  /// Printable ASCII as it is, other bytes as `\xNN`.
  public var description: String {
    withUnsafeBytes { bytes in
      var text = ""
      for byte in bytes {
        if byte >= 0x20 && byte < 0x7f && byte != 0x5c {
          text.unicodeScalars.append(Unicode.Scalar(byte))
        } else {
          let hex = String(byte, radix: 16)
          text += hex.utf8.count == 1 ? "\\x0\(hex)" : "\\x\(hex)"
        }
      }
      return text
    }
  }
}

/// Heap memory that `Bytes` share: the capacity asked for and the bytes, in one allocation.
@usableFromInline
final class Slab: ManagedBuffer<Int, UInt8> {
  @inlinable static func make(capacity: Int) -> Slab {
    unsafeDowncast(Slab.create(minimumCapacity: capacity) { _ in capacity }, to: Slab.self)
  }

  /// The owner of no bytes, where one must be named.
  @usableFromInline nonisolated(unsafe) static let none = make(capacity: 0)

  /// The first byte. Stable for the slab's life, since the elements lie in its own allocation.
  @inlinable var start: UnsafeMutableRawPointer {
    UnsafeMutableRawPointer(withUnsafeMutablePointerToElements { $0 })
  }
}
