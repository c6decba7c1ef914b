public import Synod
public import SynodJournal
public import UV

/// A write-ahead log and checkpoints in a data directory.
///
/// One write of the log is under way at a time, without a thread where the kernel can, else in one
/// trip to another thread, and the next block fills meanwhile; preparing logs,
/// checkpoints and superblocks run beside it, in small pieces. A write or a sync that fails is the
/// end: `StorageEvents.failed`, and nothing more is acknowledged.
public final class FileStorage: Storage {
  /// How a store is kept.
  public struct Options: Sendable {
    /// Sizes.
    public var journal: JournalSettings
    /// **Unsafe**: writes without a sync, so that power loss loses what was acknowledged. For the
    /// rig that must see such a loss, and for nothing else.
    public var unsafeSkipSync: Bool
    /// Asked before every operation on a file; what it gives is that operation's failure. For tests.
    package var fault: (@Sendable (FileOperation) -> FileFailure?)?
    /// How a commit becomes durable; nil for the best that the file system takes. For tests.
    package var mode: WriteMode?
    /// Syncs a descriptor's file in place of the system's call, which it may make. For tests.
    package var sync: (@Sendable (Int32, FileSync) -> Int32)?
    /// How often space is looked for while it is short, in milliseconds.
    package var retryMilliseconds: UInt64 = 1000
    /// Says how much space is left, in bytes, in place of the system. For tests.
    package var freeBytes: (@Sendable () -> UInt64?)?

    /// The usual ones.
    public init(journal: JournalSettings = JournalSettings(), unsafeSkipSync: Bool = false) {
      self.journal = journal
      self.unsafeSkipSync = unsafeSkipSync
    }
  }

  private let loop: Loop
  private let directory: DataDirectory
  private let interpreter: FileInterpreter
  private var journal: Journal
  /// Writes blocks without a trip to another thread, where the system and the mode have it.
  private var writer: DirectWriter?
  /// A note is being written: the log's turn comes after it, and so does the end.
  private var isNoting = false
  /// The last commit whose note was not written, and when it will be looked at.
  private var unnoted: FileJob?
  private var noteTimer: Timer?
  private var endsAfterNote = false
  private var events: StorageEvents?
  private var retry: Timer?
  private var spaceWatch = SpaceWatch()
  private let options: Options
  private var pinAnswers: [UInt64: (Bool) -> Void] = [:]
  private var lastToken: UInt64 = 0
  private var onClosed: (() -> Void)?
  private var isClosed = false
  private var submitted: UInt64 = 0
  private var checkpointBegan: UInt64 = 0
  private var persisted = PersistBatch.none
  private var meter = SyncMeter()
  private var figures = StorageStatistics()

  /// - Parameters:
  ///   - loop: the node's.
  ///   - directory: no other storage may use it.
  public init(_ loop: Loop, _ directory: DataDirectory) {
    precondition(directory.storage == nil, "a data directory has one storage")
    self.loop = loop
    self.directory = directory
    options = directory.options
    interpreter = directory.interpreter
    journal = Journal(directory.opening)
    directory.storage = self
    if interpreter.mode == .direct { writer = try? DirectWriter(loop) }
  }

  deinit { retry?.close() }

  // MARK: Storage

  /// Gives the newest checkpoint's pieces, then every batch behind it.
  public func recover(_ restore: (Bytes) throws -> Void) throws {
    guard let survey = directory.survey else { return }
    try survey.forEachPayload(directory.source) { _, bytes in
      try restore(Bytes(copying: bytes))
    }
  }

  /// Sets who is told.
  public func start(_ events: StorageEvents) { self.events = events }

  /// Takes a batch of records; `flush()` submits it.
  public func append(_ batch: PersistBatch, encode: (inout ByteWriter) -> Void) {
    journal.append(batch, encode: encode)
  }

  /// Submits what was appended, where no write is under way.
  public func flush() { pump() }

  /// Whether the disk is full but for what votes need.
  public var isLowOnSpace: Bool { journal.isLowOnSpace }
  /// Whether a checkpoint would pay.
  public var wantsCheckpoint: Bool { journal.wantsCheckpoint }
  /// Whether the next piece may be given.
  public var isReadyForPiece: Bool { journal.isReadyForPiece }

  /// Begins a checkpoint.
  public func beginCheckpoint() {
    checkpointBegan = loop.microseconds
    figures.isCheckpointing = true
    journal.beginCheckpoint()
  }

  /// Takes a piece of it.
  public func appendPiece(encode: (inout ByteWriter) -> Void) {
    journal.appendPiece(encode: encode)
    pump()
  }

  /// Ends it.
  public func endCheckpoint() {
    journal.endCheckpoint()
    pump()
  }

  /// Bytes that wait to be written.
  public var queuedBytes: Int { journal.queuedBytes }

  /// Figures so far.
  public var statistics: StorageStatistics {
    var statistics = figures
    statistics.queuedBytes = journal.queuedBytes
    (statistics.medianSyncMicroseconds, statistics.p99SyncMicroseconds) = meter.quantiles()
    return statistics
  }

  /// Commits what waits, marks a clean end, closes the files and lets go of the lock.
  public func close(_ done: @escaping () -> Void) {
    precondition(onClosed == nil, "a storage is closed once")
    onClosed = done
    retry?.close()
    retry = nil
    noteTimer?.close()
    noteTimer = nil
    unnoted = nil
    journal.close()
    pump()
  }

  // MARK: Pins

  /// Pins a voter to a store; see `DataDirectory.pin`.
  func pin(_ voter: VoterID, _ store: StoreID, life: UInt64, then: @escaping (Bool) -> Void) {
    lastToken += 1
    pinAnswers[lastToken] = then
    journal.pin(voter, store, life: life, token: lastToken)
    pump()
  }

