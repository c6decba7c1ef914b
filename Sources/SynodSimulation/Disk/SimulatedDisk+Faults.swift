internal import Synod
public import SynodJournal

extension SimulatedDisk {
  private static var million: UInt64 { 1_000_000 }

  /// How long an operation takes, in microseconds.
  public func microseconds(for operation: FileOperation) -> UInt64 {
    let drawn = random.next()
    if faults.stalls > 0, (drawn >> 32) % Self.million < UInt64(faults.stalls) {
      counts[.stall] += 1
      return 10_000 << (drawn % 8) + drawn % 10_000
    }
    switch operation {
    case .commit(_, _, let block): return 60 + drawn % 120 + UInt64(block.count) / 512
    case .sync, .syncDirectory: return 80 + drawn % 400
    case .fill(_, _, let count): return 10 + drawn % 20 + UInt64(count) / 2048
    case .copy(_, _, let count, _): return 20 + drawn % 40 + count / 1024
    case .verify(_, _, let count, _): return 40 + drawn % 80 + UInt64(count) / 1024
    case .write(_, _, let block), .note(_, _, let block):
      return 5 + drawn % 20 + UInt64(block.count) / 1024
    case .create, .truncate, .rename, .unlink: return 10 + drawn % 40
    }
  }

  /// Why an operation fails; what it did is done then.
  func drawFailure(of operation: FileOperation) -> FileFailure? {
    switch operation {
    case .commit:
      guard draw(faults.failedSyncs) else { return nil }
      counts[.failedSync] += 1
      partly(operation)
      settleNewest(operation)
      return FileFailure(.other, "the device failed")
    case .sync(let name):
      guard draw(faults.failedSyncs) else { return nil }
      counts[.failedSync] += 1
      // The pages are clean from here on, whether they were written or not, and the next sync of
      // them says that all is well.
      _ = find(name)?.cutPower(&random)
      return FileFailure(.other, "the device failed")
    case .syncDirectory:
      guard draw(faults.failedSyncs) else { return nil }
      counts[.failedSync] += 1
      return FileFailure(.other, "the device failed")
    case .create, .fill, .write, .note, .copy, .truncate, .rename, .unlink, .verify:
      guard draw(faults.failedWrites) else { return nil }
      counts[.failedWrite] += 1
      partly(operation)
      return FileFailure(.other, "the device failed")
    }
  }

  private func draw(_ rate: UInt32) -> Bool {
    rate > 0 && random.next() % Self.million < UInt64(rate)
  }

  /// What a failed commit wrote is on the disk.
  private func settleNewest(_ operation: FileOperation) {
    if case .commit(let name, _, _) = operation { _ = find(name)?.cutPower(&random) }
  }

  // MARK: Writes that go astray

