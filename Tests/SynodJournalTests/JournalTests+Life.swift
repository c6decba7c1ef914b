import Synod
import SynodSimulation
import Testing

@testable import SynodJournal

extension JournalTests {
  /// A journal on the disk, and what was said by it.
  final class Life {
    let disk: SimulatedDisk
    var journal: Journal
    var events: [JournalEvent] = []
    var acknowledged: [UInt64] = []
    private var batch = PersistBatch.none

    init(_ disk: SimulatedDisk, _ settings: JournalSettings = JournalTests.settings) throws {
      self.disk = disk
      let opening: Opening
      let isNew = try disk.files().isEmpty
      if !isNew {
        opening = try Opening(try Survey(disk), settings: settings)
      } else {
        opening = Opening(
          creating: Superblock(
            cluster: ClusterID(token: "", voters: []), voter: VoterID(1),
            store: StoreID(Identity128(high: 1, low: 2))), settings: settings)
      }
      for job in opening.jobs { #expect(disk.perform(job) == nil) }
      journal = Journal(opening)
    }

    // Macros of tests take copies; a journal has none.
    var superblock: Superblock { journal.superblock }
    var failure: String? { journal.failure }
    var queuedBytes: Int { journal.queuedBytes }
    var isLowOnSpace: Bool { journal.isLowOnSpace }
    var wantsCheckpoint: Bool { journal.wantsCheckpoint }
    var isReadyForPiece: Bool { journal.isReadyForPiece }
    func nextCommit() -> FileJob? { journal.nextCommit() }
    func finishedCommit(_ job: FileJob) -> PersistBatch? {
      journal.finishedCommit(disk.perform(job))
    }

    func append(_ count: Int) {
      batch = batch.next
      journal.append(batch) { writer in for _ in 0..<count { writer.write(UInt8(7)) } }
    }

    /// One step of each lane; false where both rest.
    func step() -> Bool {
      let commit = journal.nextCommit()
      let chore = journal.nextChore()
      if let commit, let batch = journal.finishedCommit(disk.perform(commit)) {
        acknowledged.append(batch.rawValue)
      }
      if let chore { journal.finishedChore(disk.perform(chore)) }
      events += journal.events
      journal.events.removeAll()
      return commit != nil || chore != nil
    }

    func run() { while step() {} }
  }
}

extension FileOperation {
  func isRenaming(_ file: JournalFile) -> Bool {
    if case .rename(file, _) = self { true } else { false }
  }

  /// Files that it touches.
  var files: [JournalFile] {
    switch self {
    case .create(let file), .fill(let file, _, _), .commit(let file, _, _),
      .write(let file, _, _), .note(let file, _, _), .truncate(let file, _), .sync(let file),
      .unlink(let file), .verify(let file, _, _, _):
      [file]
    case .copy(let file, _, _, let target), .rename(let file, let target): [file, target]
    case .syncDirectory: []
    }
  }
}

extension FileOperation {
  /// Whether a full disk is no surprise to whoever asked for it.
  var mayFindNoSpace: Bool {
    switch self {
    case .fill, .sync(.logDraft), .sync(.ballast), .sync(.checkpointDraft),
      .verify(.checkpointDraft, _, _, _), .verify(.checkpoint, _, _, _),
      .write(.checkpointDraft, _, _), .rename(.checkpointDraft, _):
      true
    default: false
    }
  }
}