  /// Lets go of pins; see `DataDirectory.unpin`.
  func unpin(_ voters: Set<VoterID>) { journal.unpin(voters) }

  // MARK: The two lanes

  private func pump() {
    if isClosed || loop.isClosed { return }
    if !isNoting, let job = journal.nextCommit() { submitCommit(job) }
    if let job = journal.nextChore() {
      loop.perform { [interpreter] in
        interpreter.perform(job)
      } then: { [self] failure in
        journal.finishedChore(failure)
        pump()
      }
    }
    if !journal.events.isEmpty { handOutEvents() }
    guard !isClosed else { return }
    if journal.isLowOnSpace != (retry != nil) { watchSpace() }
  }

  private func submitCommit(_ job: FileJob) {
    submitted = loop.microseconds
    figures.bytesWritten += job.committedBytes
    guard let writer, let write = interpreter.directWrite(of: job),
      writer.write(
        write.block.bytes, owner: write.block, to: write.descriptor, at: write.offset,
        { [self] in written($0, job, write.block.count) })
    else { return submitToThread(job) }
  }

  private func submitToThread(_ job: FileJob) {
    loop.perform { [interpreter] in
      interpreter.perform(job)
    } then: { [self] in
      committed($0)
    }
  }

  /// A write without a thread has ended. What it could not do at once, or not whole, a thread does
  /// from its beginning: nothing of it was acknowledged. An error is as final as any other.
  private func written(_ outcome: DirectWriter.Outcome, _ job: FileJob, _ count: Int) {
    switch outcome {
    case .wrote(count):
      committed(nil)
      noteLater(job)
    case .wrote, .wouldWait: submitToThread(job)
    case .failed(let code):
      let operation = job.operations[0]
      let failure = FileFailure(errno: code, during: operation.description)
      committed(failure.of(operation))
    }
  }

  /// The note behind a commit is for the last one of many: a block that follows says the same. So
  /// it is written when the log has come to rest.
  private func noteLater(_ job: FileJob) {
    guard !isClosed, onClosed == nil else { return }
    if unnoted == nil {
      if noteTimer == nil { noteTimer = Timer(loop) { [unowned self] in note() } }
      noteTimer?.start(after: 20)
    }
    unnoted = job
  }

  private func note() {
    guard let job = unnoted, onClosed == nil else { return }
    unnoted = nil
    guard journal.isIdle, !isNoting else { return noteLater(job) }
    isNoting = true
    let notes = FileJob(Array(job.operations.dropFirst()))
    loop.perform { [interpreter] in
      interpreter.perform(notes)
    } then: { [self] _ in
      isNoting = false
      if endsAfterNote { finishClosing() } else { pump() }
    }
  }

  private func committed(_ failure: FileFailure?) {
    let microseconds = loop.microseconds - submitted
    let news = journal.finishedCommit(failure)
    if failure == nil { measured(microseconds) }
    // The disk gets its next block before anyone is told of this one.
    pump()
    guard let news else { return }
    figures.batches += news.rawValue - persisted.rawValue
    persisted = news
    events?.persisted(news)
  }

  private func measured(_ microseconds: UInt64) {
    figures.syncs += 1
    figures.lastSyncMicroseconds = microseconds
    figures.maxSyncMicroseconds = max(figures.maxSyncMicroseconds, microseconds)
    figures.syncTimes.add(microseconds)
    meter.add(microseconds)
  }

  private func handOutEvents() {
    let happened = journal.events
    journal.events.removeAll()
    for event in happened {
      switch event {
      case .pinned(let token, let isDurable):
        pinAnswers.removeValue(forKey: token)?(isDurable)
      case .ready: events?.ready()
      case .checkpointed:
        figures.checkpoints += 1
        figures.isCheckpointing = false
        figures.lastCheckpointMilliseconds = (loop.microseconds - checkpointBegan) / 1000
        figures.checkpointFailure = nil
      case .checkpointFailed(let reason):
        figures.isCheckpointing = false
        figures.checkpointFailure = reason
      case .failed(let reason): events?.failed(reason)
      case .closed: finishClosing()
      }
    }
  }

  /// While space is short, looks for some once a second.
  private func watchSpace() {
    guard journal.isLowOnSpace, onClosed == nil else {
      retry?.close()
      retry = nil
      return
    }
    guard retry == nil else { return }
    retry = Timer(loop) { [unowned self] in lookForSpace() }
    spaceWatch = SpaceWatch()
    retry?.start(every: options.retryMilliseconds)
  }

  /// An attempt writes, and takes what little others might use: only where it may succeed.
  private func lookForSpace() {
    guard spaceWatch.isDue() else { return }
    let free = options.freeBytes
    loop.perform { [interpreter] in
      free.map { $0() } ?? interpreter.freeBytes()
    } then: { [self] free in
      let isWorthwhile = free.map { $0 >= UInt64(journal.bytesToRetry) } ?? true
      spaceWatch.looked(andTries: isWorthwhile)
      guard isWorthwhile, onClosed == nil else { return }
      journal.retrySpace()
      pump()
    }
  }

  private func finishClosing() {
    endsAfterNote = isNoting
    if isNoting { return }
    writer?.close()
    writer = nil
    isClosed = true
    directory.close()
    events = nil
    let done = onClosed
    onClosed = nil
    done?()
  }
}

extension FileJob {
  /// Bytes of the log that it writes.
  fileprivate var committedBytes: UInt64 {
    operations.reduce(0) { sum, operation in
      if case .commit(_, _, let block) = operation { sum + UInt64(block.count) } else { sum }
    }
  }
}
