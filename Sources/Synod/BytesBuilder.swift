/// Collects a byte string of a known length, piece by piece, and gives it out without another copy.
///
/// The memory follows what has arrived, not what was announced: at first room for
/// `firstRoom` bytes, then sixteen times as much, up to the length. So who announces much and sends
/// little makes nobody allocate much, and only a sixteenth of a long string is copied twice.
public struct BytesBuilder: @unchecked Sendable {
  /// The length that it will have, in bytes.
  public let length: Int
  /// Bytes that have arrived.
  public private(set) var count = 0
  /// Bytes that there is room for.
  public private(set) var capacity: Int
  private var slab: Slab

  /// Bytes that room is made for at first.
  public static var firstRoom: Int { 64 << 10 }

  /// - Parameter length: of the whole string, in bytes; checked by the caller against its limit.
  public init(length: Int) {
    precondition(length >= 0, "a negative length")
    self.length = length
    capacity = min(length, BytesBuilder.firstRoom)
    slab = Slab.make(capacity: max(capacity, 1))
  }

  /// Bytes still to come.
  public var missing: Int { length - count }

  /// Takes the next bytes, at most as many as are missing.
  public mutating func append(_ source: UnsafeRawBufferPointer) {
    precondition(source.count <= missing, "more bytes than the length")
    guard let base = source.baseAddress, source.count > 0 else { return }
    if count + source.count > capacity || !isKnownUniquelyReferenced(&slab) {
      grow(toHold: count + source.count)
    }
    (slab.start + count).copyMemory(from: base, byteCount: source.count)
    count += source.count
  }

  private mutating func grow(toHold needed: Int) {
    while capacity < needed {
      let (larger, overflow) = capacity.multipliedReportingOverflow(by: 16)
      capacity = overflow ? length : min(larger, length)
    }
    let larger = Slab.make(capacity: max(capacity, 1))
    larger.start.copyMemory(from: slab.start, byteCount: count)
    slab = larger
  }

  /// The whole string. Nothing may be missing.
  public func finish() -> Bytes {
    precondition(missing == 0, "the string is not complete")
    return Bytes(owner: slab, start: UnsafeRawPointer(slab.start), count: length)
  }
}
