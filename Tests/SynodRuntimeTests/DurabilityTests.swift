import Glibc
import Synod
import Synchronization
import Testing
import UV

@testable import SynodJournal
@testable import SynodRuntime

/// That what is called durable was handed to the disk: by the flags of the descriptor that wrote it,
/// or by a sync behind it. A test that reads back what it wrote sees no difference.
@Suite struct DurabilityTests {
  let store = TestStore(in: "/tmp")

  /// What was synced, by its path, as a test's own sync sees it.
  final class Syncs: Sendable {
    private let seen = Mutex<[String]>([])

    var paths: [String] { seen.withLock { $0 } }

    func sync(_ descriptor: Int32, _ what: FileSync) -> Int32 {
      let path = descriptorPath(descriptor)
      seen.withLock { $0.append(path) }
      return systemSync(descriptor, what)
    }

    func forget() { seen.withLock { $0 = [] } }
  }

  func options(_ mode: WriteMode?, _ syncs: Syncs) {
    store.options.mode = mode
    store.options.sync = { syncs.sync($0, $1) }
  }

  /// The flags of every descriptor of this process that is open on a file.
  func flags(of path: String) -> [Int32] {
    TemporaryDirectory.names("/proc/self/fd").compactMap { Int32($0) }
      .filter { descriptorPath($0) == path }.map { fcntl($0, F_GETFL) }
  }

  @Test(arguments: [WriteMode.direct, .synchronous, .separate])
  func aCommitIsDurableWhenItIsAcknowledged(mode: WriteMode) throws {
    let syncs = Syncs()
    options(mode, syncs)
    let life = TestLife(try store.open())
    life.append([1])
    syncs.forget()
    let next = life.journal.nextCommit()
    let commit = try #require(next)
    #expect(life.directory.interpreter.perform(commit) == nil)
    let log = store.path(.log(1))
    let flags = flags(of: log)
    #expect(flags.count == 1)
    for flags in flags {
      // The flag's other bit is for the file's attributes too; both stand for a sync of the data.
      #expect(flags & O_DSYNC != 0 || mode == .separate)
      #expect((flags & O_DIRECT != 0) == (mode == .direct))
    }
    #expect(syncs.paths == (mode == .separate ? [log] : []))
    let acknowledged = life.journal.finishedCommit(nil)
    #expect(acknowledged == PersistBatch(1))
  }

  /// What recovery reads may be in the page cache only, after a kill.
  @Test func everythingIsSyncedBeforeItIsRead() throws {
    try store.live { life in
      life.commit([1])
      life.checkpoint([[2]])
      life.commit([3])
    }
    let syncs = Syncs()
    let isFirst = Mutex(true)
    let atFirst = Mutex<[String]>([])
    options(nil, syncs)
    store.options.fault = { operation in
      if case .sync = operation { return nil }
      if case .syncDirectory = operation { return nil }
      // The first that is no sync: by then the store was read.
      let isNow = isFirst.withLock { first in
        defer { first = false }
        return first
      }
      if isNow { atFirst.withLock { $0 = syncs.paths } }
      return nil
    }
    #expect(try store.live() == [[2], [3]])
    let found = Set(atFirst.withLock { $0 })
    for file in [
      JournalFile.superblock(0), .superblock(1), .log(1), .checkpoint(1), .watermark,
    ] { #expect(found.contains(store.path(file)), "\(file)") }
    #expect(found.contains(store.directory.path))
  }

  /// A kill may have come between the making of the directory and the sync of its parent.
  @Test func theNameOfADirectoryThatIsThereIsDurableToo() throws {
    let syncs = Syncs()
    options(nil, syncs)
    _ = try store.open()
    #expect(syncs.paths.contains("/tmp"))
    syncs.forget()
    _ = try store.open()
    #expect(syncs.paths.first == "/tmp")
  }

  @Test func checkpointsSuperblocksAndNewLogsAreSynced() throws {
    let syncs = Syncs()
    options(nil, syncs)
    let life = TestLife(try store.open())
    syncs.forget()
    for byte in 1...4 { life.commit([UInt8](repeating: UInt8(byte), count: 3000)) }
    life.checkpoint([[2]])
    let names = syncs.paths.map { String($0.split(separator: "/").last ?? "") }
    #expect(names.contains("wal-0000000002.tmp"))
    #expect(names.contains("ckpt-0000000001.tmp"))
    #expect(names.suffix(2) == ["META1", "META0"] || names.suffix(2) == ["META0", "META1"])
    #expect(syncs.paths.contains(store.directory.path))
  }
}

/// Where a descriptor of this process leads.
private func descriptorPath(_ descriptor: Int32) -> String {
  var buffer = [CChar](repeating: 0, count: 4096)
  let count = readlink("/proc/self/fd/\(descriptor)", &buffer, buffer.count)
  return String(decoding: buffer.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
