import Synod
import SynodJournal
import SynodSimulation
import Testing

/// What a simulated disk promises, and what it does not.
@Suite struct DiskTests {
  static let file = JournalFile.log(1)

  static func block(_ byte: UInt8, pages: Int = 1) -> BlockBuffer {
    [UInt8](repeating: byte, count: pages * Block.pageSize).withUnsafeBytes {
      BlockBuffer(pagesOf: $0)
    }
  }

  /// A file of some durable pages of one byte.
  static func disk(seed: UInt64 = 1, of byte: UInt8 = 1, pages: Int = 4) -> SimulatedDisk {
    let disk = SimulatedDisk(seed: seed)
    #expect(
      disk.perform(
        FileJob([
          .create(file), .write(file, at: 0, block(byte, pages: pages)), .sync(file),
          .syncDirectory,
        ])) == nil)
    return disk
  }

  static func bytes(_ disk: SimulatedDisk, _ name: JournalFile = file) -> [UInt8]? {
    guard let size = try? disk.files()[name] else { return nil }
    var bytes = [UInt8](repeating: 0, count: Int(size))
    let read = bytes.withUnsafeMutableBytes { try? disk.read(name, at: 0, into: $0) }
    return read == Int(size) ? bytes : nil
  }

  /// The byte that each sector is made of; nil for one of several.
  static func sectors(_ bytes: [UInt8]) -> [UInt8?] {
    stride(from: 0, to: bytes.count, by: Block.sectorSize).map { start in
      let sector = bytes[start..<(start + Block.sectorSize)]
      return sector.allSatisfy { $0 == sector.first } ? sector.first : nil
    }
  }

  @Test func anUnsyncedSectorMayOrMayNotSurviveAPowerCutEachForItself() {
    var patterns: Set<[UInt8?]> = []
    for seed in 0..<200 as Range<UInt64> {
      let disk = Self.disk(seed: seed, pages: 1)
      #expect(disk.perform(.write(Self.file, at: 0, Self.block(2))) == nil)
      disk.crash(.powerCut)
      patterns.insert(Self.sectors(Self.bytes(disk) ?? []))
    }
    #expect(patterns.allSatisfy { $0.count == 8 && $0.allSatisfy { $0 == 1 || $0 == 2 } })
    #expect(patterns.contains([UInt8?](repeating: 1, count: 8)))
    #expect(patterns.contains([UInt8?](repeating: 2, count: 8)))
    #expect(patterns.count > 50)
  }

  @Test func aKillTakesNothingBackThatWasWritten() {
    let disk = Self.disk()
    #expect(disk.perform(.write(Self.file, at: 4096, Self.block(2))) == nil)
    #expect(disk.perform(.create(.log(2))) == nil)
    disk.crash(.kill)
    #expect(Self.sectors(Self.bytes(disk) ?? [])[8..<16].allSatisfy { $0 == 2 })
    #expect(Self.bytes(disk, .log(2)) == [])
  }

  @Test func aCommitAndASyncAreDurable() {
    for seed in 0..<50 as Range<UInt64> {
      let disk = Self.disk(seed: seed)
      let job = FileJob([
        .write(Self.file, at: 0, Self.block(2)), .sync(Self.file),
        .commit(Self.file, at: 4096, Self.block(3)), .write(Self.file, at: 8192, Self.block(4)),
      ])
      #expect(disk.perform(job) == nil)
      disk.crash(.powerCut)
      let sectors = Self.sectors(Self.bytes(disk) ?? [])
      #expect(sectors[0..<8].allSatisfy { $0 == 2 } && sectors[8..<16].allSatisfy { $0 == 3 })
    }
  }

  @Test func aCommitMakesNothingElseDurable() {
    let survivals = (0..<50).filter { seed in
      let disk = Self.disk(seed: UInt64(seed))
      _ = disk.perform(.write(Self.file, at: 0, Self.block(2)))
      _ = disk.perform(.commit(Self.file, at: 4096, Self.block(3)))
      disk.crash(.powerCut)
      return Self.sectors(Self.bytes(disk) ?? [])[0..<8].allSatisfy { $0 == 2 }
    }
    #expect(survivals.count > 2 && survivals.count < 40)
  }

  @Test func aTornCommitLeavesAnySubsetOfItsSectors() {
    var patterns: Set<[UInt8?]> = []
    for seed in 0..<200 as Range<UInt64> {
      let disk = Self.disk(seed: seed, pages: 1)
      disk.crash(.powerCut, during: [.commit(Self.file, at: 0, Self.block(2))])
      patterns.insert(Self.sectors(Self.bytes(disk) ?? []))
    }
    #expect(patterns.allSatisfy { $0.count == 8 && $0.allSatisfy { $0 == 1 || $0 == 2 } })
    #expect(patterns.count > 50)
  }

  @Test func namesWithoutADirectorySyncAreLostFromSomeChangeOn() {
    var seen: Set<[String]> = []
    for seed in 0..<100 as Range<UInt64> {
      let disk = Self.disk(seed: seed)
      let job = FileJob([
        .create(.log(2)), .rename(Self.file, to: .log(3)), .unlink(.log(2)),
      ])
      #expect(disk.perform(job) == nil)
      disk.crash(.powerCut)
      seen.insert(((try? disk.files()) ?? [:]).keys.map(\.name).sorted())
    }
    let (one, two, three) = (
      JournalFile.log(1).name, JournalFile.log(2).name, JournalFile.log(3).name
    )
    #expect(seen == [[one], [one, two], [two, three], [three]])
  }

  @Test func aRenameWithADirectorySyncStays() {
    for seed in 0..<20 as Range<UInt64> {
      let disk = Self.disk(seed: seed)
      #expect(disk.perform(FileJob([.rename(Self.file, to: .log(3)), .syncDirectory])) == nil)
      disk.crash(.powerCut)
      #expect(Self.bytes(disk) == nil && Self.bytes(disk, .log(3))?.count == 4 * 4096)
    }
  }

  @Test func aCutThatWasNotSyncedMayComeBackWhole() {
    var sizes: Set<Int> = []
    for seed in 0..<50 as Range<UInt64> {
      let disk = Self.disk(seed: seed)
      #expect(disk.perform(.truncate(Self.file, to: 4096)) == nil)
      disk.crash(.powerCut)
      let bytes = Self.bytes(disk) ?? []
      #expect(bytes.allSatisfy { $0 == 1 })
      sizes.insert(bytes.count)
    }
    #expect(sizes == [4096, 4 * 4096])
  }

  @Test func aFailedSyncIsFinalAndTheNextSaysThatAllIsWell() {
    var (lost, kept) = (0, 0)
    for seed in 0..<50 as Range<UInt64> {
      let disk = Self.disk(seed: seed)
      #expect(disk.perform(.write(Self.file, at: 0, Self.block(2))) == nil)
      disk.faults.failedSyncs = 1_000_000
      #expect(disk.perform(.sync(Self.file))?.isFinal == true)
      disk.faults.failedSyncs = 0
      #expect(disk.perform(.sync(Self.file)) == nil)
      let isKept = Self.sectors(Self.bytes(disk) ?? [])[0..<8].allSatisfy { $0 == 2 }
      if isKept { kept += 1 } else { lost += 1 }
    }
    #expect(lost > 5 && kept > 5)
  }

  @Test func spaceIsCountedAndComesBack() {
    let disk = Self.disk()
    disk.capacity = 6 * 4096
    #expect(disk.usedBytes == 4 * 4096 && disk.freeBytes == 2 * 4096)
    let fill = FileOperation.fill(.log(2), at: 0, count: 3 * 4096)
    #expect(disk.perform(.create(.log(2))) == nil)
    #expect(disk.perform(fill)?.kind == .noSpace)
    // What is there can be written anew.
    #expect(disk.perform(.commit(Self.file, at: 0, Self.block(2))) == nil)
    #expect(disk.perform(.truncate(Self.file, to: 4096)) == nil)
    #expect(disk.perform(fill) == nil)
    #expect(disk.counts[.noSpace] == 1)
  }

  @Test func aDiskThatAllocatesLateSaysAtTheSyncThatItIsFull() {
    let disk = Self.disk()
    disk.capacity = 5 * 4096
    disk.allocatesLate = true
    #expect(disk.perform(.create(.logDraft(2))) == nil)
    #expect(disk.perform(.fill(.logDraft(2), at: 0, count: 3 * 4096)) == nil)
    let failure = disk.perform(.sync(.logDraft(2)))
    #expect(failure?.kind == .noSpace && failure?.isFinal == false)
    #expect(Self.bytes(disk, .logDraft(2)) == [])
  }

  @Test func aSectorThatCannotBeReadIsAnErrorUntilItIsWrittenAgain() throws {
    let disk = Self.disk()
    disk.mayBeDamaged = true
    disk.faults.unreadableSectors = 1
    #expect(disk.damageAtRest() == .unreadableSector)
    #expect(disk.isDamaged && Self.bytes(disk) == nil)
    for page in 0..<4 {
      #expect(
        disk.perform(.commit(Self.file, at: UInt64(page) * 4096, Self.block(2))) == nil)
    }
    #expect(Self.bytes(disk)?.allSatisfy { $0 == 2 } == true)
  }

  @Test func aSoundDiskIsNotDamagedByAnyRate() {
    let disk = Self.disk()
    (disk.faults.lostWrites, disk.faults.misdirectedWrites) = (500_000, 500_000)
    (disk.faults.rot, disk.faults.zeroedSectors) = (1, 1)
    for _ in 0..<50 {
      #expect(disk.damageAtRest() == nil)
      #expect(disk.perform(.commit(Self.file, at: 0, Self.block(2))) == nil)
      #expect(Self.sectors(Self.bytes(disk) ?? [])[0..<8].allSatisfy { $0 == 2 })
    }
    #expect(!disk.isDamaged)
  }

  @Test func aLostWriteIsOnlyLostOnceALaterOneProvesThatItWasAcknowledged() {
    func lose() -> SimulatedDisk {
      let disk = Self.disk()
      disk.mayBeDamaged = true
      disk.faults.lostWrites = 1_000_000
      #expect(disk.perform(.commit(Self.file, at: 0, Self.block(2))) == nil)
      #expect(Self.bytes(disk)?.first == 1)
      disk.faults.lostWrites = 0
      return disk
    }
    let late = lose()
    late.crash(.powerCut)
    #expect(Self.bytes(late)?.first == 2 && !late.isDamaged)
    let lost = lose()
    #expect(lost.perform(.commit(Self.file, at: 4096, Self.block(3))) == nil)
    lost.crash(.powerCut)
    #expect(Self.bytes(lost)?.first == 1 && lost.isDamaged && lost.counts[.lostWrite] == 1)
  }

  @Test func aMisdirectedWriteLeavesTheOldDataAndHitsAnother() {
    var hit = 0
    for seed in 0..<20 as Range<UInt64> {
      let disk = Self.disk(seed: seed)
      disk.mayBeDamaged = true
      disk.faults.misdirectedWrites = 1_000_000
      #expect(disk.perform(.commit(Self.file, at: 0, Self.block(2))) == nil)
      #expect(disk.perform(.commit(Self.file, at: 4096, Self.block(3))) == nil)
      let sectors = Self.sectors(Self.bytes(disk) ?? [])
      #expect(sectors[0] == 1 && sectors[8] == 3)
      if sectors[16...].contains(2) { hit += 1 }
    }
    #expect(hit > 5)
  }
}