  /// Whether a commit is acknowledged and does not land where it should.
  func leadAstray(_ file: SimulatedFile, at offset: Int, _ block: BlockBuffer) -> Bool {
    guard faults.lostWrites | faults.misdirectedWrites != 0, mayBeDamaged, astray == nil,
      !damagedSinceOpened.log
    else { return false }
    let drawn = random.next() % Self.million
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

  /// It lands on another place of a log or a checkpoint.
  private func misdirect(_ file: SimulatedFile, at offset: Int, _ block: BlockBuffer) {
    var found = Astray(
      kind: .lostWrite, file: file, offset: offset, bytes: Array(block.bytes))
    let victim = pick { $0.isLogOrCheckpoint }
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

  // MARK: Damage at rest

  /// Damages something durable, as `faults` has it, within what a store can know.
  /// - Returns: what was done; nil where nothing may be, or where chance hit nothing.
  @discardableResult public func damageAtRest() -> DiskFault? {
    guard mayBeDamaged, faults.damagesAtRest else { return nil }
    let weights: [(DiskFault, UInt32)] = [
      (.rot, faults.rot), (.zeroedSector, faults.zeroedSectors),
      (.unreadableSector, faults.unreadableSectors), (.rolledBack, faults.rolledBack),
    ]
    var drawn = random.next() % weights.reduce(UInt64(0)) { $0 + UInt64($1.1) }
    for (kind, weight) in weights {
      if drawn < UInt64(weight) { return damage(kind) }
      drawn -= UInt64(weight)
    }
    return nil
  }

  private func damage(_ kind: DiskFault) -> DiskFault? {
    guard let index = pickIndex({ self.mayDamage($0) }) else { return nil }
    let (name, file) = (entries[index].name, entries[index].file)
    let isDone =
      switch kind {
      case .rolledBack: rollBack(name, file)
      case .rot: flip(name, file)
      case .zeroedSector, .unreadableSector: damageSector(name, file, kind)
      default: false
      }
    guard isDone else { return nil }
    switch name {
    case .log: damagedSinceOpened.log = true
    case .superblock: damagedSinceOpened.superblock = true
    default: break
    }
    counts[kind] += 1
    isDamaged = true
    return kind
  }

  private func flip(_ name: JournalFile, _ file: SimulatedFile) -> Bool {
    guard let sector = drawSector(file) else { return false }
    let bit = sector * Block.sectorSize * 8 + Int(random.next() % UInt64(Block.sectorSize * 8))
    file.flip(bit: bit)
    return true
  }

  private func damageSector(
    _ name: JournalFile, _ file: SimulatedFile, _ kind: DiskFault
  ) -> Bool {
    guard let sector = drawSector(file) else { return false }
    if kind == .unreadableSector {
      file.lose(sector)
      return true
    }
    // Nothing proves yet that the newest block was acknowledged.
    if let newest, newest.file === file, newest.range.contains(sector * Block.sectorSize) {
      return false
    }
    file.zero(sector)
    return true
  }

  /// A log that is written no more ends earlier, as an older version of it did.
  private func rollBack(_ name: JournalFile, _ file: SimulatedFile) -> Bool {
    guard case .log = name, newest?.file !== file, file.count >= Block.pageSize else {
      return false
    }
    let pages = UInt64(file.count / Block.pageSize)
    let place = Int(random.next() % pages) * Block.pageSize
    let old = file.bytes[place...]
    guard old.contains(where: { $0 != 0 }) else { return false }
    for sector in (place / Block.sectorSize)..<(file.count / Block.sectorSize) {
      file.zero(sector)
    }
    return true
  }

  /// A sector that holds something; nil where chance finds none.
  private func drawSector(_ file: SimulatedFile) -> Int? {
    let sectors = file.count / Block.sectorSize
    if sectors == 0 { return nil }
    for _ in 0..<8 {
      let sector = Int(random.next() % UInt64(sectors))
      let start = sector * Block.sectorSize
      if file.bytes[start..<(start + Block.sectorSize)].contains(where: { $0 != 0 }) {
        return sector
      }
    }
    return nil
  }

  private func mayDamage(_ name: JournalFile) -> Bool {
    switch name {
    case .log: !damagedSinceOpened.log
    case .superblock: !damagedSinceOpened.superblock
    case .checkpoint, .watermark: true
    case .lock, .logDraft, .checkpointDraft, .torn, .ballast: false
    }
  }

  private func pickIndex(_ suits: (JournalFile) -> Bool) -> Int? {
    let suitable = entries.indices.filter { suits(entries[$0].name) }
    return suitable.isEmpty ? nil : suitable[Int(random.next() % UInt64(suitable.count))]
  }

  private func pick(_ suits: (JournalFile) -> Bool) -> SimulatedFile? {
    pickIndex(suits).map { entries[$0].file }
  }

  // MARK: What a world does

  /// All of it is gone. Its peers notice, by their pins; nobody else can: never more disks than the
  /// protocol tolerates.
  public func lose() {
    clearNames()
    newest = nil
    astray = nil
    damagedSinceOpened = (false, false)
    counts[.lostDisk] += 1
    isDamaged = true
  }

  /// What the disk holds, durable or not.
  public func snapshot() -> DiskSnapshot {
    DiskSnapshot(entries: entries.map { Entry(name: $0.name, file: $0.file.copy()) })
  }

  /// The whole disk goes back to what it was. **No store can notice that alone**: for tests that show
  /// so, never in a run that asks for more.
  public func restore(_ snapshot: DiskSnapshot) {
    replaceFiles(snapshot.entries.map { Entry(name: $0.name, file: $0.file.copy()) })
    newest = nil
    astray = nil
    counts[.rolledBack] += 1
    isDamaged = true
  }
}

/// A disk as it was.
public struct DiskSnapshot {
  let entries: [SimulatedDisk.Entry]
}

extension JournalFile {
  fileprivate var isLogOrCheckpoint: Bool {
    switch self {
    case .log, .checkpoint: true
    case .lock, .superblock, .logDraft, .checkpointDraft, .torn, .watermark, .ballast: false
    }
  }
}
