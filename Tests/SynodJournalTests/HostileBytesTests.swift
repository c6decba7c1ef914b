import Synod
import SynodSimulation
import Testing

@testable import SynodJournal

/// Whatever the files hold, reading them ends with a verdict or an error.
@Suite struct HostileBytesTests {
  /// A disk with the golden store on it.
  static func golden() -> SimulatedDisk {
    let disk = SimulatedDisk()
    GoldenStoreTests.write(to: disk)
    return disk
  }

  /// Reads all that can be read.
  static func readAll(_ disk: SimulatedDisk) throws {
    let survey = try Survey(disk)
    try survey.forEachPayload(disk) { _, _ in }
    let opening = try Opening(survey, settings: GoldenStoreTests.settings)
    for job in opening.jobs { #expect(disk.perform(job) == nil) }
  }

  @Test(arguments: 0..<4) func randomBytesAnywhere(seed: UInt64) throws {
    var random = SplitMix(seed: seed)
    for _ in 0..<400 {
      let disk = Self.golden()
      let files = try disk.files().sorted { $0.key.name < $1.key.name }
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let (file, size) = files[Int.random(in: 0..<files.count, using: &random)]
        guard size > 0 else { continue }
        let page = Int.random(in: 0..<max(1, Int(size) / 4096), using: &random) * 4096
        let offset = page + Int.random(in: 0..<128, using: &random)
        let bytes = (0..<Int.random(in: 1...16, using: &random)).map { _ in
          UInt8.random(in: 0...255, using: &random)
        }
        disk.overwrite(file, at: offset, bytes)
      }
      do {
        try Self.readAll(disk)
      } catch is Survey.Failure {
      } catch is LogRefusal {
      }
    }
  }

  /// Headers with right checksums and any content.
  @Test(arguments: 0..<4) func anythingWithARightChecksum(seed: UInt64) throws {
    var random = SplitMix(seed: seed &+ 100)
    func any() -> UInt64 {
      switch Int.random(in: 0..<4, using: &random) {
      case 0: .max
      case 1: 0
      case 2: random.next()
      default: UInt64.random(in: 0...8, using: &random)
      }
    }
    for _ in 0..<300 {
      let disk = Self.golden()
      let store = try Survey(disk).superblock.store
      var header = BlockHeader(
        kind: .data, tag: .log(1, of: store), sequence: any(), durableThrough: any(),
        previousChecksum: UInt32(truncatingIfNeeded: any()), offset: any())
      header.length = UInt32(truncatingIfNeeded: any())
      header.kind = UInt8(truncatingIfNeeded: any())
      var bytes = [UInt8](repeating: 0, count: BlockHeader.size)
      _ = bytes.withUnsafeMutableBytes { header.store(to: $0.baseAddress!) }
      disk.overwrite(.log(1), at: Int.random(in: 0..<8, using: &random) * 4096, bytes)
      do { try Self.readAll(disk) } catch is LogRefusal {}

      var superblock = try Survey(Self.golden()).superblock
      superblock.sequence = any()
      superblock.incarnation = any()
      superblock.durableBlock = any()
      superblock.highestGeneration = UInt32(truncatingIfNeeded: any())
      superblock.durableGeneration = UInt32(truncatingIfNeeded: any())
      superblock.checkpoint = UInt32(truncatingIfNeeded: any())
      let page = superblock.page()
      let other = Self.golden()
      other.overwrite(.superblock(Int(any() % 2)), at: 0, Array(page.bytes))
      withExtendedLifetime(page) {}
      do { try Self.readAll(other) } catch is LogRefusal {}
    }
  }

  /// Footers with right checksums and any content.
  @Test func anyFooter() throws {
    var random = SplitMix(seed: 9)
    for _ in 0..<300 {
      let disk = Self.golden()
      let store = try Survey(disk).superblock.store
      func any() -> UInt64 {
        Bool.random(using: &random) ? random.next() : UInt64.random(in: 0...2, using: &random)
      }
      var draft = CheckpointDraft(number: 1, boundary: 0, bytesBefore: 0)
      let footer = CheckpointFooter(
        blocks: 0, payloadBytes: 0, totalChecksum: draft.total.checksum,
        replayFrom: LogPosition(
          generation: UInt32(truncatingIfNeeded: any()), offset: any() &* 4096, sequence: any(),
          previousChecksum: 0), durableThrough: any(), pieces: any())
      var writer = ByteWriter()
      footer.encode(into: &writer)
      let payload = writer.finish()
      let block = BlockBuffer(capacity: 4096)
      payload.withUnsafeBytes {
        UnsafeMutableRawBufferPointer(
          start: block.start + BlockHeader.size, count: payload.count
        ).copyMemory(from: $0)
      }
      _ = draft.write(block, kind: .footer, payload: payload.count, durable: 0, store: store)
      disk.overwrite(.checkpoint(1), at: 0, Array(block.bytes))
      withExtendedLifetime(block) {}
      do { try Self.readAll(disk) } catch is LogRefusal {}
    }
  }

  @Test func namesThatAreNoneOfAStores() {
    for name in [
      "wal-1.log", "wal-0000000001.txt", "wal-00000000001.log", "wal-4294967295.log",
      "wal-9999999999.log", "wal--000000001.log", "ckpt-+000000001.dat", "META2", "wal-.log", "",
      ".", "wal-0000000001.torn-", "wal-0000000001.torn-01", "ckpt-0000000001.torn-1",
    ] {
      #expect(JournalFile(name: name) == nil, "\(name)")
    }
    for file: JournalFile in [
      .lock, .superblock(0), .superblock(1), .log(1), .logDraft(77), .checkpoint(3),
      .checkpointDraft(1 << 31), .torn(4, life: .max), .watermark, .ballast,
    ] {
      #expect(JournalFile(name: file.name) == file)
    }
  }
}
