import Synod
import SynodConformance
import SynodJournal
@testable import SynodRuntime
import Testing
import UV

/// Small enough that logs roll over, blocks split and checkpoints pay within a test.
let smallJournal = JournalSettings(
  logBytes: 256 << 10, maxPayload: 60 << 10, checkpointAfter: 1 << 20, ballastBytes: 64 << 10,
  choreBytes: 32 << 10)

let testCluster = ClusterID(token: "test", voters: [VoterID(1), VoterID(2), VoterID(3)])

@Suite struct FileStorageConformanceTests {
  /// Stores in directories of their own; both go when the conformance does.
  static func conformance(
    in parent: String = "/tmp", _ options: FileStorage.Options
  ) -> StorageConformance {
    StorageConformance {
      let directory = TemporaryDirectory(in: parent)
      return { loop in
        FileStorage(
          loop,
          try DataDirectory.open(
            directory.path, cluster: testCluster, voter: VoterID(1), options: options))
      }
    }
  }

  static let rules = conformance(.init(journal: smallJournal)).rules.map(\.name)

  @Test(arguments: rules) func aFileStorageConforms(rule: String) throws {
    let rules = Self.conformance(.init(journal: smallJournal)).rules
    try rules.first { $0.name == rule }?.check()
  }

  @Test(arguments: rules, [WriteMode.synchronous, .separate])
  func aFileStorageConformsHoweverItWrites(rule: String, mode: WriteMode) throws {
    var options = FileStorage.Options(journal: smallJournal)
    options.mode = mode
    let rules = Self.conformance(options).rules
    try rules.first { $0.name == rule }?.check()
  }

  @Test(arguments: rules) func aFileStorageConformsInMemory(rule: String) throws {
    let rules = Self.conformance(in: "/dev/shm", .init(journal: smallJournal)).rules
    try rules.first { $0.name == rule }?.check()
  }
}
