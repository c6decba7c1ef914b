internal import Synod

/// A log file that recovery knows of.
struct LogFile: Hashable {
  var generation: UInt32
  var size: UInt64
}

/// Reads the blocks of the logs in order, from one generation to the next, as far as they are whole.
struct LogWalk<Source: JournalSource>: ~Copyable {
  private let source: Source
  private let store: StoreID
  /// The logs from the one where the walk began, in ascending order, but for empty ones: a repair
  /// leaves one where the first block of a log was torn, and the next log goes on before it.
  let logs: [LogFile]
  private(set) var index = 0
  /// Where the next block should start.
  private(set) var position: LogPosition
  private var window: FileWindow<Source>

  /// What stands at a position.
  enum Probe {
    /// A whole block as expected: its header, its checksum, its bytes (the padding may be cut off).
    case whole(BlockHeader, UInt32, UnsafeRawBufferPointer)
    /// A header as expected, and a payload that is not.
    case badPayload(BlockHeader)
    /// A sound header of this log that is not the one expected here.
    case unexpected(BlockHeader)
    /// A header as expected, of a kind or version not known.
    case unknown(BlockHeader)
    /// No sound header of this log.
    case none
  }

  /// - Parameter logs: every log of the store, in ascending order. The first of them from
  ///   `position` on must be the one that it names.
  init(_ source: Source, store: StoreID, logs: [LogFile], from position: LogPosition) {
    self.source = source
    self.store = store
    self.logs = logs.filter {
      $0.generation == position.generation || ($0.generation > position.generation && $0.size > 0)
    }
    self.position = position
    window = FileWindow(
      source, .log(self.logs[0].generation), size: self.logs[0].size)
  }

  /// The next block; where there is none, why.
  mutating func next() -> Probe {
    var probe = look()
    if case .whole = probe {
    } else if index + 1 < logs.count, goesOnInNextLog() {
      index += 1
      position.generation = logs[index].generation
      position.offset = 0
      window = FileWindow(source, .log(position.generation), size: logs[index].size)
      probe = look()
    }
    if case .whole(let header, let checksum, _) = probe {
      position.offset += UInt64(Block.size(payload: Int(header.length)))
      position.sequence = header.sequence + 1
      position.previousChecksum = checksum
    }
    return probe
  }

  private mutating func look() -> Probe {
    let tag = FileTag.log(position.generation, of: store)
    let start = window.bytes(at: position.offset, count: Block.pageSize)
    guard let (header, checksum) = BlockHeader.load(from: start), header.tag == tag else {
      return .none
    }
    guard header.sequence == position.sequence, header.offset == position.offset,
      header.previousChecksum == position.previousChecksum
    else { return .unexpected(header) }
    guard Int(header.length) <= Block.maxPayload else { return .unknown(header) }
    let size = Block.size(payload: Int(header.length))
    let block = window.bytes(at: position.offset, count: size)
    guard Block.payloadIsIntact(header, block: block) else {
      return .badPayload(header)
    }
    guard header.version == BlockHeader.currentVersion else { return .unknown(header) }
    if header.kind != Block.Kind.data.rawValue, header.kind < Block.optionalKinds {
      return .unknown(header)
    }
    return .whole(header, checksum, block)
  }

  /// Whether the next log begins with the block that is expected.
  private func goesOnInNextLog() -> Bool {
    let next = logs[index + 1]
    var window = FileWindow(source, .log(next.generation), size: next.size)
    let found = window.withBytes(at: 0, count: Block.pageSize) { BlockHeader.load(from: $0) }
    guard let header = found?.header else { return false }
    return header.tag == FileTag.log(next.generation, of: store)
      && header.sequence == position.sequence && header.offset == 0
      && header.previousChecksum == position.previousChecksum
  }
}
