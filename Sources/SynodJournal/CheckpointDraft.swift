internal import Synod

/// A checkpoint that is being written, piece by piece, while the log goes on.
struct CheckpointDraft {
  enum Stage {
    /// Pieces arrive, or wait to be written.
    case writing
    /// All is written; block by block is read back.
    case verifying(Int)
    case renaming
    /// It has its name, and counts once the superblock says so.
    case marking
    /// It failed; pieces are taken and dropped until its end.
    case abandoned
  }

  /// A block as it was written, to be read back.
  struct Written {
    var offset: UInt64
    var count: Int
    var checksum: UInt32
  }

  let number: UInt32
  /// Batches behind this, in bytes appended to the log's queue, are replayed.
  let boundary: UInt64
  /// Bytes of log there were when it began.
  let bytesBefore: UInt64
  /// Where in the log the first of those batches is; nil before it has a place.
  var replayFrom: LogPosition?
  /// What must be durable, in bytes appended to the log's queue; nil before the last piece.
  var needs: UInt64?
  var stage = Stage.writing
  var isCreated = false
  var offset: UInt64 = 0
  var blocks: UInt64 = 0
  var payloadBytes: UInt64 = 0
  var pieces: UInt64 = 0
  var total = CRC32C()
  var previousChecksum: UInt32 = 0
  var written: [Written] = []

  init(number: UInt32, boundary: UInt64, bytesBefore: UInt64) {
    self.number = number
    self.boundary = boundary
    self.bytesBefore = bytesBefore
  }

  var file: JournalFile { .checkpointDraft(number) }

  /// Its number, once only the superblock is missing.
  var awaitsSuperblock: UInt32? {
    if case .marking = stage { number } else { nil }
  }

  var isAbandoned: Bool {
    if case .abandoned = stage { true } else { false }
  }

  /// Completes a block whose payload is in place, and says what writes it.
  mutating func write(
    _ block: BlockBuffer, kind: Block.Kind, payload length: Int, durable: UInt64, store: StoreID
  ) -> [FileOperation] {
    let header = BlockHeader(
      kind: kind, tag: .checkpoint(number, of: store), sequence: blocks, durableThrough: durable,
      previousChecksum: previousChecksum, offset: offset)
    previousChecksum = Block.seal(header, at: block.start, payload: length)
    block.count = Block.size(payload: length)
    if kind == .piece {
      blocks += 1
      payloadBytes += UInt64(length)
      withUnsafeBytes(of: previousChecksum.littleEndian) { total.update($0) }
    }
    written.append(
      Written(offset: offset, count: block.count, checksum: CRC32C.checksum(block.bytes)))
    var operations: [FileOperation] = isCreated ? [] : [.create(file)]
    operations.append(.write(file, at: offset, block))
    isCreated = true
    offset += UInt64(block.count)
    return operations
  }
}

enum CheckpointStep {
  case write
  case footer
  case verify
  case rename
}
