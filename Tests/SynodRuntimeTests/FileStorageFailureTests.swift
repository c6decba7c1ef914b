import Glibc
import Synod
import Synchronization
import Testing
import UV

@testable import SynodJournal
@testable import SynodRuntime

/// What a storage does where the disk does not do as it should.
@Suite struct FileStorageFailureTests {
  /// Fails operations once it is told to.
  final class Fault: Sendable {
    private let failing = Mutex<FileFailure?>(nil)
    private let seen = Mutex(0)

    func begin(_ failure: FileFailure?) { failing.withLock { $0 = failure } }

    /// Operations that failed so far.
    var count: Int { seen.withLock { $0 } }

    func check(_ operation: FileOperation, _ applies: (FileOperation) -> Bool) -> FileFailure? {
      guard applies(operation), let failure = failing.withLock({ $0 }) else { return nil }
      seen.withLock { $0 += 1 }
      return failure
    }
  }

  /// A storage on a loop, with what it said.
  final class Rig {
    let loop: Loop
    let storage: FileStorage
    var acknowledged: [UInt64] = []
    var failures: [String] = []
    private var batch = PersistBatch.none

    init(_ store: TestStore) throws {
      loop = try Loop()
      storage = FileStorage(loop, try store.open())
      storage.start(
        StorageEvents(
          persisted: { [unowned self] in acknowledged.append($0.rawValue) },
          failed: { [unowned self] in failures.append($0) }, ready: {}))
    }

    func append(_ bytes: [UInt8]) {
      batch = batch.next
      storage.append(batch) { writer in bytes.withUnsafeBytes { writer.write(raw: $0) } }
      storage.flush()
    }

    func run(until holds: @escaping () -> Bool) {
      let timer = Timer(loop) { [loop] in loop.stop() }
      timer.start(after: 120_000)
      loop.atTurn = { [loop] in if holds() { loop.stop() } }
      if !holds() { loop.run() }
      timer.close()
      loop.atTurn = nil
      #expect(holds())
    }

    func close() {
      var isDone = false
      storage.close { isDone = true }
      run { isDone }
      loop.close()
    }
  }

  @Test func aFailedCommitIsFinal() throws {
    let store = TestStore()
    let fault = Fault()
    store.options.fault = { operation in
      fault.check(operation) { if case .commit = $0 { true } else { false } }
    }
    let rig = try Rig(store)
    rig.append([1])
    rig.run { rig.acknowledged == [1] }
    fault.begin(FileFailure(.other, "commit: Input/output error"))
    rig.append([2])
    rig.append([3])
    rig.run { !rig.failures.isEmpty }
    // The disk seems well again; it is not believed.
    fault.begin(nil)
    rig.append([4])
    rig.close()
    #expect(rig.acknowledged == [1])
    #expect(rig.failures == ["commit: Input/output error"])
    #expect(fault.count == 1, "no retry")
    #expect(try !store.inspect().superblock.isClean)
    let found = try store.live()
    #expect(found == [[1]])
  }

  /// Also where the disk is full, since after a failed sync a second one may say that all is well.
  @Test func aFullDiskAtACommitIsFinal() throws {
    let store = TestStore()
    let fault = Fault()
    store.options.fault = { operation in
      fault.check(operation) { if case .commit = $0 { true } else { false } }
    }
    let rig = try Rig(store)
    fault.begin(FileFailure(.noSpace, "commit: No space left on device"))
    rig.append([2])
    rig.run { !rig.failures.isEmpty }
    fault.begin(nil)
    rig.append([3])
    rig.close()
    #expect(rig.acknowledged.isEmpty && rig.failures.count == 1)
    #expect(try !store.inspect().superblock.isClean)
  }

  @Test func aFailedSuperblockIsFinalAndItsPinIsNotAnswered() throws {
    let store = TestStore()
    let fault = Fault()
    store.options.fault = { operation in
      fault.check(operation) { if case .sync(.superblock) = $0 { true } else { false } }
    }
    let rig = try Rig(store)
    fault.begin(FileFailure(.other, "sync META: Input/output error"))
    var answer: Bool?
    rig.storage.pin(VoterID(2), StoreID(Identity128(high: 1, low: 1)), life: 1) { answer = $0 }
    rig.run { answer != nil }
    #expect(answer == false && rig.failures.count == 1)
    rig.append([1])
    rig.close()
    #expect(rig.acknowledged.isEmpty)
  }

