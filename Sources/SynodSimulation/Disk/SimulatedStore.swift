public import Synod
public import SynodJournal

/// What a store does at once, beside everything else: at most one thing in each lane is under way.
public enum StoreLane: Int, Hashable, Sendable, CaseIterable {
  /// Blocks of the log.
  case commits
  /// New logs, checkpoints, superblocks, removals: operation by operation.
  case chores
  /// The unsynced note behind a commit, once the log has come to rest.
  case notes
  /// A look for space, once a second while it is short.
  case space
}

/// One life of a store on a simulated disk: the real journal, driven as the real storage drives it,
/// in a world's own time.
///
/// After every input, and after every `finish`, a world asks each lane to `begin`; where that gives a
/// time, it calls `finish` of the lane that much later, unless a crash comes before.
public final class SimulatedStore {
  /// Where it is.
  public let disk: SimulatedDisk
  /// Whose it is, and which life.
  public let identity: Superblock
  /// What was found when it was opened; nil where it was made.
  public let survey: Survey?
  /// How long opening took, in microseconds.
  public let openingMicroseconds: UInt64
  /// What happened, in order; whoever handles it empties it. `failed` is final; `pinned` answers
  /// `pin`; `closed` ends the life.
  public var events: [JournalEvent] { journal.events }
  /// Whether the life is over, by a crash or a close.
  public private(set) var isOver = false

  private struct Work {
    var job: FileJob
    var next = 0
    var operation: FileOperation { job.operations[next] }
  }

  private enum Waiting { case note, space }

  private var journal: Journal
  private var commit: Work?
  private var chore: Work?
  /// A commit whose note was not written.
  private var unnoted: FileOperation?
  private var isNoting = false
  private var isLookingForSpace = false
  private var isClosing = false
  /// Whether notes come when the log rests, as where the kernel writes without a thread; else behind
  /// every commit.
  private let notesLate: Bool

  init(
    _ disk: SimulatedDisk, _ opening: Opening, survey: Survey?, microseconds: UInt64
  ) {
    self.disk = disk
    identity = opening.identity
    self.survey = survey
    openingMicroseconds = microseconds
    journal = Journal(opening)
    notesLate = disk.random.next() & 1 == 0
    disk.opened()
  }

  // MARK: Recovery

  /// Whether the store was made by this opening.
  public var isNew: Bool { survey == nil }

  /// Whether a write that was under way was cut off by this opening.
  public var wasTorn: Bool {
    if case .torn = survey?.verdict { true } else { false }
  }

  /// Whether recovery starts from a checkpoint.
  public var usesCheckpoint: Bool { survey?.chosen != nil }

  /// Gives the newest checkpoint's pieces, then every batch behind it. Before the first `append`.
  public func recover(_ restore: (PayloadOrigin, UnsafeRawBufferPointer) throws -> Void) throws {
    try survey?.forEachPayload(disk, restore)
  }

  // MARK: Batches, checkpoints, pins

  /// Takes a batch of records, behind all earlier ones.
  public func append(_ batch: PersistBatch, encode: (inout ByteWriter) -> Void) {
    journal.append(batch, encode: encode)
  }

  /// Whether the disk is full but for what votes need.
  public var isLowOnSpace: Bool { journal.isLowOnSpace }
  /// Bytes that wait to be committed.
  public var queuedBytes: Int { journal.queuedBytes }
  /// Why it stopped for good.
  public var failure: String? { journal.failure }
  /// Whether a checkpoint would pay.
  public var wantsCheckpoint: Bool { journal.wantsCheckpoint }
  /// Whether the next piece may be given.
  public var isReadyForPiece: Bool { journal.isReadyForPiece }
  /// Begins a checkpoint: batches appended from now on are replayed behind it.
  public func beginCheckpoint() { journal.beginCheckpoint() }
  /// Takes a piece of it.
  public func appendPiece(encode: (inout ByteWriter) -> Void) {
    journal.appendPiece(encode: encode)
  }
  /// Ends it.
  public func endCheckpoint() { journal.endCheckpoint() }

  /// The only store that may speak for a voter, as the superblock has it, durable or about to be.
  public func pinned(_ voter: VoterID) -> StoreID? { journal.superblock.pinned(voter) }

