internal import Synod

/// The form of a block: header, payload, the payload's chunk checksums where it is long, zeros up
/// to a whole page, so that no later write touches a sector that holds acknowledged bytes.
public enum Block {
  /// Blocks start and end on multiples of this, in bytes.
  public static let pageSize = 4096
  /// What a disk writes whole or not at all, in bytes.
  public static let sectorSize = 512
  /// The longest payload that any writer may use, in bytes.
  public static let maxPayload = 4 << 20
  /// Above this size a payload is summed in chunks of it, in bytes.
  static let chunkSize = 64 << 10

  /// What a block holds. A reader refuses kinds that it does not know below `optionalKinds`.
  enum Kind: UInt8 {
    /// Batches of records.
    case data = 1
    /// Pieces of a checkpoint.
    case piece = 2
    /// The end of a checkpoint.
    case footer = 3
  }

  /// Kinds from here on may be skipped by a reader that does not know them.
  static let optionalKinds: UInt8 = 128

  static func roundedToPage(_ count: Int) -> Int { (count + pageSize - 1) & ~(pageSize - 1) }

  static func tableSize(_ length: Int) -> Int {
    length <= chunkSize ? 0 : (length + chunkSize - 1) / chunkSize * 4
  }

  /// Bytes on disk of a block with a payload of `length` bytes.
  static func size(payload length: Int) -> Int { roundedToPage(used(payload: length)) }

  /// The same without the zeros at its end.
  static func used(payload length: Int) -> Int {
    BlockHeader.size + length + tableSize(length)
  }

  /// Completes a block whose payload of `length` bytes was written behind the room for the header,
  /// at `start` (which has room for the whole block). Returns the header's checksum.
  static func seal(
    _ header: BlockHeader, at start: UnsafeMutableRawPointer, payload length: Int
  ) -> UInt32 {
    precondition(length <= maxPayload, "a payload is within its limit")
    let total = size(payload: length)
    let payload = UnsafeRawBufferPointer(start: start + BlockHeader.size, count: length)
    let table = start + BlockHeader.size + length
    let end = used(payload: length)
    (start + end).initializeMemory(as: UInt8.self, repeating: 0, count: total - end)
    var header = header
    header.length = UInt32(length)
    header.payloadChecksum = checksum(payload, table: table)
    header.zeroSectors = UInt16(
      zeroSectors(of: UnsafeRawBufferPointer(start: start, count: end), from: sectorSize))
    return header.store(to: start)
  }

  private static func checksum(
    _ payload: UnsafeRawBufferPointer, table: UnsafeMutableRawPointer
  ) -> UInt32 {
    if payload.count <= chunkSize { return CRC32C.checksum(payload) }
    var entry = 0
    for start in stride(from: 0, to: payload.count, by: chunkSize) {
      let chunk = payload[start..<min(start + chunkSize, payload.count)]
      let sum = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: chunk))
      table.storeBytes(of: sum.littleEndian, toByteOffset: entry, as: UInt32.self)
      entry += 4
    }
    return CRC32C.checksum(UnsafeRawBufferPointer(start: table, count: entry))
  }

  /// Whether the payload of a whole block is what was written.
  static func payloadIsIntact(_ header: BlockHeader, block: UnsafeRawBufferPointer) -> Bool {
    let length = Int(header.length)
    guard length <= maxPayload, block.count >= used(payload: length) else { return false }
    let payload = block[BlockHeader.size..<(BlockHeader.size + length)]
    if length <= chunkSize {
      return CRC32C.checksum(UnsafeRawBufferPointer(rebasing: payload)) == header.payloadChecksum
    }
    let first = BlockHeader.size + length
    let table = UnsafeRawBufferPointer(rebasing: block[first..<(first + tableSize(length))])
    guard CRC32C.checksum(table) == header.payloadChecksum else { return false }
    var entry = 0
    for start in stride(from: payload.startIndex, to: payload.endIndex, by: chunkSize) {
      let chunk = block[start..<min(start + chunkSize, payload.endIndex)]
      let sum = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: chunk))
      let stored = UInt32(
        littleEndian: table.loadUnaligned(fromByteOffset: entry, as: UInt32.self))
      guard sum == stored else { return false }
      entry += 4
    }
    return true
  }

  /// How many sectors of `bytes` are all zero, from the one that starts at `first` on.
  static func zeroSectors(of bytes: UnsafeRawBufferPointer, from first: Int) -> Int {
    var count = 0
    var start = first
    while start < bytes.count {
      let end = min(start + sectorSize, bytes.count)
      if isZero(UnsafeRawBufferPointer(rebasing: bytes[start..<end])) { count += 1 }
      start = end
    }
    return count
  }

  /// Whether every byte is zero.
  static func isZero(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var i = 0
    while bytes.count - i >= 64 {
      let words = bytes.loadUnaligned(fromByteOffset: i, as: SIMD8<UInt64>.self)
      if words != .zero { return false }
      i += 64
    }
    while bytes.count - i >= 8 {
      if bytes.loadUnaligned(fromByteOffset: i, as: UInt64.self) != 0 { return false }
      i += 8
    }
    while i < bytes.count {
      if bytes[i] != 0 { return false }
      i += 1
    }
    return true
  }
}
