import Synod
import Testing

@testable import SynodJournal

/// The decision between a torn tail and lost records, over real files: every byte-prefix of a small
/// log, every sector zeroed, bits flipped everywhere. The oracle works on the layout alone.
@Suite struct TornTailTests {
  /// Four blocks: one page, two pages with sectors of zeros within, one page, two pages.
  let store: TestStore
  let log: LogLayout
  let file = JournalFile.log(1)

  init() throws {
    store = TestStore()
    var second = [UInt8](repeating: 7, count: 4500)
    for i in 1000..<4000 { second[i] = 0 }
    try store.live { life in
      life.commit([UInt8](repeating: 1, count: 100))
      life.commit(second)
      life.commit([UInt8](repeating: 2, count: 700))
      life.commit((0..<4600).map { $0 / 600 == 3 ? 0 : UInt8($0 % 251 + 1) })
    }
    log = LogLayout(store.read(file))
    #expect(log.blocks.map(\.size) == [4096, 8192, 4096, 8192])
  }

  enum Expected: Equatable {
    case intact(blocks: Int)
    case torn(blocks: Int)
    case acknowledged
    case ambiguous
    case shortened
  }

  func found() throws -> Expected {
    let survey = try store.inspect()
    let blocks = Int(survey.end.sequence) - 1
    switch survey.verdict {
    case .intact: return .intact(blocks: blocks)
    case .torn: return .torn(blocks: blocks)
    case .refuse(.acknowledged): return .acknowledged
    case .refuse(.ambiguous): return .ambiguous
    case .refuse(.shortened): return .shortened
    case .refuse(let other):
      Issue.record("\(other)")
      return .ambiguous
    }
  }

  /// What a file must be judged as whose bytes from `cut` on are zero, or missing.
  func expected(cut: Int, isShort: Bool) -> Expected {
    let whole = log.blocks.prefix { block in
      let content = block.offset..<(block.offset + block.used)
      return cut >= content.upperBound
        || (!isShort && cut > content.lowerBound && log.isZero(cut..<content.upperBound))
    }.count
    guard whole < log.blocks.count, cut > log.blocks[whole].offset else {
      return .intact(blocks: whole)
    }
    if isShort { return .ambiguous }
    let block = log.blocks[whole]
    let header = block.offset..<(block.offset + BlockHeader.size)
    if cut < header.upperBound, !log.isZero(cut..<header.upperBound) { return .ambiguous }
    let sectors = stride(from: block.offset + 512, to: block.offset + block.used, by: 512)
    let isTorn = sectors.contains { sector in
      let range = sector..<min(sector + 512, block.offset + block.used)
      return cut <= range.lowerBound && !log.isZero(range)
        || cut > range.lowerBound && cut < range.upperBound && log.isZero(range.lowerBound..<cut)
          && !log.isZero(cut..<range.upperBound)
    }
    return isTorn ? .torn(blocks: whole) : .ambiguous
  }

  @Test func everyBytePrefixFollowedByZeros() throws {
    store.remove(.watermark)
    for cut in stride(from: log.end - 1, through: 0, by: -1) {
      guard log.bytes[cut] != 0 else { continue }
      store.write(file, at: cut, [0])
      let expected = expected(cut: cut, isShort: false)
      let found = try found()
      #expect(found == expected, "the first \(cut) bytes")
      if found != expected { return }
    }
  }

  /// A log has its size before its first block: no crash makes it shorter.
  @Test func aLogThatIsShorterThanItWasIsNoTear() throws {
    store.remove(.watermark)
    for cut in [log.bytes.count - 1, log.end] + log.blocks.map(\.offset).reversed() + [0] {
      store.cut(file, to: cut)
      #expect(try found() == .shortened, "the first \(cut) bytes")
    }
  }

  /// The same in a store whose superblock does not say how long the log was.
  @Test func everyBytePrefixAsAShorterFile() throws {
    store.remove(.watermark)
    try store.rewriteSuperblock { $0.durableLogBytes = 0 }
    for cut in stride(from: log.end - 1, through: 0, by: -1) {
      // Within padding one cut is as good as another.
      if cut % 64 != 0, log.isZero(max(0, cut - 64)..<min(cut + 64, log.end)) { continue }
      store.cut(file, to: cut)
      let expected = expected(cut: cut, isShort: true)
      let found = try found()
      #expect(found == expected, "the first \(cut) bytes")
      if found != expected { return }
    }
  }

  @Test func withTheWatermarkNoPrefixLosesAnAcknowledgedBlock() throws {
    for cut in stride(from: log.end - 1, through: 0, by: -97) {
      store.write(file, at: cut, [UInt8](repeating: 0, count: log.end - cut))
      let isWhole = expected(cut: cut, isShort: false) == .intact(blocks: log.blocks.count)
      #expect(try found() == (isWhole ? .intact(blocks: 4) : .acknowledged), "the first \(cut)")
    }
  }

  @Test func everyZeroedSector() throws {
    store.remove(.watermark)
    for sector in stride(from: 0, to: log.end, by: 512) {
      let original = Array(log.bytes[sector..<(sector + 512)])
      store.write(file, at: sector, [UInt8](repeating: 0, count: 512))
      let last = log.blocks[3]
      let expected: Expected =
        original.allSatisfy { $0 == 0 }
        ? .intact(blocks: 4)
        : sector < last.offset ? .acknowledged : .torn(blocks: 3)
      #expect(try found() == expected, "the sector at \(sector)")
      store.write(file, at: sector, original)
    }
    #expect(try found() == .intact(blocks: 4))
  }

  @Test func flippedBitsEverywhere() throws {
    store.remove(.watermark)
    for offset in 0..<(log.end + 3 * 512) {
      let block = log.block(at: offset).map { log.blocks[$0] }
      let isHeader = block.map { offset < $0.offset + BlockHeader.size } ?? false
      if block.map({ offset >= $0.offset + $0.used }) ?? true, offset % 37 != 0 { continue }
      let original = log.bytes[offset]
      // Every bit of a header; elsewhere one of each byte.
      for bit in isHeader ? Array(0..<8) : [offset * 7 % 8] {
        store.write(file, at: offset, [original ^ (1 << UInt8(bit))])
        let expected: Expected
        if let block {
          let isPadding = offset >= block.offset + block.used
          let isLast = block.offset == log.blocks[3].offset
          expected = isPadding ? .intact(blocks: 4) : isLast ? .ambiguous : .acknowledged
        } else {
          // Behind the end: the first sector could be a header; the others could be the payload of
          // a block whose header never came.
          expected = offset < log.end + 512 ? .ambiguous : .torn(blocks: 4)
        }
        let found = try found()
        #expect(found == expected, "bit \(bit) of byte \(offset)")
        if found != expected { return }
      }
      store.write(file, at: offset, [original])
    }
  }
}
