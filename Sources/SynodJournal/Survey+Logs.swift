internal import Synod

extension Survey {
  private var logFiles: [LogFile] {
    files.compactMap { file, size in
      guard case .log(let generation) = file else { return nil }
      return LogFile(generation: generation, size: size)
    }.sorted { $0.generation < $1.generation }
  }

  private var proofs: JudgementProofs {
    JudgementProofs(
      superblock: superblock.durableBlock, isClean: superblock.isClean, watermark: watermark,
      checkpoint: checkpoints.filter { $0.footer != nil }
        .max { ($0.footer?.durableThrough ?? 0) < ($1.footer?.durableThrough ?? 0) }
        .flatMap { summary in summary.footer.map { (summary.number, $0.durableThrough) } })
  }

  /// Walks the logs from where the replay begins, and judges where they end.
  mutating func readLogs<Source: JournalSource>(_ source: Source) {
    let logs = logFiles
    guard let first = logs.first(where: { $0.generation >= start.generation }),
      first.generation == start.generation
    else {
      verdict = withoutFirstLog(logs, start)
      return
    }
    var walk = LogWalk(source, store: superblock.store, logs: logs, from: start)
    var entries = EntryAssembler()
    var summary = LogSummary(
      generation: start.generation, size: first.size, used: start.offset,
      firstBlock: start.sequence, blocks: 0, payloadBytes: 0)
    while true {
      let before = walk.position
      let probe = walk.next()
      if walk.position.generation != summary.generation {
        self.logs.append(summary)
        summary = LogSummary(
          generation: walk.position.generation, size: walk.logs[walk.index].size, used: 0,
          firstBlock: before.sequence, blocks: 0, payloadBytes: 0)
      }
      guard case .whole(let header, _, let block) = probe,
        entries.takeBlock(header, block, startsLog: header.offset == 0)
      else {
        // Where only the entries make no sense, the walk has gone past the block.
        if case .whole = probe { end = before } else { end = walk.position }
        verdict = judge(source, probe, walk.logs[walk.index...])
        if let damage = withoutCheckpoint { verdict = .refuse(damage) }
        break
      }
      summary.used = walk.position.offset
      summary.blocks += 1
      summary.payloadBytes += UInt64(header.length)
    }
    self.logs.append(summary)
  }

  private func judge<Source: JournalSource>(
    _ source: Source, _ probe: LogWalk<Source>.Probe, _ logs: ArraySlice<LogFile>
  ) -> LogVerdict {
    if case .whole(let header, _, _) = probe {
      return .refuse(
        .malformed(
          DamagePlace(
            block: header.sequence, file: .log(header.tag.generation), offset: header.offset)))
    }
    // It was there when the superblock was written, and goes only when a newer superblock names a
    // later one.
    let settled = superblock.durableGeneration
    if settled >= start.generation || chosen == nil, settled > 0, files[.log(settled)] == nil {
      return .refuse(
        .missing(DamagePlace(block: end.sequence, file: .log(settled), offset: 0)))
    }
    if settled >= end.generation, let size = files[.log(settled)],
      size < superblock.durableLogBytes
    {
      return .refuse(
        .shortened(
          DamagePlace(block: end.sequence, file: .log(settled), offset: size),
          expected: superblock.durableLogBytes))
    }
    let judgement = Judgement(
      source: source, store: superblock.store, logs: logs, proofs: proofs)
    return judgement.verdict(at: end, probe: probe)
  }

  /// What is wrong where there were checkpoints, none is whole, and the logs do not begin at the
  /// beginning.
  private var withoutCheckpoint: LogDamage? {
    guard chosen == nil, end.sequence == 1 else { return nil }
    let newest = max(checkpoints.last?.number ?? 0, superblock.checkpoint)
    return newest > 0 ? .noCheckpoint(newest: newest) : nil
  }

  /// There is no log where the replay should begin: right only in a store that was never used.
  private func withoutFirstLog(_ logs: [LogFile], _ start: LogPosition) -> LogVerdict {
    if let damage = withoutCheckpoint { return .refuse(damage) }
    let isUnused =
      chosen == nil && logs.isEmpty && superblock.durableGeneration == 0 && watermark == 0
    if isUnused { return .intact }
    return .refuse(
      .missing(
        DamagePlace(
          block: start.sequence, file: .log(start.generation), offset: start.offset)))
  }

  /// Why a payload could not be given.
  public enum ReplayFailure: Error, Hashable, Sendable {
    /// What was whole when it was surveyed is no longer.
    case changed(String)
  }

  /// Gives out, in order, what recovery restores: every piece of the chosen checkpoint, then every
  /// batch behind it up to the end that the survey found. The bytes are valid during the call only.
  ///
  /// - Throws: `ReplayFailure`, or what `body` throws.
  public func forEachPayload<Source: JournalSource>(
    _ source: Source, _ body: (PayloadOrigin, UnsafeRawBufferPointer) throws -> Void
  ) throws {
    try replayCheckpoint(source, body)
    guard let first = logs.first, first.generation == start.generation, end != start else { return }
    var walk = LogWalk(source, store: superblock.store, logs: logFiles, from: start)
    var entries = EntryAssembler()
    while walk.position.sequence < end.sequence {
      guard case .whole(let header, _, let block) = walk.next() else {
        throw ReplayFailure.changed("block \(walk.position.sequence) is not whole any more")
      }
      guard header.kind == Block.Kind.data.rawValue else { continue }
      let payload = Block.payload(header, block)
      let origin = PayloadOrigin.log(generation: header.tag.generation, block: header.sequence)
      let isSound = try entries.take(payload, startsLog: header.offset == 0) {
        try body(origin, $0)
      }
      guard isSound else {
        throw ReplayFailure.changed("block \(header.sequence) makes no sense any more")
      }
    }
  }

  private func replayCheckpoint<Source: JournalSource>(
    _ source: Source, _ body: (PayloadOrigin, UnsafeRawBufferPointer) throws -> Void
  ) throws {
    guard let chosen else { return }
    var walk = CheckpointWalk(
      source, store: superblock.store, number: chosen.number, size: chosen.size)
    var entries = EntryAssembler()
    while true {
      switch walk.next() {
      case .piece(let payload):
        let isSound = try entries.take(payload, startsLog: false) {
          try body(.checkpoint(chosen.number), $0)
        }
        guard isSound else {
          throw ReplayFailure.changed("checkpoint \(chosen.number) makes no sense any more")
        }
      case .footer(let footer):
        guard footer == chosen.footer else {
          throw ReplayFailure.changed("checkpoint \(chosen.number) is another one now")
        }
        return
      case .broken(let problem):
        throw ReplayFailure.changed("checkpoint \(chosen.number): \(problem)")
      }
    }
  }
}

/// Where a payload was found.
public enum PayloadOrigin: Hashable, Sendable {
  case checkpoint(UInt32)
  case log(generation: UInt32, block: UInt64)
}

extension Block {
  static func payload(
    _ header: BlockHeader, _ block: UnsafeRawBufferPointer
  ) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(
      rebasing: block[BlockHeader.size..<(BlockHeader.size + Int(header.length))])
  }
}

extension EntryAssembler {
  /// Checks the entries of a whole block of a log.
  mutating func takeBlock(
    _ header: BlockHeader, _ block: UnsafeRawBufferPointer, startsLog: Bool
  ) -> Bool {
    guard header.kind == Block.Kind.data.rawValue else { return true }
    return take(Block.payload(header, block), startsLog: startsLog) { _ in }
  }
}
