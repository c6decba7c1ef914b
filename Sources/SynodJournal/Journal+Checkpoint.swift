public import Synod

extension Journal {
  private static var mostLogs: Int { 8 }

  /// Whether the log has grown enough that a checkpoint would pay.
  public var wantsCheckpoint: Bool {
    guard draft == nil, failure == nil, closing == .open,
      bytesSinceCheckpoint >= checkpointPause
    else { return false }
    let pays = max(settings.checkpointAfter, 2 * files.lastCheckpointBytes)
    // Only a new checkpoint lets older files go.
    if bytesSinceCheckpoint >= (space.isShort ? pays / 4 : pays) { return true }
    let first = files.checkpoints.last?.firstLog ?? 0
    return files.logs.count - (files.logs.firstIndex { $0 >= first } ?? 0) > Self.mostLogs
  }

  /// Whether the next piece may be given; bounds what waits.
  public var isReadyForPiece: Bool {
    guard let draft, draft.needs == nil else { return false }
    return draft.isAbandoned || pieces.waiting < UInt64(2 * settings.choreBytes)
  }

  /// Begins a checkpoint: batches appended from now on are replayed behind it.
  public mutating func beginCheckpoint() {
    precondition(draft == nil, "one checkpoint at a time")
    files.highestCheckpoint += 1
    pieces = EntryQueue()
    draft = CheckpointDraft(
      number: files.highestCheckpoint, boundary: queue.appended,
      bytesBefore: bytesSinceCheckpoint)
    if failure != nil || closing != .open { draft?.stage = .abandoned }
  }

  /// Takes a piece of the checkpoint that was begun.
  public mutating func appendPiece(encode: (inout ByteWriter) -> Void) {
    guard let draft, draft.needs == nil, !draft.isAbandoned else { return }
    self.draft?.pieces += 1
    pieces.append(draft.pieces + 1, encode: encode)
  }

  /// Ends the checkpoint with the last piece.
  public mutating func endCheckpoint() {
    guard let draft, draft.needs == nil else { return }
    if draft.isAbandoned {
      self.draft = nil
    } else {
      self.draft?.needs = queue.appended
    }
  }

  /// Remembers where the first batch lies that is replayed behind the draft, when its block is
  /// about to be built.
  mutating func noteReplayPosition() {
    guard let draft, draft.replayFrom == nil, queue.taken >= draft.boundary else { return }
    self.draft?.replayFrom = LogPosition(
      generation: segment.generation, offset: segment.used, sequence: sequence,
      previousChecksum: previousChecksum)
  }

  mutating func checkpointJob() -> FileJob? {
    guard let stage = draft?.stage else { return nil }
    switch stage {
    case .writing:
      if !pieces.isEmpty {
        let isEnough = pieces.waiting >= UInt64(settings.choreBytes) || draft?.needs != nil
        return isEnough ? pieceJob() : nil
      }
      guard let needs = draft?.needs, durableBytes >= needs else { return nil }
      return footerJob()
    case .verifying(let index):
      guard let draft else { return nil }
      let block = draft.written[index]
      chore = .checkpoint(.verify)
      return FileJob([
        .verify(draft.file, at: block.offset, count: block.count, checksum: block.checksum)
      ])
    case .renaming:
      guard let draft else { return nil }
      chore = .checkpoint(.rename)
      return FileJob([.rename(draft.file, to: .checkpoint(draft.number)), .syncDirectory])
    case .marking, .abandoned:
      return nil
    }
  }

  private mutating func pieceJob() -> FileJob? {
    let limit = min(settings.choreBytes, settings.maxPayload)
    let length = pieces.nextLength(limit: limit, boundary: nil)
    let block = BlockBuffer(capacity: Block.size(payload: length))
    _ = pieces.take(length, to: block.start + BlockHeader.size)
    chore = .checkpoint(.write)
    return draft?.write(
      block, kind: .piece, payload: length, durable: 0, store: superblock.store
    ).asJob
  }

  private mutating func footerJob() -> FileJob? {
    noteReplayPosition()
    guard let draft, let replayFrom = draft.replayFrom else {
      preconditionFailure("what the checkpoint needs is durable, so its place is known")
    }
    let footer = CheckpointFooter(
      blocks: draft.blocks, payloadBytes: draft.payloadBytes, totalChecksum: draft.total.checksum,
      replayFrom: replayFrom, durableThrough: durable.block, pieces: draft.pieces)
    var writer = ByteWriter(capacity: CheckpointFooter.encodedSize)
    footer.encode(into: &writer)
    let block = BlockBuffer(capacity: Block.pageSize)
    let length = writer.withUnsafeBytes { bytes in
      UnsafeMutableRawBufferPointer(start: block.start + BlockHeader.size, count: bytes.count)
        .copyMemory(from: bytes)
      return bytes.count
    }
    chore = .checkpoint(.footer)
    let write = self.draft?.write(
      block, kind: .footer, payload: length, durable: durable.block, store: superblock.store)
    return ((write ?? []) + [.sync(draft.file)]).asJob
  }

  mutating func finishedCheckpoint(_ step: CheckpointStep, _ failed: FileFailure?) {
    guard let draft else { return }
    if let failed {
      abandon(draft, failed)
      return
    }
    switch step {
    case .write:
      if isReadyForPiece { events.append(.ready) }
    case .footer:
      self.draft?.stage = .verifying(0)
    case .verify:
      if case .verifying(let index) = draft.stage, index + 1 < draft.written.count {
        self.draft?.stage = .verifying(index + 1)
      } else {
        self.draft?.stage = .renaming
      }
    case .rename:
      self.draft?.stage = .marking
    }
  }

  /// The checkpoint counts: older files may go.
  mutating func checkpointCounts(_ number: UInt32) {
    guard let draft, draft.number == number else { return }
    files.add(
      checkpoint: number, firstLog: draft.replayFrom?.generation ?? segment.generation,
      bytes: draft.offset)
    bytesSinceCheckpoint -= draft.bytesBefore
    checkpointPause = 0
    self.draft = nil
    events.append(.checkpointed(number))
  }

  /// The log stays as it is. Another attempt waits until it has grown by as much again as pays.
  private mutating func abandon(_ draft: CheckpointDraft, _ failed: FileFailure) {
    if draft.isCreated { files.obsolete.append(draft.file) }
    // Space may come back at any time, and a checkpoint may be what brings it.
    let pause =
      failed.kind == .noSpace ? settings.checkpointAfter / 16 : settings.checkpointAfter
    checkpointPause = bytesSinceCheckpoint + pause
    self.draft?.stage = .abandoned
    self.draft?.written = []
    pieces = EntryQueue()
    if draft.needs != nil { self.draft = nil }
    events.append(.checkpointFailed("\(failed)"))
    events.append(.ready)
  }
}

extension [FileOperation] {
  fileprivate var asJob: FileJob { FileJob(self) }
}
