internal import Synod

/// What lies behind the last whole block: of its log, and in every later one.
struct Remains {
  /// The sound header with the highest durable-through.
  var newestProof: (block: UInt64, durableThrough: UInt64)?
  /// A sound header of this log that lies where it does not belong, or is older than what failed.
  var misplaced: UInt64?
  /// A later log with a sound header of its own.
  var laterGeneration: UInt32?
  /// Sound headers behind the place, in its own log.
  var laterBlocks = 0
  /// Whether the device could not read a part.
  var isUnreadable = false
  /// For each log from the place's on: where its last byte that is not zero ends; nil where all are.
  var ends: [(log: LogFile, end: UInt64?)] = []

  /// Reads all of it.
  /// - Parameters:
  ///   - place: where the first block is that is not there.
  ///   - own: bytes at the place that belong to that block for certain; not searched for headers.
  init<Source: JournalSource>(
    _ source: Source, store: StoreID, logs: ArraySlice<LogFile>, place: LogPosition, own: UInt64
  ) {
    for log in logs {
      let isFirst = log.generation == place.generation
      let start = isFirst ? place.offset : 0
      let searched = isFirst ? start + own : 0
      scan(
        source, log, tag: .log(log.generation, of: store), from: start, searched: searched,
        expected: place)
    }
  }

  private mutating func scan<Source: JournalSource>(
    _ source: Source, _ log: LogFile, tag: FileTag, from start: UInt64, searched: UInt64,
    expected place: LogPosition
  ) {
    var window = FileWindow(source, .log(log.generation), size: log.size)
    var end: UInt64?
    var offset = start
    while offset < log.size {
      let page = window.bytes(at: offset, count: Block.pageSize)
      if page.isEmpty { break }
      if !Block.isZero(page) {
        end = offset + UInt64(Self.used(page))
        if offset >= searched, let (header, _) = BlockHeader.load(from: page), header.tag == tag {
          note(header, at: offset, in: log, expected: place)
        }
      }
      offset += UInt64(Block.pageSize)
    }
    isUnreadable = isUnreadable || !window.unreadable.isEmpty
    ends.append((log, end))
  }

  private mutating func note(
    _ header: BlockHeader, at offset: UInt64, in log: LogFile, expected place: LogPosition
  ) {
    if newestProof.map({ $0.durableThrough < header.durableThrough }) ?? true {
      newestProof = (header.sequence, header.durableThrough)
    }
    if header.offset != offset || header.sequence < place.sequence {
      misplaced = misplaced ?? header.sequence
    } else if log.generation != place.generation {
      if header.sequence > place.sequence { laterGeneration = laterGeneration ?? log.generation }
    } else if offset > place.offset {
      if header.sequence == place.sequence {
        misplaced = misplaced ?? header.sequence
      } else {
        laterBlocks += 1
      }
    }
  }

  /// Bytes of a page up to its last that is not zero.
  private static func used(_ page: UnsafeRawBufferPointer) -> Int {
    var count = page.count
    while count > 0, page[count - 1] == 0 { count -= 1 }
    return count
  }
}
