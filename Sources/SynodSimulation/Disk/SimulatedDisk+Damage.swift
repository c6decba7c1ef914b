internal import Synod
internal import SynodJournal

// Damage to what is durable, while nobody writes it.
extension SimulatedDisk {
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
      case .kill, .powerCut, .interruptedOperation, .tornBlock, .lostSector, .lostName, .failedSync,
        .failedWrite, .noSpace, .lostWrite, .lostSuperblock, .misdirectedWrite, .lostDisk, .stall:
        false
      }
    guard isDone else { return nil }
    switch name {
    case .log: damagedSinceOpened.log = true
    case .superblock: damagedSinceOpened.superblock = true
    case .lock, .logDraft, .checkpoint, .checkpointDraft, .torn, .watermark, .ballast: break
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

  func pickIndex(_ suits: (JournalFile) -> Bool) -> Int? {
    let suitable = entries.indices.filter { suits(entries[$0].name) }
    return suitable.isEmpty ? nil : suitable[Int(random.next() % UInt64(suitable.count))]
  }
}
