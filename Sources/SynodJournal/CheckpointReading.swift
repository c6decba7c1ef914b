internal import Synod

/// A checkpoint file as found.
public struct CheckpointSummary: Hashable, Sendable {
  /// Rises by one or more with each checkpoint.
  public var number: UInt32
  /// Bytes of the file.
  public var size: UInt64
  /// What its last block says; nil where the file is not whole.
  public var footer: CheckpointFooter?
  /// Why it is not whole.
  public var problem: String?
}

/// Reads a checkpoint block by block.
struct CheckpointWalk<Source: JournalSource>: ~Copyable {
  private let tag: FileTag
  private var window: FileWindow<Source>
  private var offset: UInt64 = 0
  private var blocks: UInt64 = 0
  private var payloadBytes: UInt64 = 0
  private var previousChecksum: UInt32 = 0
  private var total = CRC32C()

  enum Step {
    case piece(UnsafeRawBufferPointer)
    case footer(CheckpointFooter)
    case broken(String)
  }

  init(_ source: Source, store: StoreID, number: UInt32, size: UInt64) {
    tag = .checkpoint(number, of: store)
    window = FileWindow(source, .checkpoint(number), size: size)
  }

  mutating func next() -> Step {
    let start = window.bytes(at: offset, count: Block.pageSize)
    guard let (header, checksum) = BlockHeader.load(from: start), header.tag == tag else {
      return broken("no block of this checkpoint")
    }
    guard header.sequence == blocks, header.offset == offset,
      header.previousChecksum == previousChecksum, Int(header.length) <= Block.maxPayload
    else { return broken("a block that does not belong there") }
    let size = Block.size(payload: Int(header.length))
    let block = window.bytes(at: offset, count: size)
    guard Block.payloadIsIntact(header, block: block) else {
      return broken("a damaged block")
    }
    guard header.version == BlockHeader.currentVersion, let kind = Block.Kind(rawValue: header.kind)
    else { return broken("block kind \(header.kind), version \(header.version), not known here,") }
    let payload = UnsafeRawBufferPointer(
      rebasing: block[BlockHeader.size..<(BlockHeader.size + Int(header.length))])
    switch kind {
    case .data: return broken("a block of a log")
    case .footer: return footer(payload)
    case .piece:
      offset += UInt64(size)
      blocks += 1
      payloadBytes += UInt64(payload.count)
      previousChecksum = checksum
      withUnsafeBytes(of: checksum.littleEndian) { total.update($0) }
      return .piece(payload)
    }
  }

  private func footer(_ payload: UnsafeRawBufferPointer) -> Step {
    var reader = ByteReader(Bytes(copying: payload))
    guard let footer = try? CheckpointFooter(from: &reader), reader.isAtEnd else {
      return broken("a footer that makes no sense")
    }
    guard footer.blocks == blocks, footer.payloadBytes == payloadBytes,
      footer.totalChecksum == total.checksum
    else { return broken("a footer of other blocks") }
    return .footer(footer)
  }

  private func broken(_ what: String) -> Step {
    if window.isUnreadable(at: offset, count: UInt64(Block.pageSize)) {
      return .broken("the device cannot read it at byte \(offset)")
    }
    return .broken("\(what) at byte \(offset)")
  }

  /// What a sound footer at the end of the file says of it; nil where there is none.
  static func outline(
    _ source: Source, store: StoreID, number: UInt32, size: UInt64
  ) -> CheckpointSummary? {
    guard size >= UInt64(Block.pageSize) else { return nil }
    let offset = size - UInt64(Block.pageSize)
    var window = FileWindow(source, .checkpoint(number), size: size)
    let footer = window.withBytes(at: offset, count: Block.pageSize) { block in
      guard let (header, _) = BlockHeader.load(from: block), header.offset == offset,
        header.tag == .checkpoint(number, of: store), header.kind == Block.Kind.footer.rawValue,
        header.version == BlockHeader.currentVersion,
        Int(header.length) == CheckpointFooter.encodedSize,
        Block.payloadIsIntact(header, block: block)
      else { return nil as CheckpointFooter? }
      var reader = ByteReader(Bytes(copying: Block.payload(header, block)))
      guard let footer = try? CheckpointFooter(from: &reader), footer.blocks == header.sequence
      else { return nil }
      return footer
    }
    return footer.map {
      CheckpointSummary(number: number, size: size, footer: $0, problem: nil)
    }
  }

  /// Reads it all.
  static func summary(
    _ source: Source, store: StoreID, number: UInt32, size: UInt64
  ) -> CheckpointSummary {
    var summary = CheckpointSummary(number: number, size: size, footer: nil, problem: nil)
    var walk = CheckpointWalk(source, store: store, number: number, size: size)
    var entries = EntryAssembler()
    while true {
      switch walk.next() {
      case .piece(let payload):
        if !entries.take(payload, startsLog: false, give: { _ in }) {
          summary.problem = "a block whose entries make no sense"
          return summary
        }
      case .footer(let footer):
        summary.footer = footer
        return summary
      case .broken(let problem):
        summary.problem = problem
        return summary
      }
    }
  }
}
