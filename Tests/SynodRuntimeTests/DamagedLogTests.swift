import Glibc
import Synod
import Testing

@testable import SynodJournal
@testable import SynodRuntime

/// The cases of the decision between a torn tail and lost records, one by one, over real files; and
/// what an opening then does.
@Suite struct DamagedLogTests {
  let store = TestStore()
  let log = JournalFile.log(1)

  func verdict() throws -> LogVerdict { try store.inspect().verdict }

  /// Opening refuses, with this damage, and leaves every file as it was.
  func expectRefusal(_ isExpected: (LogDamage) -> Bool) throws {
    let before = Dictionary(
      uniqueKeysWithValues: store.names.filter { $0 != "LOCK" }.map {
        ($0, store.read(JournalFile(name: $0)!))
      })
    do {
      _ = try store.open()
      Issue.record("opened")
    } catch let error as DataDirectoryError {
      guard case .damaged(let path, let damage) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(path == store.directory.path)
      #expect(isExpected(damage), "\(damage)")
    }
    for (name, bytes) in before { #expect(store.read(JournalFile(name: name)!) == bytes) }
  }

  func isAcknowledged(_ damage: LogDamage, by isProof: (DurabilityProof) -> Bool) -> Bool {
    if case .acknowledged(_, let proof) = damage { isProof(proof) } else { false }
  }

  // MARK: Acknowledged

  @Test func aDamagedBlockBeforeAnotherWasAcknowledged() throws {
    try store.live { life in
      for number in 1...3 { life.commit([UInt8(number)]) }
    }
    let layout = LogLayout(store.read(log))
    store.write(log, at: layout.blocks[1].offset + 58, [99])
    try expectRefusal { isAcknowledged($0) { $0 == .laterBlock(3) } }
  }

  @Test func aBlockBeforeALaterLogWasAcknowledged() throws {
    try store.live { life in life.commit([1]) }
    try store.live { life in life.commit([2]) }
    store.write(log, at: 0, [UInt8](repeating: 0, count: 4096))
    store.remove(.watermark)
    // The next log's first block names the lost one as durable.
    try expectRefusal { isAcknowledged($0) { $0 == .laterBlock(2) } }
  }

  @Test func aLaterLogProvesWhateverItsBlocksSay() throws {
    let directory = try store.open()
    let id = directory.store
    let first = LogLayout.block(
      [1], store: id, sequence: 1, durableThrough: 0, previousChecksum: 0, offset: 0)
    let second = LogLayout.block(
      [2], generation: 2, store: id, sequence: 2, durableThrough: 0,
      previousChecksum: first.checksum, offset: 0)
    var damaged = first.bytes
    damaged[60] ^= 1
    store.write(log, damaged)
    store.write(.log(2), second.bytes)
    directory.close()
    try expectRefusal { isAcknowledged($0) { $0 == .laterGeneration(2) } }
  }

  @Test func aCleanEndNamesTheLastBlock() throws {
    try store.live { life in
      life.commit([1])
      life.commit([2])
      life.close()
    }
    store.remove(.watermark)
    store.write(log, at: 4096, [UInt8](repeating: 0, count: 4096))
    try expectRefusal { isAcknowledged($0) { $0 == .superblock(block: 2, isClean: true) } }
  }

  @Test func aCheckpointNamesTheBlocksBeforeItsEnd() throws {
    try store.live { life in
      life.journal.beginCheckpoint()
      life.commit([1])
      life.journal.appendPiece { $0.write(UInt8(9)) }
      life.journal.endCheckpoint()
      life.run()
    }
    store.remove(.watermark)
    store.write(log, at: 0, [UInt8](repeating: 0, count: 4096))
    try expectRefusal { isAcknowledged($0) { $0 == .checkpoint(1) } }
  }

  @Test func theWatermarkNamesTheLastBlock() throws {
    try store.live { life in life.commit([1]) }
    store.write(log, at: 0, [UInt8](repeating: 0, count: 4096))
    try expectRefusal { isAcknowledged($0) { $0 == .watermark(1) } }
  }

  @Test func aMissingLogIsNoEnd() throws {
    try store.live { life in life.commit([1]) }
    store.remove(log)
    store.remove(.watermark)
    try expectRefusal { if case .missing = $0 { true } else { false } }
  }

  @Test func aMissingLogInTheMiddleIsNoEnd() throws {
    for number in 1...3 { try store.live { life in life.commit([UInt8(number)]) } }
    store.remove(.log(2))
    try expectRefusal { isAcknowledged($0) { $0 == .laterBlock(3) } }
  }

  @Test func anEmptyLastLogThatVanishedIsMissed() throws {
    try store.live { life in life.commit([1]) }
    try store.live()
    store.remove(.log(2))
    try expectRefusal { if case .missing = $0 { true } else { false } }
  }

  // MARK: Torn

  /// A torn write: its first sector, and not its second.
  func tear() throws {
    try store.live { life in
      life.commit([1])
      life.commit([UInt8](repeating: 5, count: 900))
    }
    store.remove(.watermark)
    store.write(log, at: 4096 + 512, [UInt8](repeating: 0, count: 512))
  }

  @Test func aTornTailIsCopiedAsideAndZeroed() throws {
    try tear()
    let tail = Array(store.read(log)[4096..<8192])
    guard case .torn(let found) = try verdict() else {
      Issue.record("not torn")
      return
    }
    #expect(found.place == DamagePlace(block: 2, file: log, offset: 4096))
    #expect(try store.live { life in life.commit([3]) } == [[1]])
    #expect(store.read(.torn(1, life: 2)) == tail)
    // What was there is cut off behind the last whole block, and a new log goes on.
    #expect(store.read(log).count == 4096)
    #expect(store.has(.log(2)))
    #expect(try store.live() == [[1], [3]])
  }

  @Test func aTornHeaderSectorIsATear() throws {
    try store.live { life in
      life.commit([1])
      life.commit([UInt8](repeating: 5, count: 900))
    }
    store.remove(.watermark)
    store.write(log, at: 4096, [UInt8](repeating: 0, count: 512))
    guard case .torn = try verdict() else {
      Issue.record("not torn")
      return
    }
    #expect(try store.live() == [[1]])
  }

  @Test func writesUnderWayTogetherWereNotAcknowledged() throws {
    let directory = try store.open()
    var checksum: UInt32 = 0
    for number in 1...4 {
      let block = LogLayout.block(
        [UInt8(number)], store: directory.store, sequence: UInt64(number),
        durableThrough: number == 1 ? 0 : 1, previousChecksum: checksum,
        offset: (number - 1) * 4096)
      checksum = block.checksum
      var bytes = block.bytes
      if number == 2 { bytes[60] ^= 1 }
      store.write(log, at: (number - 1) * 4096, bytes)
    }
    directory.close()
    guard case .torn(let tail) = try verdict() else {
      Issue.record("not torn")
      return
    }
    #expect(tail.place.block == 2 && tail.laterBlocks == 2 && tail.end == 4 * 4096)
    #expect(try store.live { life in life.commit([9]) } == [[1]])
    #expect(try store.live() == [[1], [9]])
  }

  // MARK: Ambiguous

  @Test func aWholeBlockWithAWrongChecksumIsAmbiguous() throws {
    try store.live { life in
      life.commit([1])
      life.commit([UInt8](repeating: 5, count: 900))
    }
    store.remove(.watermark)
    store.write(log, at: 4096 + 700, [6])
    try expectRefusal { if case .ambiguous = $0 { true } else { false } }
  }

  // MARK: Misplaced, lost, foreign

  @Test func aMisdirectedWriteIsFound() throws {
    try store.live { life in
      for number in 1...3 { life.commit([UInt8(number)]) }
    }
    store.remove(.watermark)
    // The last write went two pages too far, and its place kept what was there.
    let block = Array(store.read(log)[8192..<12288])
    store.write(log, at: 16384, block)
    store.write(log, at: 8192, [UInt8](repeating: 0, count: 4096))
    try expectRefusal { $0.isMisplaced(3) }
    // And where it hit an older block:
    store.write(log, at: 16384, [UInt8](repeating: 0, count: 4096))
    store.write(log, at: 0, block)
    try expectRefusal { isAcknowledged($0) { _ in true } }
  }

  @Test func aLostWriteIsFound() throws {
    try store.live { life in
      for number in 1...3 { life.commit([UInt8(number)]) }
    }
    store.remove(.watermark)
    store.write(log, at: 4096, [UInt8](repeating: 0, count: 4096))
    try expectRefusal { isAcknowledged($0) { $0 == .laterBlock(3) } }
  }

  @Test func aBlockThatDoesNotFollowTheLastIsFound() throws {
    try store.live { life in life.commit([1]) }
    store.remove(.watermark)
    let id = try store.inspect().superblock.store
    let stranger = LogLayout.block(
      [2], store: id, sequence: 2, durableThrough: 1, previousChecksum: 12345, offset: 4096)
    store.write(log, at: 4096, stranger.bytes)
    try expectRefusal { if case .brokenChain = $0 { true } else { false } }
  }

  @Test func blocksOfAnotherStoreNeverParse() throws {
    let other = TestStore()
    try other.live { life in
      for number in 1...3 { life.commit([UInt8(number)]) }
    }
    try store.live { life in life.commit([1]) }
    store.remove(.watermark)
    // A recycled file: another store's blocks behind ours. Written whole, so nobody can say.
    let foreign = other.read(log)
    store.write(log, at: 4096, Array(foreign[4096..<12288]))
    let survey = try store.inspect()
    #expect(survey.end.sequence == 2)
    #expect(survey.verdict.isAmbiguous)
  }

  @Test func blocksOfAnOlderLogNeverParse() throws {
    try store.live { life in life.commit([1]) }
    try store.live { life in life.commit([2]) }
    store.remove(.watermark)
    // The first block of log 1 in place of the first of log 2.
    let old = store.read(log)
    let new = store.read(.log(2))
    store.write(.log(2), old)
    let survey = try store.inspect()
    #expect(survey.end.sequence == 2 && survey.verdict.isAmbiguous)
    store.write(.log(2), new)
    #expect(try store.inspect().end.sequence == 3)
  }

  @Test func anUnknownKindIsRefusedAndNamed() throws {
    try store.live { life in life.commit([1]) }
    store.remove(.watermark)
    let survey = try store.inspect()
    let stranger = LogLayout.block(
      [2], store: survey.superblock.store, sequence: 2, durableThrough: 1,
      previousChecksum: survey.end.previousChecksum, offset: 4096, kind: 77)
    store.write(log, at: 4096, stranger.bytes)
    try expectRefusal {
      if case .unknownKind(_, let kind, _) = $0 { kind == 77 } else { false }
    }
  }

  @Test func aKindThatMayBeSkippedIsSkipped() throws {
    try store.live { life in life.commit([1]) }
    let survey = try store.inspect()
    let optional = LogLayout.block(
      [2], store: survey.superblock.store, sequence: 2, durableThrough: 1,
      previousChecksum: survey.end.previousChecksum, offset: 4096, kind: 200)
    store.write(log, at: 4096, optional.bytes)
    #expect(try store.live { life in life.commit([3]) } == [[1]])
    #expect(try store.live() == [[1], [3]])
  }

  @Test func whatTheDeviceCannotReadIsNoEnd() throws {
    try store.live { life in
      life.commit([1])
      life.commit([2])
    }
    store.remove(.watermark)
    let directory = try TestDirectory(store.directory.path)
    let found = try [0, 4096, 8192, 20480].map { page in
      try Survey(
        BrokenSource(source: directory.source, file: log, page: UInt64(page))
      ).verdict
    }
    if case .refuse(let damage) = found[0] {
      #expect(isAcknowledged(damage) { $0 == .laterBlock(2) })
    } else {
      Issue.record("\(found[0])")
    }
    for verdict in found[1...] {
      guard case .refuse(.unreadable) = verdict else {
        Issue.record("\(verdict)")
        continue
      }
    }
  }
}

/// A directory, open for reading.
final class TestDirectory {
  let descriptor: Int32
  var source: FileSource { FileSource(directory: descriptor, isDirect: false) }

  init(_ path: String) throws {
    descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY)
    try #require(descriptor >= 0)
  }

  deinit { close(descriptor) }
}

/// A device that cannot read one page.
struct BrokenSource: JournalSource {
  let source: FileSource
  let file: JournalFile
  let page: UInt64
  var failure = FileFailure(.unreadable, "Input/output error")

  func files() throws(FileFailure) -> [JournalFile: UInt64] { try source.files() }

  func read(
    _ file: JournalFile, at offset: UInt64, into target: UnsafeMutableRawBufferPointer
  ) throws(FileFailure) -> Int {
    if file == self.file, offset <= page, page < offset + UInt64(target.count) {
      throw failure
    }
    return try source.read(file, at: offset, into: target)
  }
}

extension LogDamage {
  func isMisplaced(_ block: UInt64) -> Bool {
    if case .misplaced(_, let found) = self { found == block } else { false }
  }
}

extension LogVerdict {
  var isAmbiguous: Bool {
    if case .refuse(.ambiguous) = self { true } else { false }
  }
}
