public import Synod

/// The write-ahead log of one store as a value: it takes batches and gives jobs on files; it is told
/// when a job is done. No IO, no clock.
///
/// Two lanes, at most one job under way in each, and never two on one file: **commits** write blocks
/// of the log; **chores** prepare the next log, write checkpoints and superblocks, remove old files.
/// Whoever interprets the jobs asks for the next of both after every input, until there is none.
///
/// Any failure of a commit or of a superblock is final: `JournalEvent.failed`, and no job follows.
public struct Journal: ~Copyable {
  /// Sizes.
  public let settings: JournalSettings
  /// Identity, pins, and what is certainly durable.
  public internal(set) var superblock: Superblock
  /// Why the journal stopped for good.
  public internal(set) var failure: String?
  /// What happened, in order; whoever handles it empties it.
  public var events: [JournalEvent] = []

  /// A log that is written.
  struct Segment {
    var generation: UInt32
    var size: UInt64
    var used: UInt64 = 0
  }

  /// A commit under way.
  struct Commit {
    var block: UInt64
    /// How far it takes the queue, in bytes appended.
    var taken: UInt64
    var generation: UInt32
    var logBytes: UInt64
    var batch: UInt64?
  }

  var queue = EntryQueue()
  var segment: Segment
  /// Prepared, to be written when `segment` is full.
  var next: Segment?
  var sequence: UInt64
  var previousChecksum: UInt32
  var durable: (block: UInt64, generation: UInt32, logBytes: UInt64)
  /// How far the queue is durable, in bytes appended.
  var durableBytes: UInt64 = 0
  var commit: Commit?
  /// Whether the last commit had to wait for a log to be prepared.
  var waitsForLog = false
  // In turns, since the last commit's job is let go of only after the next was asked for.
  private var buffer: BlockBuffer
  private var otherBuffer: BlockBuffer
  private var note: BlockBuffer
  private var otherNote: BlockBuffer

  var chore: Chore?
  var pinRequests: [(pin: Superblock.Pin, token: UInt64)] = []
  var space: Space
  var draft: CheckpointDraft?
  /// Pieces of the draft that wait to be written.
  var pieces = EntryQueue()
  var files: KnownFiles
  /// No checkpoint before this many bytes of log, after one that failed.
  var checkpointPause: UInt64 = 0
  /// Bytes of blocks since the newest checkpoint began, or since the start.
  var bytesSinceCheckpoint: UInt64
  var closing = Closing.open

  enum Closing {
    case open
    case wanted
    case marking
    case closed
  }

  /// Takes over the store that `opening` made ready; all of its jobs are done.
  public init(_ opening: Opening) {
    settings = opening.settings
    superblock = opening.superblock
    segment = Segment(generation: opening.log.generation, size: opening.log.size)
    sequence = opening.end.sequence
    previousChecksum = opening.end.previousChecksum
    durable = (opening.end.sequence - 1, opening.log.generation, opening.log.size)
    buffer = BlockBuffer(capacity: 64 << 10)
    otherBuffer = BlockBuffer(capacity: 64 << 10)
    note = BlockBuffer(capacity: Block.pageSize)
    otherNote = BlockBuffer(capacity: Block.pageSize)
    let ballast = opening.isEmergency ? nil : opening.survey?.files[.ballast]
    space = Space(hasBallast: ballast == UInt64(settings.ballastBytes))
    space.isShort = opening.isEmergency
    files = KnownFiles(opening)
    bytesSinceCheckpoint = opening.survey?.logs.reduce(0) { $0 + $1.used } ?? 0
  }

  /// Bytes that wait to be committed.
  public var queuedBytes: Int { Int(queue.waiting) }

  /// Whether nothing waits to be committed, and no commit is under way.
  public var isIdle: Bool { commit == nil && queue.isEmpty }

  /// Takes a batch of records, behind all earlier ones.
  public mutating func append(_ batch: PersistBatch, encode: (inout ByteWriter) -> Void) {
    // Nothing is written any more, and memory is not the place to keep it.
    if failure != nil { return }
    queue.append(batch.rawValue, encode: encode)
  }

  /// The next group commit; nil where one is under way, where nothing waits, or where the log is
  /// full and the next is not prepared.
  public mutating func nextCommit() -> FileJob? {
    guard commit == nil, failure == nil, !queue.isEmpty else { return nil }
    let length = queue.nextLength(limit: settings.maxPayload, boundary: draft?.boundary)
    let size = Block.size(payload: length)
    waitsForLog = !makeRoom(size)
    if waitsForLog {
      if space.isShort, queue.waiting > UInt64(settings.maxWaiting) {
        fail("the disk is full, and \(queue.waiting) bytes wait to be written")
        finishClosingAfterFailure()
      }
      return nil
    }
    noteReplayPosition()
    let block = takeBuffer(size)
    let batch = queue.take(length, to: block.start + BlockHeader.size)
    let header = BlockHeader(
      kind: .data, tag: .log(segment.generation, of: superblock.store), sequence: sequence,
      durableThrough: durable.block, previousChecksum: previousChecksum, offset: segment.used)
    previousChecksum = Block.seal(header, at: block.start, payload: length)
    block.count = size
    commit = Commit(
      block: sequence, taken: queue.taken, generation: segment.generation,
      logBytes: segment.size, batch: batch)
    let mark = takeNote()
    let job = FileJob([
      commitOperation(block), .note(.watermark, at: Watermark.offset(of: sequence), mark),
    ])
    segment.used += UInt64(size)
    bytesSinceCheckpoint += UInt64(size)
    sequence += 1
    return job
  }

