internal import Synod
internal import SynodJournal

// Commits that are acknowledged and do not land where they should.
extension SimulatedDisk {
  /// Whether a commit is acknowledged and does not land where it should.
  func leadAstray(_ file: SimulatedFile, at offset: Int, _ block: BlockBuffer) -> Bool {
    guard faults.lostWrites | faults.misdirectedWrites != 0, mayBeDamaged, astray == nil,
      !damagedSinceOpened.log
    else { return false }
    let drawn = random.next() % 1_000_000
    if drawn < UInt64(faults.lostWrites) {
      astray = Astray(
        kind: .lostWrite, file: file, offset: offset, bytes: Array(block.bytes))
    } else if drawn < UInt64(faults.lostWrites) + UInt64(faults.misdirectedWrites) {
      misdirect(file, at: offset, block)
    } else {
      return false
    }
    withExtendedLifetime(block) {}
    damagedSinceOpened.log = true
    newest = (file, offset..<(offset + block.count))
    return true
  }

  /// Whether a write of a superblock is acknowledged and never lands.
  ///
  /// What stood there stays. Where that is none, the store has its other superblock alone, and a power
  /// cut may tear that one: this is damage.
  func losesSuperblock(_ file: SimulatedFile, at offset: Int) -> Bool {
    guard faults.lostWrites > 0, random.next() % 100_000 < UInt64(faults.lostWrites) else {
      return false
    }
    let standing = file.bytes.dropFirst(offset).prefix(Block.pageSize)
    if !Superblock.isWhole(UnsafeRawBufferPointer(rebasing: standing)) {
      guard mayBeDamaged else { return false }
      isDamaged = true
    }
    counts[.lostSuperblock] += 1
    return true
  }

  /// It lands on another place of a log or a checkpoint.
  private func misdirect(_ file: SimulatedFile, at offset: Int, _ block: BlockBuffer) {
    var found = Astray(
      kind: .lostWrite, file: file, offset: offset, bytes: Array(block.bytes))
    let victim = pickIndex { $0.isLogOrCheckpoint }.map { entries[$0].file }
    if let victim, victim.count >= block.count {
      let pages = UInt64((victim.count - block.count) / Block.pageSize + 1)
      let place = Int(random.next() % pages) * Block.pageSize
      let target = place..<(place + block.count)
      if victim !== file || !target.overlaps(offset..<(offset + block.count)) {
        found.kind = .misdirectedWrite
        found.victim = (victim, place, Array(victim.bytes[target]))
        victim.commit(block.bytes, at: place)
      }
    }
    astray = found
  }

  /// A later block is durable: the write was acknowledged, it is lost, and that can be known.
  func proveAstray() {
    guard let astray else { return }
    counts[astray.kind] += 1
    isDamaged = true
    self.astray = nil
  }

  /// The write lands after all.
  func landAstray() {
    guard let astray else { return }
    if let victim = astray.victim { victim.file.overwrite(victim.before, at: victim.offset) }
    astray.file.overwrite(astray.bytes, at: astray.offset)
    self.astray = nil
    damagedSinceOpened.log = false
  }
}

extension JournalFile {
  fileprivate var isLogOrCheckpoint: Bool {
    switch self {
    case .log, .checkpoint: true
    case .lock, .superblock, .logDraft, .checkpointDraft, .torn, .watermark, .ballast: false
    }
  }
}
