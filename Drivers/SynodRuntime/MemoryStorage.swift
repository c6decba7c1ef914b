public import Synod
public import UV

/// A storage for examples and tests: keeps everything in a `MemoryDisk`, with the manners of a real
/// one. A write and its sync take time (at least one turn of the loop), one is under way at a time,
/// and what is appended meanwhile goes with the next.
public final class MemoryStorage: Storage {
  private let loop: Loop
  private let disk: MemoryDisk
  private let syncMilliseconds: UInt64
  private let checkpointEvery: Int
  private var session: UInt64 = 0
  private var events: StorageEvents?
  private var timer: Timer?
  private var writer = ByteWriter(capacity: 4096)

  private var waiting: [Bytes] = []
  private var lastAppended = PersistBatch.none
  /// Of the write under way.
  private var submitted: PersistBatch?
  private var hasFailed = false
  private var onClosed: (() -> Void)?

  private var checkpoint: Checkpoint?

  private struct Checkpoint {
    /// Number, on the disk, of the first batch that is replayed behind it.
    var start: Int
    var pieces: [Bytes] = []
    /// Valid once this batch is durable.
    var end: PersistBatch?
  }

  /// Figures so far.
  public private(set) var statistics = StorageStatistics()

  /// - Parameters:
  ///   - loop: the node's.
  ///   - disk: outlives the storage.
  ///   - syncMilliseconds: how long a write and its sync take; zero for one turn of the loop.
  ///   - checkpointEvery: batches behind the last checkpoint from which on another one pays.
  public init(
    _ loop: Loop, disk: MemoryDisk, syncMilliseconds: UInt64 = 0, checkpointEvery: Int = 10_000
  ) {
    self.loop = loop
    self.disk = disk
    self.syncMilliseconds = syncMilliseconds
    self.checkpointEvery = checkpointEvery
  }

  /// Gives the checkpoint's pieces, then the batches behind it.
  public func recover(_ restore: (Bytes) throws -> Void) throws {
    let (session, pieces, batches) = disk.attach()
    self.session = session
    for piece in pieces { try restore(piece) }
    for batch in batches { try restore(batch) }
  }

  /// Sets who is told.
  public func start(_ events: StorageEvents) {
    if session == 0 { session = disk.attach().session }
    self.events = events
    timer = Timer(loop) { [unowned self] in finish() }
  }

  /// Takes a batch of records.
  public func append(_ batch: PersistBatch, encode: (inout ByteWriter) -> Void) {
    precondition(batch > lastAppended, "batches are appended in the order of their numbers")
    lastAppended = batch
    let bytes = encoded(encode)
    guard !hasFailed else { return }
    waiting.append(bytes)
    statistics.queuedBytes += bytes.count
  }

  private func encoded(_ encode: (inout ByteWriter) -> Void) -> Bytes {
    writer.removeAll()
    encode(&writer)
    return writer.withUnsafeBytes { Bytes(copying: $0) }
  }

  /// Submits what waits, where no write is under way.
  public func flush() {
    guard submitted == nil, !waiting.isEmpty, !hasFailed else { return }
    submitted = lastAppended
    statistics.batches += UInt64(waiting.count)
    statistics.bytesWritten += UInt64(statistics.queuedBytes)
    statistics.queuedBytes = 0
    disk.write(waiting, session)
    waiting.removeAll(keepingCapacity: true)
    if syncMilliseconds == 0 {
      loop.soon { self.finish() }
    } else {
      timer?.start(after: syncMilliseconds)
    }
  }

  private func finish() {
    guard let batch = submitted else { return }
    submitted = nil
    switch disk.sync(session) {
    case .done:
      statistics.syncs += 1
      finishCheckpoint(durable: batch)
      events?.persisted(batch)
    case .fenced: hasFailed = true
    case .failed(let reason):
      hasFailed = true
      events?.failed(reason)
    }
    flush()
    closeIfDone()
  }

  /// Bytes that wait to be written.
  public var queuedBytes: Int { statistics.queuedBytes }

  /// Never: memory is not counted here.
  public var isLowOnSpace: Bool { false }

  // MARK: - Checkpoints

  /// Whether enough batches lie behind the last checkpoint.
  public var wantsCheckpoint: Bool {
    checkpoint == nil && !hasFailed && onClosed == nil && disk.batchCount >= checkpointEvery
  }

  /// Begins one: what waits to be written belongs before it.
  public func beginCheckpoint() {
    checkpoint = Checkpoint(start: disk.position() + waiting.count)
  }

  /// Nothing waits to be written, so always.
  public var isReadyForPiece: Bool { checkpoint != nil }

  /// Takes a piece of the checkpoint.
  public func appendPiece(encode: (inout ByteWriter) -> Void) {
    checkpoint?.pieces.append(encoded(encode))
  }

  /// Ends it; it counts once every batch appended so far is durable.
  public func endCheckpoint() {
    checkpoint?.end = lastAppended
    if submitted == nil && waiting.isEmpty { finishCheckpoint(durable: lastAppended) }
  }

  private func finishCheckpoint(durable: PersistBatch) {
    guard let ended = checkpoint, let end = ended.end, end <= durable else { return }
    disk.replace(before: ended.start, by: ended.pieces, session)
    statistics.checkpoints += 1
    checkpoint = nil
  }

  // MARK: - The end

  /// Waits for the write under way and for what waits behind it.
  public func close(_ done: @escaping () -> Void) {
    onClosed = done
    flush()
    loop.soon { self.closeIfDone() }
  }

  private func closeIfDone() {
    guard let done = onClosed else { return }
    flush()
    guard submitted == nil else { return }
    onClosed = nil
    events = nil
    timer?.close()
    done()
  }
}
