import Synod

@testable import SynodJournal

/// Where the blocks of a log lie, found by reading their lengths; what tests change it by.
struct LogLayout {
  struct Placed {
    var offset: Int
    /// Bytes of header, payload and table; behind them only padding.
    var used: Int
    var size: Int
    var header: BlockHeader
  }

  var bytes: [UInt8]
  var blocks: [Placed] = []

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    var offset = 0
    while offset + BlockHeader.size <= bytes.count {
      let header = bytes[offset...].withUnsafeBytes { BlockHeader.load(from: $0)?.header }
      guard let header else { break }
      let length = Int(header.length)
      blocks.append(
        Placed(
          offset: offset, used: Block.used(payload: length), size: Block.size(payload: length),
          header: header))
      offset += Block.size(payload: length)
    }
  }

  var end: Int { blocks.last.map { $0.offset + $0.size } ?? 0 }

  /// The block that a byte belongs to.
  func block(at offset: Int) -> Int? {
    blocks.firstIndex { offset >= $0.offset && offset < $0.offset + $0.size }
  }

  func isZero(_ range: Range<Int>) -> Bool { bytes[range].allSatisfy { $0 == 0 } }

  /// A block made by hand: with the payload of one entry.
  static func block(
    _ payload: [UInt8], generation: UInt32 = 1, store: StoreID, sequence: UInt64,
    durableThrough: UInt64, previousChecksum: UInt32, offset: Int, kind: UInt8 = 1
  ) -> (bytes: [UInt8], checksum: UInt32) {
    var writer = ByteWriter()
    writer.write(bytes: Bytes(payload))
    let entry = writer.finish()
    let buffer = BlockBuffer(capacity: Block.size(payload: entry.count))
    entry.withUnsafeBytes {
      UnsafeMutableRawBufferPointer(
        start: buffer.start + BlockHeader.size, count: entry.count
      ).copyMemory(from: $0)
    }
    var header = BlockHeader(
      kind: .data, tag: .log(generation, of: store), sequence: sequence,
      durableThrough: durableThrough, previousChecksum: previousChecksum, offset: UInt64(offset))
    header.kind = kind
    let checksum = Block.seal(header, at: buffer.start, payload: entry.count)
    buffer.count = Block.size(payload: entry.count)
    return (Array(buffer.bytes), checksum)
  }
}
