internal import Synod

/// What is known of durability from outside of the logs.
struct JudgementProofs {
  var superblock: UInt64
  var isClean: Bool
  var watermark: UInt64
  var checkpoint: (number: UInt32, durableThrough: UInt64)?
}

/// The decision between a write that never ended and an acknowledged block that is damaged. Nothing
/// that may have been acknowledged is ever cut off.
struct Judgement<Source: JournalSource> {
  let source: Source
  let store: StoreID
  /// Every log from the walk's last on, in ascending order.
  let logs: ArraySlice<LogFile>
  let proofs: JudgementProofs

  /// - Parameters:
  ///   - position: where the first block is that is not there or not whole.
  ///   - probe: what stands there.
  func verdict(
    at position: LogPosition, probe: LogWalk<Source>.Probe
  ) -> LogVerdict {
    var own = UInt64(0)
    if case .badPayload(let header) = probe {
      own = UInt64(Block.size(payload: Int(header.length)))
    }
    var position = position
    var remains = Remains(source, store: store, logs: logs, place: position, own: own)
    var logs = logs
    if remains.ends.first?.end == nil,
      let next = remains.ends.dropFirst().first(where: { $0.end != nil })
    {
      // The log ended; the block should have been the first of a later one.
      position.generation = next.log.generation
      position.offset = 0
      logs = logs.drop { $0.generation < position.generation }
      remains = Remains(source, store: store, logs: logs, place: position, own: 0)
    }
    let place = DamagePlace(
      block: position.sequence, file: .log(position.generation), offset: position.offset)
    #if PlantedBugs
      if PlantedBug.has(.truncatedLog) { return truncated(at: place, remains) }
    #endif
    if let proof = proof(of: position.sequence, remains) {
      return .refuse(.acknowledged(place, proof))
    }
    return verdict(at: place, probe: probe, remains: remains)
  }

  private func proof(of block: UInt64, _ remains: Remains) -> DurabilityProof? {
    if let proof = remains.newestProof, proof.durableThrough >= block {
      return .laterBlock(proof.block)
    }
    if let generation = remains.laterGeneration { return .laterGeneration(generation) }
    if let checkpoint = proofs.checkpoint, checkpoint.durableThrough >= block {
      return .checkpoint(checkpoint.number)
    }
    if proofs.superblock >= block {
      return .superblock(block: proofs.superblock, isClean: proofs.isClean)
    }
    if proofs.watermark >= block { return .watermark(proofs.watermark) }
    return nil
  }

  private func verdict(
    at place: DamagePlace, probe: LogWalk<Source>.Probe, remains: Remains
  ) -> LogVerdict {
    if let found = remains.misplaced { return .refuse(.misplaced(place, found: found)) }
    if remains.isUnreadable { return .refuse(.unreadable(place)) }
    guard let end = remains.ends.first?.end else { return .intact }
    let tail = tail(at: place, end: end, remains)
    switch probe {
    case .unexpected(let header):
      if header.offset != place.offset || header.sequence != place.block {
        return .refuse(.misplaced(place, found: header.sequence))
      }
      return .refuse(.brokenChain(place))
    case .unknown(let header):
      return .refuse(.unknownKind(place, kind: header.kind, version: header.version))
    case .whole:
      // Its checksums were right, its entries were not.
      return .refuse(.malformed(place))
    case .badPayload(let header):
      if remains.laterBlocks > 0 { return tail }
      return looksTorn(header, at: place) ? tail : .refuse(.ambiguous(place))
    case .none:
      if remains.laterBlocks > 0 { return tail }
      return looksUnwritten(at: place, end: end) ? tail : .refuse(.ambiguous(place))
    }
  }

  private func tail(at place: DamagePlace, end: UInt64, _ remains: Remains) -> LogVerdict {
    .torn(
      TornTail(
        place: place, end: UInt64(Block.roundedToPage(Int(end))),
        laterBlocks: remains.laterBlocks,
        laterGenerations: remains.ends.dropFirst().filter { $0.end != nil }
          .map(\.log.generation)))
  }

  #if PlantedBugs
    private func truncated(at place: DamagePlace, _ remains: Remains) -> LogVerdict {
      remains.ends.first?.end.map { tail(at: place, end: $0, remains) } ?? .intact
    }
  #endif

  /// Whether sectors of the payload are still as they were before the write: zero. A log has its
  /// size before its first block is written, so where the file ends within one, no crash cut it.
  private func looksTorn(_ header: BlockHeader, at place: DamagePlace) -> Bool {
    let used = Block.used(payload: Int(header.length))
    var window = window(of: place)
    return window.withBytes(at: place.offset, count: used) { bytes in
      bytes.count == used
        && Block.zeroSectors(of: bytes, from: Block.sectorSize) > Int(header.zeroSectors)
    }
  }

  /// Whether the header's sector is as it was before the write, and what follows may be the rest of
  /// one block.
  private func looksUnwritten(at place: DamagePlace, end: UInt64) -> Bool {
    var window = window(of: place)
    let isUnwritten = window.withBytes(at: place.offset, count: Block.sectorSize) { sector in
      sector.count == Block.sectorSize && Block.isZero(sector)
    }
    return isUnwritten && end <= place.offset + UInt64(Block.size(payload: Block.maxPayload))
  }

  private func window(of place: DamagePlace) -> FileWindow<Source> {
    let size = logs.first { .log($0.generation) == place.file }?.size ?? 0
    return FileWindow(source, place.file, size: size)
  }
}
