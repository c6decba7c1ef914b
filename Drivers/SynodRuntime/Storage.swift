public import Synod

/// Where a machine's records become durable: submit and complete.
///
/// Everything happens on the node's loop, and nothing blocks it. The storage does not know what a
/// record is: it is given encoded bytes and gives the same bytes back, in order, after a crash.
/// `StorageConformance` says what must hold, as tests.
public protocol Storage: AnyObject {
  /// Reads back what is durable, in order: the pieces of the newest checkpoint, then every batch
  /// since it began. Called once, before anything else; it may block, since no loop runs yet.
  /// What it gave is durable by then, not just readable.
  func recover(_ restore: (Bytes) throws -> Void) throws

  /// Sets who is told. Called once, before the first `append`.
  func start(_ events: StorageEvents)

  /// Takes a batch of records. It is written with all other batches that wait, as one durable unit,
  /// once the write before it has ended.
  /// - Parameters:
  ///   - batch: higher than all before.
  ///   - encode: writes the records; called before this returns.
  func append(_ batch: PersistBatch, encode: (inout ByteWriter) -> Void)

  /// Ends a turn: what was appended is submitted, where no write is under way.
  func flush()

  /// Whether the space left is kept for votes; new proposals are refused meanwhile.
  var isLowOnSpace: Bool { get }

  /// Bytes that were appended and wait to be written. Cheap to ask.
  var queuedBytes: Int { get }

  /// Whether the log has grown enough that a checkpoint would pay. Stays false while one is taken.
  var wantsCheckpoint: Bool { get }

  /// Begins a checkpoint: batches appended from now on are replayed behind it.
  func beginCheckpoint()
  /// Whether the next piece may be given; bounds what waits to be written.
  var isReadyForPiece: Bool { get }
  /// Takes a piece of the checkpoint that was begun.
  func appendPiece(encode: (inout ByteWriter) -> Void)
  /// Ends the checkpoint with the last piece. It counts once every batch appended before this call
  /// is durable, and so is it; older files go then. A failure of it alone is reported and the log
  /// stays.
  func endCheckpoint()

  /// Figures for people and metrics.
  var statistics: StorageStatistics { get }

  /// Waits for the write under way, marks a clean end where there was no failure, and lets go of
  /// the store. No event follows `done`.
  func close(_ done: @escaping () -> Void)
}

/// What a storage tells its node, on the node's loop.
public struct StorageEvents {
  /// Every batch up to this one is durable.
  public var persisted: (PersistBatch) -> Void
  /// A write or a sync failed. Final: nothing is acknowledged any more.
  public var failed: (String) -> Void
  /// There is room for a checkpoint's next piece, or space came back.
  public var ready: () -> Void

  /// One made of its parts.
  public init(
    persisted: @escaping (PersistBatch) -> Void, failed: @escaping (String) -> Void,
    ready: @escaping () -> Void
  ) {
    self.persisted = persisted
    self.failed = failed
    self.ready = ready
  }
}

/// Figures of a storage since it was opened.
public struct StorageStatistics: Sendable {
  /// Batches made durable, and the syncs that it took.
  public var batches: UInt64 = 0
  /// Syncs that returned.
  public var syncs: UInt64 = 0
  /// Bytes of the log that were written.
  public var bytesWritten: UInt64 = 0
  /// Of the last sync and of the slowest, in microseconds, from submission to completion.
  public var lastSyncMicroseconds: UInt64 = 0
  /// Of the slowest sync, in microseconds.
  public var maxSyncMicroseconds: UInt64 = 0
  /// Median and 99th percentile of recent syncs, in microseconds.
  public var medianSyncMicroseconds: UInt64 = 0
  /// 99th percentile of recent syncs, in microseconds.
  public var p99SyncMicroseconds: UInt64 = 0
  /// Of all syncs since the store was opened.
  public var syncTimes = LatencyHistogram()
  /// Bytes that wait to be written.
  public var queuedBytes: Int = 0
  /// Checkpoints that count.
  public var checkpoints: UInt64 = 0
  /// Whether one is being taken.
  public var isCheckpointing = false
  /// How long the last one that counts took, in milliseconds.
  public var lastCheckpointMilliseconds: UInt64 = 0
  /// Why the last checkpoint failed, where it did.
  public var checkpointFailure: String?

  /// One made of its parts.
  public init() {}
}
