internal import Synod

/// Where in the logs a replay begins.
public struct LogPosition: Hashable, Sendable {
  /// The log, and where in it the block starts, in bytes.
  public var generation: UInt32
  /// Where in that log the block starts, in bytes.
  public var offset: UInt64
  /// The block's sequence, and the header checksum of the one before it.
  public var sequence: UInt64
  /// The header checksum of the block before it.
  public var previousChecksum: UInt32

  /// No sequence or offset is higher, so that counting on cannot overflow.
  static let limit: UInt64 = 1 << 62

  /// Whether a block can be there.
  var isPossible: Bool {
    (1...JournalFile.numberLimit).contains(generation) && (1...Self.limit).contains(sequence)
      && offset <= Self.limit && offset % UInt64(Block.pageSize) == 0
  }

  /// The start of a store's first log.
  static let beginning = LogPosition(
    generation: 1, offset: 0, sequence: 1, previousChecksum: 0)
}

/// The last block of a checkpoint.
public struct CheckpointFooter: Hashable, Sendable {
  /// Blocks before the footer, and the bytes of their payloads.
  public var blocks: UInt64
  /// Bytes of the payloads of those blocks.
  public var payloadBytes: UInt64
  /// CRC-32C over the header checksums of all blocks before the footer.
  public var totalChecksum: UInt32
  /// The first block that recovery replays behind the pieces.
  public var replayFrom: LogPosition
  /// The newest block that was durable when the footer was written.
  public var durableThrough: UInt64
  /// Pieces that were given.
  public var pieces: UInt64

  static let encodedSize = 60

  func encode(into writer: inout ByteWriter) {
    writer.write(blocks)
    writer.write(payloadBytes)
    writer.write(totalChecksum)
    writer.write(replayFrom.generation)
    writer.write(replayFrom.offset)
    writer.write(replayFrom.sequence)
    writer.write(replayFrom.previousChecksum)
    writer.write(durableThrough)
    writer.write(pieces)
  }

  init(
    blocks: UInt64, payloadBytes: UInt64, totalChecksum: UInt32, replayFrom: LogPosition,
    durableThrough: UInt64, pieces: UInt64
  ) {
    self.blocks = blocks
    self.payloadBytes = payloadBytes
    self.totalChecksum = totalChecksum
    self.replayFrom = replayFrom
    self.durableThrough = durableThrough
    self.pieces = pieces
  }

  init(from reader: inout ByteReader) throws(CodingError) {
    blocks = try reader.read(UInt64.self)
    payloadBytes = try reader.read(UInt64.self)
    totalChecksum = try reader.read(UInt32.self)
    replayFrom = LogPosition(
      generation: try reader.read(UInt32.self), offset: try reader.read(UInt64.self),
      sequence: try reader.read(UInt64.self), previousChecksum: try reader.read(UInt32.self))
    durableThrough = try reader.read(UInt64.self)
    pieces = try reader.read(UInt64.self)
    guard replayFrom.isPossible else { throw .malformed("a replay from where no block can be") }
  }
}
