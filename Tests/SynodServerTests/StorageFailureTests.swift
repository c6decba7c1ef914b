import Glibc
import Logging
import Synchronization
import Synod
import SynodJournal
import SynodRuntime
import Testing
import UV

@testable import SynodServer

/// Whether a disk fails from now on.
private final class Fault: Sendable {
  let kind = Mutex<FileFailure.Kind?>(nil)

  func failure(of operation: FileOperation) -> FileFailure? {
    kind.withLock { kind in kind.map { FileFailure($0, "commit: Input/output error") } }
  }
}

/// A cluster on real files, whose first node's disk can be made to fail.
private func withCluster(_ body: (TestCluster, Fault, Lines) throws -> Void) throws {
  var template = Array("/tmp/synod-test-XXXXXX".utf8CString)
  try #require(mkdtemp(&template) != nil)
  let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  defer { removeTree(path) }
  let (fault, log) = (Fault(), Lines())
  let cluster = try TestCluster(log: Logger(label: "test") { _ in log }) {
    $0.requestTimeout = 2000
  } storage: { loop, voter, cluster in
    var options = FileStorage.Options()
    if voter == VoterID(1) { options.fault = { fault.failure(of: $0) } }
    return FileStorage(
      loop,
      try DataDirectory.open(
        "\(path)/node\(voter)", cluster: cluster, voter: voter, options: options))
  }
  try body(cluster, fault, log)
}

@Test func aNodeWhoseDiskFailsSaysSoAndTheOthersGoOn() throws {
  try withCluster { cluster, fault, log in
    let client = try cluster.client(1)
    for number in 0..<20 { #expect(try client.ask("SET", "k\(number)", "v") == .text("OK")) }
    fault.kind.withLock { $0 = .other }
    // The first ones may be decided by the others' disks; then the node knows.
    var errors: [String] = []
    for _ in 0..<1000 where errors.count < 3 {
      if case .error(let error) = try client.ask("SET", "k0", "w") { errors.append(error) }
    }
    #expect(errors.count == 3)
    for error in errors {
      #expect(error.hasPrefix("UNKNOWN ") || error.hasPrefix("TRYAGAIN "), "\(error)")
    }
    #expect(
      errors.last
        == "TRYAGAIN the storage of this node failed, use another node; nothing was changed")
    // A read is refused as well: this node may not know what it promised.
    #expect(
      try client.ask("GET", "k1")
        == .error("TRYAGAIN the storage of this node failed, use another node; nothing was changed")
    )
    guard case .text(let info) = try client.ask("INFO") else {
      Issue.record("there is a text")
      return
    }
    #expect(info.contains("state:storage_failed\r\n") && info.contains("storage_failure:commit"))
    #expect(log.lines.contains { $0.hasPrefix("critical the store failed") })
    // It looks well again, and is not believed.
    fault.kind.withLock { $0 = nil }
    guard case .error = try client.ask("SET", "k0", "x") else {
      Issue.record("a store that failed was used again")
      return
    }
    let other = try cluster.client(2)
    for number in 1..<20 {
      #expect(try other.ask("GET", "k\(number)") == .text("v"))
      #expect(try other.ask("SET", "k\(number)", "later") == .text("OK"))
    }
  }
}