  private func commitOperation(_ block: BlockBuffer) -> FileOperation {
    #if PlantedBugs
      if PlantedBug.has(.skippedSync) {
        return .write(.log(segment.generation), at: segment.used, block)
      }
    #endif
    return .commit(.log(segment.generation), at: segment.used, block)
  }

  /// Says how the commit under way ended.
  /// - Returns: up to which batch everything is durable, where that is news.
  public mutating func finishedCommit(_ failed: FileFailure?) -> PersistBatch? {
    guard let done = commit else { preconditionFailure("a commit is under way") }
    commit = nil
    #if PlantedBugs
      let failed = PlantedBug.has(.retriedSync) ? nil : failed
    #endif
    if let failed { fail("\(failed)") }
    finishClosingAfterFailure()
    guard failure == nil else { return nil }
    durable = (done.block, done.generation, done.logBytes)
    durableBytes = done.taken
    return done.batch.map { PersistBatch($0) }
  }

  /// Makes `segment` one with room for a block; false where there is none.
  private mutating func makeRoom(_ size: Int) -> Bool {
    if segment.size - segment.used >= UInt64(size) { return true }
    guard let next, next.size >= UInt64(size) else { return false }
    files.logs.append(next.generation)
    segment = next
    self.next = nil
    return true
  }

  private mutating func takeBuffer(_ size: Int) -> BlockBuffer {
    swap(&buffer, &otherBuffer)
    // Whoever still holds the last block (a simulated disk, say) keeps it.
    let isOversized = buffer.capacity > 2 * Block.size(payload: settings.maxPayload)
    if !isKnownUniquelyReferenced(&buffer) || buffer.capacity < size || isOversized {
      buffer = BlockBuffer(capacity: max(size, 64 << 10))
    }
    return buffer
  }

  private mutating func takeNote() -> BlockBuffer {
    swap(&note, &otherNote)
    if !isKnownUniquelyReferenced(&note) { note = BlockBuffer(capacity: Block.pageSize) }
    Watermark.fill(note, block: sequence, store: superblock.store)
    return note
  }

  /// Stops for good.
  mutating func fail(_ reason: String) {
    guard failure == nil else { return }
    failure = reason
    events.append(.failed(reason))
    for request in pinRequests { events.append(.pinned(token: request.token, false)) }
    pinRequests.removeAll()
  }
}

/// What a journal tells its owner.
public enum JournalEvent: Hashable, Sendable {
  /// A pin that was asked for is durable, or will not be.
  case pinned(token: UInt64, Bool)
  /// There is room for a checkpoint's next piece, or space came back.
  case ready
  case checkpointed(UInt32)
  /// The log stays; a later checkpoint may succeed.
  case checkpointFailed(String)
  /// Final.
  case failed(String)
  /// Everything is done that `close()` asked for.
  case closed
}

/// Files that were there at the opening or came since.
struct KnownFiles {
  /// In ascending order; the last is the one that is written.
  var logs: [UInt32]
  /// Whole ones, in ascending order, with the first log that each needs.
  var checkpoints: [(number: UInt32, firstLog: UInt32)]
  var lastCheckpointBytes: UInt64
  /// Of any checkpoint ever.
  var highestCheckpoint: UInt32
  /// Files that are needed no more.
  var obsolete: [JournalFile] = []

  init(_ opening: Opening) {
    let survey = opening.survey
    let last = survey?.end.generation ?? 0
    logs =
      (survey?.files.keys.compactMap { file -> UInt32? in
        guard case .log(let generation) = file, generation <= last else { return nil }
        return generation
      } ?? []).filter { $0 != opening.log.generation }.sorted() + [opening.log.generation]
    checkpoints =
      survey?.checkpoints.compactMap { summary in
        summary.footer.map { (summary.number, $0.replayFrom.generation) }
      } ?? []
    lastCheckpointBytes = survey?.chosen?.size ?? 0
    highestCheckpoint = max(
      opening.superblock.checkpoint, survey?.checkpoints.last?.number ?? 0)
    for summary in survey?.checkpoints ?? [] where summary.footer == nil {
      obsolete.append(.checkpoint(summary.number))
    }
    // Damaged checkpoints stay until a new one is whole.
    damaged = obsolete
    obsolete = []
    retire()
  }

  private var damaged: [JournalFile]

  /// A new checkpoint counts.
  mutating func add(checkpoint number: UInt32, firstLog: UInt32, bytes: UInt64) {
    checkpoints.append((number, firstLog))
    lastCheckpointBytes = bytes
    highestCheckpoint = number
    obsolete += damaged
    damaged = []
    retire()
  }

  /// Keeps the newest checkpoint, the one before it, and the logs that this one needs.
  private mutating func retire() {
    guard checkpoints.count >= 2 else { return }
    while checkpoints.count > 2 {
      obsolete.append(.checkpoint(checkpoints.removeFirst().number))
    }
    let firstLog = checkpoints[0].firstLog
    while let log = logs.first, log < firstLog {
      obsolete.append(.log(logs.removeFirst()))
    }
  }
}
