internal import Synod
internal import Synchronization

/// What a `MemoryStorage` wrote: outlives it, as a disk outlives a process. From any thread.
///
/// Shared by one storage at a time: a new one fences the one before, whose later writes and syncs go
/// nowhere and are never acknowledged. So a test crashes a node by `crash()`, lets the old one talk
/// on for as long as it likes, and starts another on the same disk.
public final class MemoryDisk: Sendable {
  private struct Contents: Sendable {
    /// The newest valid checkpoint.
    var pieces: [Bytes] = []
    /// Batches behind it; the first is number `base` of all that were ever written.
    var batches: [Bytes] = []
    var base = 0
    /// How many of all were synced.
    var durable = 0
    var session: UInt64 = 0
    var failure: String?

    var written: Int { base + batches.count }
  }

  private let contents = Mutex(Contents())

  /// A blank disk.
  public init() {}

  /// Loses power: batches that were not synced are gone, but for the first `kept` of them, which
  /// happened to reach the disk. Whatever storage is attached acknowledges nothing any more.
  public func crash(keepingUnsynced kept: Int = 0) {
    contents.withLock { contents in
      contents.session += 1
      let left = min(contents.written, contents.durable + max(kept, 0))
      contents.batches.removeLast(contents.written - left)
      contents.durable = left
    }
  }

  /// From now on syncs fail for this reason, until nil is given.
  public func failSyncs(because reason: String?) { contents.withLock { $0.failure = reason } }

  /// Batches that are written and not covered by a checkpoint.
  public var batchCount: Int { contents.withLock { $0.batches.count } }
  /// Batches that a crash would lose.
  public var unsyncedCount: Int { contents.withLock { $0.written - $0.durable } }

  // MARK: - For the storage

  /// Fences the storage before and gives what there is, which counts as synced.
  func attach() -> (session: UInt64, pieces: [Bytes], batches: [Bytes]) {
    contents.withLock { contents in
      contents.session += 1
      contents.durable = contents.written
      return (contents.session, contents.pieces, contents.batches)
    }
  }

  /// The number of the next batch.
  func position() -> Int { contents.withLock { $0.written } }

  func write(_ batches: [Bytes], _ session: UInt64) {
    contents.withLock { contents in
      if contents.session == session { contents.batches += batches }
    }
  }

  enum SyncResult {
    case done
    case fenced
    case failed(String)
  }

  func sync(_ session: UInt64) -> SyncResult {
    contents.withLock { contents in
      guard contents.session == session else { return .fenced }
      if let failure = contents.failure { return .failed(failure) }
      contents.durable = contents.written
      return .done
    }
  }

  /// Replaces what lies before batch number `start` by `pieces`.
  func replace(before start: Int, by pieces: [Bytes], _ session: UInt64) {
    contents.withLock { contents in
      guard contents.session == session else { return }
      contents.pieces = pieces
      contents.batches.removeFirst(start - contents.base)
      contents.base = start
    }
  }
}
