/// Writes integers (little-endian) and byte strings into one growing buffer.
public struct ByteWriter: ~Copyable {
  @usableFromInline var slab: Slab
  @usableFromInline var start: UnsafeMutableRawPointer
  @usableFromInline var capacity: Int
  @usableFromInline var written: Int

  /// - Parameter capacity: bytes to make room for at first.
  @inlinable public init(capacity: Int = 256) {
    slab = Slab.make(capacity: max(capacity, 16))
    start = slab.start
    self.capacity = max(capacity, 16)
    written = 0
  }

  /// Bytes written.
  @inlinable public var count: Int { written }
  /// Whether nothing was written.
  @inlinable public var isEmpty: Bool { written == 0 }

  @inlinable @inline(__always)
  mutating func reserve(_ more: Int) -> UnsafeMutableRawPointer {
    if capacity - count < more { grow(by: more) }
    defer { written += more }
    return start + count
  }

  @usableFromInline @inline(never)
  mutating func grow(by more: Int) {
    let larger = Slab.make(capacity: max(capacity * 2, count + more))
    let target = larger.start
    target.copyMemory(from: start, byteCount: count)
    capacity = larger.header
    slab = larger
    start = target
  }

  /// Writes an integer, little-endian.
  @inlinable public mutating func write<T: FixedWidthInteger>(_ value: T) {
    let size = MemoryLayout<T>.size
    reserve(size).storeBytes(of: value.littleEndian, as: T.self)
  }

  /// Writes the bytes themselves, without a length.
  @inlinable public mutating func write(raw source: UnsafeRawBufferPointer) {
    guard let base = source.baseAddress, source.count > 0 else { return }
    reserve(source.count).copyMemory(from: base, byteCount: source.count)
  }

  /// Writes the bytes themselves, without a length.
  @inlinable public mutating func write(raw source: Bytes) {
    source.withUnsafeBytes { write(raw: $0) }
  }

  /// Writes a length in four bytes, then the bytes.
  @inlinable public mutating func write(bytes source: Bytes) {
    write(UInt32(truncatingIfNeeded: source.count))
    write(raw: source)
  }

  /// Overwrites what was written at `offset`, which must lie within what was written.
  @inlinable public mutating func overwrite<T: FixedWidthInteger>(_ value: T, at offset: Int) {
    precondition(offset >= 0 && offset + MemoryLayout<T>.size <= count, "overwrite out of range")
    (start + offset).storeBytes(of: value.littleEndian, as: T.self)
  }

  /// What was written so far, readable until `body` returns.
  @inlinable public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
    body(UnsafeRawBufferPointer(start: start, count: count))
  }

  /// Forgets what was written and keeps the memory. What `finish()` gave out is not touched.
  @inlinable public mutating func removeAll() { written = 0 }

  /// Gives out what was written, without a copy, and starts anew with fresh memory.
  @inlinable public mutating func finish() -> Bytes {
    guard count > 0 else { return Bytes() }
    let bytes = Bytes(owner: slab, start: UnsafeRawPointer(start), count: count)
    self = ByteWriter(capacity: 256)
    return bytes
  }
}
