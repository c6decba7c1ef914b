import Glibc
import Synchronization
import Synod
import Testing
import UV

@testable import SynodJournal
@testable import SynodRuntime

/// Whether a test may mount a file system of its own; where not, the tests that need one are reported
/// as skipped.
let mayMount: Bool = {
  let mountPoint = TemporaryDirectory()
  guard mount("tmpfs", mountPoint.path, "tmpfs", 0, "size=100k") == 0 else { return false }
  umount2(mountPoint.path, Int32(MNT_DETACH))
  return true
}()

/// A disk that is full, in small file systems of the tests' own.
@Suite struct FullDiskTests {
  static let settings = JournalSettings(
    logBytes: 128 << 10, maxPayload: 4 << 10, checkpointAfter: 1 << 30, ballastBytes: 64 << 10,
    choreBytes: 16 << 10)

  /// A file system that is full but for a few pages.
  final class SmallDisk {
    let mountPoint = TemporaryDirectory()
    let store: TestStore
    private let hog: TestStore

    init?(kilobytes: Int) {
      guard mount("tmpfs", mountPoint.path, "tmpfs", 0, "size=\(kilobytes)k") == 0 else {
        return nil
      }
      store = TestStore(in: mountPoint.path, FullDiskTests.settings)
      hog = TestStore(in: mountPoint.path)
    }

    deinit { umount2(mountPoint.path, Int32(MNT_DETACH)) }

    var free: Int {
      var status = statvfs()
      return statvfs(mountPoint.path, &status) == 0
        ? Int(status.f_bavail) * Int(status.f_bsize) : 0
    }

    /// Somebody else takes what there is, but for so many bytes.
    func fill(leaving left: Int) {
      let descriptor = Glibc.open(hog.path(.ballast), O_RDWR | O_CREAT | O_APPEND, 0o644)
      defer { close(descriptor) }
      let page = [UInt8](repeating: 1, count: 4096)
      while free > left, write(descriptor, page, 4096) > 0 {}
    }

    func giveBack() { hog.remove(.ballast) }
  }

  @Test(.enabled(if: mayMount)) func aNodeIsStartedAgainAndAgainOnAFullDisk() throws {
    let disk = try #require(SmallDisk(kilobytes: 400))
    let store = disk.store
    var committed = 1
    try store.live { life in life.commit([1]) }
    disk.fill(leaving: 40 << 10)
    try store.live { life in
      for byte in 2...13 { life.commit([UInt8](repeating: UInt8(byte), count: 3000)) }
      let isLow = life.journal.isLowOnSpace
      #expect(isLow)
      committed += Int(life.acknowledged.rawValue)
    }
    for attempt in 1...5 {
      let directory = try store.open()
      let life = TestLife(directory)
      #expect(try life.recovered().count == committed, "attempt \(attempt)")
      directory.close()
      disk.fill(leaving: 0)
    }
    #expect(store.names.filter { $0.hasSuffix(".tmp") } == [])
    disk.giveBack()
    try store.live { life in
      life.commit([14])
      life.journal.retrySpace()
      life.run()
      let isLow = life.journal.isLowOnSpace
      #expect(!isLow)
    }
    #expect(try store.live().count == committed + 1)
  }

  /// Attempts that failed for good leave nothing that makes the next one worse.
  @Test func aFailedStartLeavesNothingBehind() throws {
    let store = TestStore(in: "/dev/shm", Self.settings)
    try store.live { life in life.commit([1]) }
    for file in [JournalFile.log(2), .ballast] { store.remove(file) }
    let before = store.names
    store.options.fault = { operation in
      if case .sync(.logDraft) = operation { FileFailure(.noSpace, "full") } else { nil }
    }
    for _ in 0..<3 {
      #expect(throws: DataDirectoryError.self) { try store.open() }
      #expect(store.names == before)
    }
    store.options.fault = nil
    #expect(try store.live() == [[1]])
  }

