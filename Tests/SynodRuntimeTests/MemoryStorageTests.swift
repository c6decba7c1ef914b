import Synod
import SynodConformance
import SynodRuntime
import Testing
import UV

@Suite struct MemoryStorageTests {
  static func conformance(syncMilliseconds: UInt64) -> StorageConformance {
    StorageConformance {
      let disk = MemoryDisk()
      return { loop in
        MemoryStorage(loop, disk: disk, syncMilliseconds: syncMilliseconds, checkpointEvery: 20)
      }
    }
  }

  static let rules = conformance(syncMilliseconds: 0).rules.map(\.name)

  @Test(arguments: rules) func aMemoryStorageConforms(rule: String) throws {
    let rules = Self.conformance(syncMilliseconds: 0).rules
    try rules.first { $0.name == rule }?.check()
  }

  @Test(arguments: rules) func aSlowMemoryStorageConforms(rule: String) throws {
    let rules = Self.conformance(syncMilliseconds: 1).rules
    try rules.first { $0.name == rule }?.check()
  }

  /// Appends three batches, of which the first is synced.
  func written(to disk: MemoryDisk) throws {
    let loop = try Loop()
    let storage = MemoryStorage(loop, disk: disk, syncMilliseconds: 5)
    try storage.recover { _ in }
    var persisted: [PersistBatch] = []
    storage.start(
      StorageEvents(
        persisted: {
          persisted.append($0)
          loop.stop()
        }, failed: { _ in Issue.record("a sync failed") }, ready: {}))
    storage.append(PersistBatch(1)) { $0.write(UInt8(1)) }
    storage.flush()
    for number in UInt8(2)...3 {
      storage.append(PersistBatch(UInt64(number))) { $0.write(number) }
    }
    loop.run()
    #expect(persisted == [PersistBatch(1)])
    loop.close()
  }

  @Test(arguments: 0...3) func aPowerCutLosesASuffixOfWhatWasNotSynced(kept: Int) throws {
    let disk = MemoryDisk()
    try written(to: disk)
    #expect(disk.unsyncedCount == 2)
    disk.crash(keepingUnsynced: kept)
    var found: [UInt8] = []
    try MemoryStorage(try Loop(), disk: disk).recover { found += $0.array }
    #expect(found == Array([1, 2, 3].prefix(1 + kept)))
  }

  @Test func aStorageThatWasFencedWritesAndAcknowledgesNothing() throws {
    let disk = MemoryDisk()
    let loop = try Loop()
    let old = MemoryStorage(loop, disk: disk)
    try old.recover { _ in }
    old.start(
      StorageEvents(
        persisted: { _ in Issue.record("acknowledged") }, failed: { _ in Issue.record("failed") },
        ready: {}))
    let new = MemoryStorage(loop, disk: disk)
    try new.recover { _ in }
    old.append(PersistBatch(1)) { $0.write(UInt8(1)) }
    old.flush()
    loop.run()
    #expect(disk.batchCount == 0)
    var closed = false
    old.close { closed = true }
    loop.run()
    #expect(closed)
  }
}
