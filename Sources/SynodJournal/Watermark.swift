internal import Synod

/// The newest block known to be durable, noted without a sync in a ring of sectors (`MARK`).
///
/// It narrows what cannot be told apart on one disk: a torn write of a last block that nobody was
/// told of, and rot that zeroes a last block that was acknowledged. What remains: the kernel writes
/// a note back within about half a minute, so rot or a lying disk is missed where it hits exactly
/// the last block, and power goes before the note or another block reaches the disk.
enum Watermark {
  static let slots: UInt64 = 8
  private static let magic: UInt32 = 0x6b72_614d
  private static let size = 24

  /// Where in `MARK` the note of a block lies, in bytes.
  static func offset(of block: UInt64) -> UInt64 {
    block % slots * UInt64(Block.sectorSize)
  }

  static func fill(_ buffer: BlockBuffer, block: UInt64, store: StoreID) {
    let start = buffer.start
    buffer.count = Block.sectorSize
    start.initializeMemory(as: UInt8.self, repeating: 0, count: Block.sectorSize)
    start.storeBytes(of: magic.littleEndian, as: UInt32.self)
    start.storeBytes(of: store.value.low.littleEndian, toByteOffset: 8, as: UInt64.self)
    start.storeBytes(of: block.littleEndian, toByteOffset: 16, as: UInt64.self)
    let sum = CRC32C.checksum(UnsafeRawBufferPointer(start: start + 8, count: size - 8))
    start.storeBytes(of: sum.littleEndian, toByteOffset: 4, as: UInt32.self)
  }

  /// The newest block that a ring proves to be durable; zero where it proves nothing.
  static func newest(in ring: UnsafeRawBufferPointer, store: StoreID) -> UInt64 {
    var newest: UInt64 = 0
    for start in stride(from: 0, to: ring.count - size + 1, by: Block.sectorSize) {
      let sector = UnsafeRawBufferPointer(rebasing: ring[start..<(start + size)])
      func get<T: FixedWidthInteger>(_: T.Type, _ offset: Int) -> T {
        T(littleEndian: sector.loadUnaligned(fromByteOffset: offset, as: T.self))
      }
      let sum = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: sector[8...]))
      guard get(UInt32.self, 0) == magic, get(UInt32.self, 4) == sum,
        get(UInt64.self, 8) == store.value.low
      else { continue }
      newest = max(newest, get(UInt64.self, 16))
    }
    return newest
  }
}