  @Test func aFailedCheckpointLeavesTheLog() throws {
    let store = TestStore()
    let fault = Fault()
    store.options.fault = { operation in
      fault.check(operation) { if case .verify = $0 { true } else { false } }
    }
    let rig = try Rig(store)
    rig.append([1])
    rig.run { rig.acknowledged == [1] }
    fault.begin(FileFailure(.mismatch, "what was read back is not what was written"))
    rig.storage.beginCheckpoint()
    rig.storage.appendPiece { $0.write(UInt8(9)) }
    rig.storage.endCheckpoint()
    rig.run { rig.storage.statistics.checkpointFailure != nil }
    fault.begin(nil)
    rig.append([2])
    rig.run { rig.acknowledged == [1, 2] }
    #expect(rig.failures.isEmpty && rig.storage.statistics.checkpoints == 0)
    rig.storage.beginCheckpoint()
    rig.storage.appendPiece { $0.write(UInt8(9)) }
    rig.storage.endCheckpoint()
    rig.run { rig.storage.statistics.checkpoints == 1 }
    #expect(rig.storage.statistics.checkpointFailure == nil)
    rig.close()
    #expect(try store.live() == [[9]])
    #expect(store.names.filter { $0.hasSuffix(".tmp") } == [])
  }

  /// A disk that is really full: a small file system of its own.
  @Test(.enabled(if: mayMount)) func aFullDiskStopsProposalsAndNotVotes() throws {
    let mountPoint = TemporaryDirectory()
    try #require(mount("tmpfs", mountPoint.path, "tmpfs", 0, "size=400k") == 0)
    defer { umount2(mountPoint.path, Int32(MNT_DETACH)) }
    let store = TestStore(
      in: mountPoint.path,
      JournalSettings(
        logBytes: 128 << 10, maxPayload: 4 << 10, checkpointAfter: 1 << 30,
        ballastBytes: 64 << 10, choreBytes: 16 << 10))
    let rig = try Rig(store)
    var number = 0
    func commit() {
      number += 1
      rig.append([UInt8](repeating: UInt8(number % 255 + 1), count: 3000))
      let expected = UInt64(number)
      rig.run { rig.acknowledged.last == expected }
    }
    commit()
    // It is made beside the commits.
    rig.run { store.has(.ballast) }
    commit()
    #expect(!rig.storage.isLowOnSpace)
    // Someone else takes what is left.
    let hog = TestStore(in: mountPoint.path)
    hog.fillUp()
    while !rig.storage.isLowOnSpace {
      commit()
      // The next log is made beside the commits, and has to be found out of space early.
      var isLate = false
      let timer = Timer(rig.loop) { isLate = true }
      timer.start(after: 500)
      rig.run { isLate || rig.storage.isLowOnSpace }
      timer.close()
    }
    // Votes go on, in this log and in the one that the ballast makes room for.
    let before = number
    while number < before + 20 || (store.has(.ballast) && number < before + 200) { commit() }
    #expect(rig.failures.isEmpty && !store.has(.ballast))
    // Nothing is acknowledged that has no room; it waits.
    var waiting = 0
    while rig.acknowledged.last == UInt64(number), waiting < 200 {
      waiting += 1
      number += 1
      rig.append([UInt8](repeating: UInt8(number % 255 + 1), count: 3000))
      let expected = UInt64(number)
      var isLate = false
      let timer = Timer(rig.loop) { isLate = true }
      timer.start(after: 200)
      rig.run { isLate || rig.acknowledged.last == expected }
      timer.close()
    }
    #expect(rig.acknowledged.last == UInt64(number - 1) && rig.failures.isEmpty)
    // Space comes back.
    hog.remove(.ballast)
    rig.run { rig.acknowledged.last == UInt64(number) && !rig.storage.isLowOnSpace }
    commit()
    rig.close()
    #expect(rig.failures.isEmpty)
    #expect(try store.live().count == number)
  }
}

extension FileStorageFailureTests {
  @Test(.enabled(if: mayMount)) func aNodeThatStartsOnAFullDiskVotesInTheReserve() throws {
    let mountPoint = TemporaryDirectory()
    try #require(mount("tmpfs", mountPoint.path, "tmpfs", 0, "size=600k") == 0)
    defer { umount2(mountPoint.path, Int32(MNT_DETACH)) }
    let store = TestStore(
      in: mountPoint.path,
      JournalSettings(
        logBytes: 128 << 10, maxPayload: 4 << 10, checkpointAfter: 1 << 30,
        ballastBytes: 64 << 10, choreBytes: 16 << 10))
    try store.live { life in
      for number in 1...20 { life.commit([UInt8](repeating: UInt8(number), count: 3000)) }
    }
    #expect(store.has(.ballast))
    let hog = TestStore(in: mountPoint.path)
    // The log that was prepared meanwhile, and that the next life would go on in.
    store.remove(.log(2))
    hog.fillUp()
    let rig = try Rig(store)
    #expect(rig.storage.isLowOnSpace && !store.has(.ballast))
    rig.append([1])
    rig.run { rig.acknowledged == [1] }
    hog.remove(.ballast)
    rig.run { !rig.storage.isLowOnSpace }
    #expect(store.has(.ballast))
    rig.close()
    #expect(try store.live().count == 21)
  }
}

extension TestStore {
  /// Takes all the space that is left on the file system.
  func fillUp() {
    let descriptor = Glibc.open(path(.ballast), O_RDWR | O_CREAT, 0o644)
    defer { Glibc.close(descriptor) }
    let page = [UInt8](repeating: 1, count: 4096)
    while Glibc.write(descriptor, page, 4096) > 0 {}
  }
}
