import Glibc
import Synod
import Testing
import UV

@testable import SynodJournal
@testable import SynodRuntime

/// Opening a data directory: whose it is, who has it, and what is left over in it.
@Suite struct DataDirectoryTests {
  let store = TestStore()

  func expectError(
    _ open: () throws -> DataDirectory, _ isExpected: (DataDirectoryError) -> Bool
  ) throws {
    do {
      _ = try open()
      Issue.record("opened")
    } catch let error as DataDirectoryError {
      #expect(isExpected(error), "\(error)")
    }
  }

  // MARK: Whose it is

  @Test func aNewDirectoryIsMadeWithItsParents() throws {
    let path = "\(store.directory.path)/a/b/c/"
    let directory = try DataDirectory.open(
      path, cluster: testCluster, voter: VoterID(1), options: store.options)
    #expect(directory.isNew)
    #expect(
      TemporaryDirectory.names(path) == ["LOCK", "MARK", "META0", "META1", "wal-0000000001.log"])
  }

  @Test(arguments: ["", "my log", "größe", String(repeating: "a", count: 33), "a\n"])
  func aProtocolThatCannotBeNamedMakesNoStore(_ name: String) throws {
    let path = "\(store.directory.path)/unnamed"
    try expectError({
      try DataDirectory.open(
        path, cluster: testCluster, voter: VoterID(1), machine: name, options: store.options)
    }) { error in
      if case .cannot(_, let reason) = error { reason.contains("protocol") } else { false }
    }
    #expect(TemporaryDirectory.names(path).isEmpty)
  }

  @Test func twoStoresNeverShareAnIdentity() throws {
    let other = TestStore()
    #expect(try store.open().store != other.open().store)
  }

  @Test func aStoreKeepsItsIdentityAndCountsItsLives() throws {
    let first = try store.open()
    let id = first.store
    #expect(first.identity.incarnation == 1)
    first.close()
    let second = try store.open()
    #expect(second.store == id && second.identity.incarnation == 2 && !second.isNew)
  }

  @Test func anotherVotersDirectoryIsRefusedAndBothAreNamed() throws {
    try store.live { life in life.commit([1]) }
    try expectError({ try store.open(voter: 2) }) { error in
      guard case .otherVoter(_, VoterID(1), VoterID(2)) = error else { return false }
      return error.description.contains("node 1") && error.description.contains("node 2")
    }
    #expect(try store.live() == [[1]])
  }

  @Test func anotherClustersDirectoryIsRefusedAndBothAreNamed() throws {
    try store.live { life in life.commit([1]) }
    let other = ClusterID(token: "other", voters: [VoterID(1)])
    try expectError({ try store.open(cluster: other) }) { error in
      guard case .otherCluster(_, testCluster, other) = error else { return false }
      return error.description.contains("\(testCluster)") && error.description.contains("\(other)")
    }
    #expect(try store.live() == [[1]])
  }

  // MARK: Who has it

  @Test func aSecondOpenerIsTurnedAway() throws {
    let first = try store.open()
    #expect(try StoreInspection(store.directory.path).isInUse)
    try expectError({ try store.open() }) { if case .inUse = $0 { true } else { false } }
    first.close()
    #expect(try !StoreInspection(store.directory.path).isInUse)
    _ = try store.open()
  }

  @Test func inspectionOfADirectoryInUseTouchesNothing() throws {
    let life = TestLife(try store.open())
    life.commit([1])
    let before = store.names.map { store.read(JournalFile(name: $0)!) }
    let survey = try store.inspect()
    #expect(survey.end.sequence == 2 && survey.verdict == .intact)
    #expect(store.names.map { store.read(JournalFile(name: $0)!) } == before)
    life.commit([2])
    life.directory.close()
    #expect(try store.live() == [[1], [2]])
  }

  @Test func aFileIsNoDirectory() throws {
    store.write(.ballast, [1])
    try expectError({
      try DataDirectory.open(
        store.path(.ballast), cluster: testCluster, voter: VoterID(1), options: store.options)
    }) { if case .cannot = $0 { true } else { false } }
  }

  // MARK: Superblocks

  @Test func oneDamagedSuperblockIsEnoughAndIsMended() throws {
    for slot in 0...1 {
      try store.live { life in
        life.commit([UInt8(slot)])
        life.journal.pin(VoterID(UInt32(slot) + 2), StoreID(Identity128(high: 1, low: 2)), token: 1)
        life.close()
      }
      store.write(.superblock(slot), at: 20, [0xff, 0xff])
      #expect(try store.inspect().damagedSuperblocks == [slot])
    }
    let directory = try store.open()
    #expect(directory.pinned(VoterID(2)) != nil && directory.pinned(VoterID(3)) != nil)
    directory.close()
    #expect(try store.inspect().damagedSuperblocks == [])
  }

  @Test func bothSuperblocksDamagedIsRefused() throws {
    try store.live { life in life.commit([1]) }
    store.write(.superblock(0), at: 20, [0xff, 0xff])
    store.write(.superblock(1), at: 4095, [0xff])
    let log = store.read(.log(1))
    try expectError({ try store.open() }) { error in
      guard case .noSuperblock(_, let files) = error else { return false }
      return files.contains(.log(1))
    }
    #expect(store.read(.log(1)) == log)
  }

  @Test func bothSuperblocksMissingIsRefused() throws {
    try store.live { life in life.commit([1]) }
    store.remove(.superblock(0))
    store.remove(.superblock(1))
    try expectError({ try store.open() }) { if case .noSuperblock = $0 { true } else { false } }
  }

  @Test func aNewerFormatIsRefusedAndNamed() throws {
    try store.live { life in life.commit([1]) }
    try store.rewriteSuperblock { superblock in
      superblock.format = 9
      superblock.minReaderFormat = 7
    }
    try expectError({ try store.open() }) { error in
      guard case .newerFormat(_, 7, 1) = error else { return false }
      return error.description.contains("format 7")
    }
  }

  @Test func aNewerFormatThatThisReaderMayReadIsRead() throws {
    try store.live { life in life.commit([1]) }
    try store.rewriteSuperblock { $0.format = 9 }
    #expect(try store.live() == [[1]])
  }

  @Test func aSuperblockThatPinsAVoterTwiceIsDamaged() throws {
    try store.live { life in life.commit([1]) }
    try store.rewriteSuperblock { superblock in
      superblock.pins = [1, 2].map {
        Superblock.Pin(voter: VoterID(2), store: StoreID(Identity128(high: 1, low: $0)))
      }
    }
    try expectError({ try store.open() }) { if case .noSuperblock = $0 { true } else { false } }
  }

  // MARK: What the system says

  @Test func whatTheSystemHasNoRoomForIsNoDamage() throws {
    try store.live { life in life.commit([1]) }
    let directory = try TestDirectory(store.directory.path)
    for code in [EMFILE, ENFILE, ENOMEM] {
      let failure = FileSource.failure(code, "open")
      #expect(failure.kind == .other)
      for file in [JournalFile.superblock(0), .log(1), .watermark] {
        let broken = BrokenSource(source: directory.source, file: file, page: 0, failure: failure)
        #expect(throws: Survey.Failure.unreadable(failure)) { try Survey(broken) }
      }
    }
    #expect(FileSource.failure(EIO, "read").kind == .unreadable)
  }

  // MARK: Leftovers

  @Test func copiesOfTornTailsDoNotPileUp() throws {
    for round in 1...8 {
      try store.live { life in
        life.commit([UInt8](repeating: UInt8(round), count: 5000))
        let log = JournalFile.log(life.journal.segment.generation)
        store.remove(.watermark)
        store.write(log, at: 4096, [UInt8](repeating: 0, count: 512))
      }
      let copies = try store.inspect().files.keys.compactMap { file -> UInt64? in
        if case .torn(_, let life) = file { life } else { nil }
      }
      #expect(copies.count == min(round - 1, 4))
      if round > 1 { #expect(copies.max() == UInt64(round)) }
    }
  }

  @Test func draftsAreRemoved() throws {
    try store.live { life in life.commit([1]) }
    store.write(.logDraft(9), [1, 2, 3])
    store.write(.checkpointDraft(4), [1, 2, 3])
    #expect(try store.live() == [[1]])
    #expect(!store.has(.logDraft(9)) && !store.has(.checkpointDraft(4)))
  }

  @Test func aDamagedCheckpointFallsBackOnTheOneBefore() throws {
    try store.live { life in
      life.commit([1])
      life.checkpoint([[100]])
      life.commit([2])
      life.checkpoint([[101], [102]])
      life.commit([3])
    }
    #expect(try store.live() == [[101], [102], [3]])
    store.write(.checkpoint(2), at: 60, [0xff, 0xff])
    let survey = try store.inspect()
    #expect(survey.chosen?.number == 1 && survey.checkpoints.last?.problem != nil)
    #expect(try store.live { life in life.checkpoint([[103]]) } == [[100], [2], [3]])
    // The damaged one goes once another is whole.
    #expect(!store.has(.checkpoint(2)) && store.has(.checkpoint(1)) && store.has(.checkpoint(3)))
    store.write(.checkpoint(3), at: 60, [0xff, 0xff])
    store.write(.checkpoint(1), at: 60, [0xff, 0xff])
    // The logs still reach back to the beginning.
    #expect(try store.live() == [[1], [2], [3]])
  }

  @Test func withoutAWholeCheckpointAndItsLogsTheStoreIsRefused() throws {
    for number in 0..<4 {
      try store.live { life in
        life.commit([UInt8(number)])
        life.checkpoint([[100 + UInt8(number)]])
      }
    }
    // Only the newest two are kept, and the logs that the older needs.
    #expect(store.names.filter { $0.hasPrefix("ckpt") }.count == 2)
    #expect(!store.has(.log(1)) && !store.has(.log(2)))
    for number in 3...4 { store.write(.checkpoint(UInt32(number)), at: 60, [0xff, 0xff]) }
    try expectError({ try store.open() }) { error in
      if case .damaged(_, .noCheckpoint(newest: 4)) = error { true } else { false }
    }
  }

  // MARK: Pins

  /// A superblock has room for so many, and identities come and go for ever.
  @Test func pinsOfVotersThatHaveLeftMakeRoomForOthers() throws {
    let peer = StoreID(Identity128(high: 3, low: 4))
    let loop = try Loop()
    let directory = try store.open()
    let storage = FileStorage(loop, directory)
    storage.start(StorageEvents(persisted: { _ in }, failed: { _ in }, ready: {}))
    func pin(_ voters: ClosedRange<UInt32>) -> [Bool] {
      var answers: [Bool] = []
      for voter in voters { directory.pin(VoterID(voter), peer) { answers.append($0) } }
      while answers.count < voters.count {
        loop.atTurn = { if answers.count == voters.count { loop.stop() } }
        loop.run()
      }
      return answers
    }
    let most = UInt32(Superblock.maxPins)
    #expect(pin(2...most + 1).allSatisfy { $0 })
    #expect(pin(500...500) == [false])
    directory.unpin { $0 < VoterID(100) }
    #expect(directory.pinned(VoterID(2)) == nil && directory.pinned(VoterID(100)) == peer)
    #expect(pin(500...550).allSatisfy { $0 })
    loop.close()
    directory.close()
    let again = try store.open()
    #expect(again.pinned(VoterID(2)) == nil && again.pinned(VoterID(99)) == nil)
    #expect(again.pinned(VoterID(100)) == peer && again.pinned(VoterID(550)) == peer)
    again.close()
  }

  @Test func aPinIsDurableWhenItIsAnswered() throws {
    let loop = try Loop()
    let directory = try store.open()
    let storage = FileStorage(loop, directory)
    storage.start(StorageEvents(persisted: { _ in }, failed: { _ in }, ready: {}))
    let peer = StoreID(Identity128(high: 3, low: 4))
    let other = StoreID(Identity128(high: 5, low: 6))
    var answers: [Bool] = []
    directory.pin(VoterID(2), peer) { answers.append($0) }
    directory.pin(VoterID(2), other) { answers.append($0) }
    #expect(directory.pinned(VoterID(2)) == nil, "not before it is durable")
    while answers.count < 2 {
      loop.atTurn = { if answers.count == 2 { loop.stop() } }
      loop.run()
    }
    #expect(answers.sorted { !$0 && $1 } == [false, true])
    #expect(directory.pinned(VoterID(2)) == peer)
    directory.pin(VoterID(2), other) { answers.append($0) }
    directory.pin(VoterID(2), peer) { answers.append($0) }
    #expect(answers.suffix(2) == [false, true])
    loop.close()
    directory.close()
    #expect(try store.open().pinned(VoterID(2)) == peer)
  }
}
