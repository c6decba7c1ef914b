import Glibc
import Synod

@testable import SynodJournal
@testable import SynodRuntime

/// A store in a directory of a test's own, driven without a loop: every job is done at once.
final class TestStore {
  let directory: TemporaryDirectory
  var options: FileStorage.Options

  /// Logs of eight pages, blocks of at most four.
  static let tiny = JournalSettings(
    logBytes: 32 << 10, maxPayload: 12 << 10, checkpointAfter: 256 << 10, ballastBytes: 0,
    choreBytes: 16 << 10)

  init(in parent: String = "/dev/shm", _ settings: JournalSettings = TestStore.tiny) {
    directory = TemporaryDirectory(in: parent)
    options = FileStorage.Options(journal: settings)
  }

  func open(voter: UInt32 = 1, cluster: ClusterID = testCluster) throws -> DataDirectory {
    try DataDirectory.open(
      directory.path, cluster: cluster, voter: VoterID(voter), options: options)
  }

  /// One life: what it recovered, and then whatever `body` does.
  @discardableResult
  func live(_ body: (TestLife) throws -> Void = { _ in }) throws -> [[UInt8]] {
    let life = TestLife(try open())
    let found = try life.recovered()
    try body(life)
    return found
  }

  func inspect() throws -> Survey {
    try StoreInspection(directory.path).survey
  }

  // MARK: Bytes

  func path(_ file: JournalFile) -> String { "\(directory.path)/\(file.name)" }

  func has(_ file: JournalFile) -> Bool { access(path(file), F_OK) == 0 }

  func read(_ file: JournalFile) -> [UInt8] {
    let descriptor = Glibc.open(path(file), O_RDONLY)
    precondition(descriptor >= 0, "the file is there")
    defer { close(descriptor) }
    let size = Int(lseek(descriptor, 0, SEEK_END))
    var bytes = [UInt8](repeating: 0, count: size)
    let got = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, size, 0) }
    precondition(got == size, "the file can be read")
    return bytes
  }

  func write(_ file: JournalFile, at offset: Int = 0, _ bytes: [UInt8]) {
    let descriptor = Glibc.open(path(file), O_RDWR | O_CREAT, 0o644)
    precondition(descriptor >= 0, "the file can be opened")
    defer { close(descriptor) }
    let put = bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, off_t(offset)) }
    precondition(put == bytes.count, "the file can be written")
  }

  /// Changes what both slots say.
  func rewriteSuperblock(_ change: (inout Superblock) -> Void) throws {
    var superblock = try inspect().superblock
    change(&superblock)
    for _ in 0..<2 {
      superblock.sequence += 1
      let page = superblock.page()
      write(.superblock(Int(superblock.sequence % 2)), Array(page.bytes))
      withExtendedLifetime(page) {}
    }
  }

  func cut(_ file: JournalFile, to size: Int) {
    precondition(Glibc.truncate(path(file), off_t(size)) == 0, "the file can be cut")
  }

  func remove(_ file: JournalFile) { unlink(path(file)) }

  var names: [String] { TemporaryDirectory.names(directory.path) }
}

/// One life of a store; dropping it is a kill.
final class TestLife {
  let directory: DataDirectory
  var journal: Journal
  private(set) var last = PersistBatch.none
  private(set) var acknowledged = PersistBatch.none

  init(_ directory: DataDirectory) {
    self.directory = directory
    journal = Journal(directory.opening)
  }

  func recovered() throws -> [[UInt8]] {
    var found: [[UInt8]] = []
    try directory.survey?.forEachPayload(directory.source) { found.append(Array($1)) }
    return found
  }

  func append(_ bytes: [UInt8]) {
    last = last.next
    journal.append(last) { writer in bytes.withUnsafeBytes { writer.write(raw: $0) } }
  }

  func commit(_ bytes: [UInt8]) {
    append(bytes)
    run()
  }

  /// Runs both lanes until neither has anything to do.
  func run() {
    while true {
      let commit = journal.nextCommit()
      let chore = journal.nextChore()
      if let commit, let batch = journal.finishedCommit(directory.interpreter.perform(commit)) {
        acknowledged = batch
      }
      if let chore { journal.finishedChore(directory.interpreter.perform(chore)) }
      if commit == nil && chore == nil { return }
    }
  }

  func checkpoint(_ pieces: [[UInt8]]) {
    journal.beginCheckpoint()
    for piece in pieces {
      journal.appendPiece { writer in piece.withUnsafeBytes { writer.write(raw: $0) } }
      run()
    }
    journal.endCheckpoint()
    run()
  }

  /// A clean end.
  func close() {
    journal.close()
    run()
  }
}