  /// Pins a voter to a store; `JournalEvent.pinned` with this token says when it is durable.
  public func pin(_ voter: VoterID, _ store: StoreID, token: UInt64) {
    journal.pin(voter, store, token: token)
  }

  /// Whether anything happened since the last call of `takeEvents`.
  public var hasEvents: Bool { !journal.events.isEmpty }

  /// Takes what happened since the last call.
  public func takeEvents() -> [JournalEvent] {
    if journal.events.isEmpty { return [] }
    let events = journal.events
    journal.events.removeAll()
    for event in events where event == .closed {
      isOver = true
      // What could not be marked is as after a crash.
      if journal.failure == nil { disk.closed() } else { disk.crash(.kill) }
    }
    return events
  }

  /// Commits what waits and marks a clean end; `JournalEvent.closed` says when.
  public func close() {
    isClosing = true
    journal.close()
  }

  // MARK: Lanes

  /// Begins what a lane has to do.
  /// - Returns: how long it takes, in microseconds; nil where there is nothing, or where it is under
  ///   way.
  public func begin(_ lane: StoreLane) -> UInt64? {
    if isOver { return nil }
    switch lane {
    case .commits: return beginCommit()
    case .chores: return beginChore()
    case .notes:
      guard unnoted != nil, !isNoting, !isClosing else { return nil }
      isNoting = true
      return 20_000
    case .space:
      guard journal.isLowOnSpace, !isLookingForSpace, !isClosing else { return nil }
      isLookingForSpace = true
      return 1_000_000
    }
  }

  private func beginCommit() -> UInt64? {
    guard commit == nil, var job = journal.nextCommit() else { return nil }
    if notesLate {
      unnoted = job.operations.last
      job.operations.removeLast()
    }
    let work = Work(job: job)
    commit = work
    return disk.microseconds(for: work.operation)
  }

  private func beginChore() -> UInt64? {
    guard chore == nil, let job = journal.nextChore() else { return nil }
    let work = Work(job: job)
    chore = work
    return disk.microseconds(for: work.operation)
  }

  /// What a lane is doing, for people and for counting.
  public func underWay(_ lane: StoreLane) -> FileOperation? {
    switch lane {
    case .commits: commit?.operation
    case .chores: chore?.operation
    case .notes: isNoting ? unnoted : nil
    case .space: nil
    }
  }

  /// The time is up that `begin` or `finish` gave.
  /// - Returns: up to which batch everything is durable, where that is news; and how long the lane
  ///   goes on, in microseconds, where what it began has another operation.
  public func finish(_ lane: StoreLane) -> (persisted: PersistBatch?, goesOn: UInt64?) {
    if isOver { return (nil, nil) }
    switch lane {
    case .commits: return finishCommit()
    case .chores: return (nil, finishChore())
    case .notes: finishNote()
    case .space:
      isLookingForSpace = false
      if disk.freeBytes >= journal.bytesToRetry { journal.retrySpace() }
    }
    return (nil, nil)
  }

  private func finishCommit() -> (PersistBatch?, UInt64?) {
    guard var work = commit else { preconditionFailure("a commit is under way") }
    let failure = disk.perform(work.operation)
    work.next += 1
    if failure == nil, work.next < work.job.operations.count {
      commit = work
      return (nil, disk.microseconds(for: work.operation))
    }
    commit = nil
    if failure != nil { unnoted = nil }
    return (journal.finishedCommit(failure), nil)
  }

  private func finishChore() -> UInt64? {
    guard var work = chore else { preconditionFailure("a chore is under way") }
    let failure = disk.perform(work.operation)
    work.next += 1
    if failure == nil, work.next < work.job.operations.count {
      chore = work
      return disk.microseconds(for: work.operation)
    }
    chore = nil
    journal.finishedChore(failure)
    return nil
  }

  /// A note is for the last commit of many: a block that follows says the same.
  private func finishNote() {
    isNoting = false
    guard !isClosing, journal.isIdle, let operation = unnoted else { return }
    unnoted = nil
    _ = disk.perform(operation)
  }

  // MARK: The end

  /// The life ends, in the middle of whatever is under way.
  public func crash(_ crash: Crash) {
    guard !isOver else { return }
    isOver = true
    disk.crash(
      crash, during: [commit?.operation, chore?.operation].compactMap { $0 })
    commit = nil
    chore = nil
    unnoted = nil
  }
}