  @Test(.enabled(if: mayMount)) func aTornTailIsRepairedWithoutItsCopyWhereThereIsNoRoomForIt()
    throws
  {
    let disk = try #require(SmallDisk(kilobytes: 600))
    let store = disk.store
    try store.live { life in
      life.commit([1])
      life.commit([UInt8](repeating: 2, count: 9000))
    }
    store.remove(.watermark)
    let blocks = LogLayout(store.read(.log(1))).blocks
    let last = try #require(blocks.last)
    store.write(.log(1), at: last.offset, [UInt8](repeating: 0, count: 512))
    store.write(.watermark, [UInt8](repeating: 0, count: 4096))
    disk.fill(leaving: 0)
    for _ in 0..<3 { #expect(try store.live() == [[1]]) }
    #expect(store.names.filter { $0.contains("torn") } == [])
  }

  @Test(.enabled(if: mayMount)) func aFullDiskDoesNotChangeHowItIsWritten() throws {
    let disk = try #require(SmallDisk(kilobytes: 600))
    let store = disk.store
    let before = try store.open()
    let mode = before.interpreter.mode
    #expect(mode != .separate)
    before.close()
    disk.fill(leaving: 0)
    #expect(try store.open().interpreter.mode == mode)
  }

  /// Zeros up to the end of the disk, once a second, would take from others what little is left.
  @Test func withoutSpaceNothingIsAttempted() throws {
    let store = TestStore(in: "/dev/shm", Self.settings)
    let isFull = Mutex(false)
    let attempts = Mutex(0)
    let looks = Mutex(0)
    store.options.retryMilliseconds = 1
    store.options.fault = { operation in
      guard case .fill = operation, isFull.withLock({ $0 }) else { return nil }
      attempts.withLock { $0 += 1 }
      return FileFailure(.noSpace, "full")
    }
    store.options.freeBytes = {
      looks.withLock { $0 += 1 }
      return isFull.withLock { $0 } ? 4096 : 1 << 30
    }
    let rig = try FileStorageFailureTests.Rig(store)
    isFull.withLock { $0 = true }
    var number: UInt64 = 0
    while !rig.storage.isLowOnSpace {
      number += 1
      rig.append([UInt8](repeating: 1, count: 3000))
      let expected = number
      rig.run { rig.acknowledged.last == expected }
    }
    let before = attempts.withLock { $0 }
    let looked = looks.withLock { $0 }
    rig.run { looks.withLock { $0 } >= looked + 20 }
    #expect(attempts.withLock { $0 } == before)
    isFull.withLock { $0 = false }
    rig.run { !rig.storage.isLowOnSpace }
    rig.close()
  }

  @Test func aClosedStoreLooksForSpaceNoMore() throws {
    let store = TestStore(in: "/dev/shm", Self.settings)
    let isFull = Atomic(false)
    let looks = Atomic(0)
    store.options.retryMilliseconds = 1
    store.options.fault = { operation in
      guard case .fill = operation, isFull.load(ordering: .relaxed) else { return nil }
      return FileFailure(.noSpace, "full")
    }
    store.options.freeBytes = {
      looks.add(1, ordering: .relaxed)
      return 4096
    }
    let rig = try FileStorageFailureTests.Rig(store)
    isFull.store(true, ordering: .relaxed)
    var number: UInt64 = 0
    while !rig.storage.isLowOnSpace {
      number += 1
      rig.append([UInt8](repeating: 1, count: 3000))
      let expected = number
      rig.run { rig.acknowledged.last == expected }
    }
    var isDone = false
    rig.storage.close { isDone = true }
    rig.run { isDone }
    let before = looks.load(ordering: .relaxed)
    var isOver = false
    let timer = Timer(rig.loop) { isOver = true }
    timer.start(after: 50)
    rig.run { isOver }
    #expect(looks.load(ordering: .relaxed) == before)
    rig.loop.close()
  }

  /// A quota does not show in what the file system has left.
  @Test func attemptsInVainBecomeFewer() {
    var watch = SpaceWatch()
    var attempts = 0
    for _ in 0..<1000 where watch.isDue() {
      watch.looked(andTries: true)
      attempts += 1
    }
    #expect((15...30).contains(attempts))
    var other = SpaceWatch()
    for _ in 0..<1000 {
      let isDue = [other.isDue(), other.isDue()]
      #expect(isDue == [true, false])
      other.looked(andTries: false)
    }
  }
}
