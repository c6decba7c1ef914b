internal import Synod

/// What a store's directory holds, read without touching anything.
///
/// The same reading serves recovery and inspection; `verdict` says whether a voter may run on it.
public struct Survey: Sendable {
  /// Files that have a role, with their sizes in bytes.
  public let files: [JournalFile: UInt64]
  /// The valid superblock of the highest sequence.
  public let superblock: Superblock
  /// Slots of `META` that hold no valid superblock.
  public let damagedSuperblocks: [Int]
  /// The newest block that the unsynced notes prove durable; zero for none.
  public let watermark: UInt64
  /// Every checkpoint, in ascending order, and the one that recovery starts from.
  public let checkpoints: [CheckpointSummary]
  /// The newest whole checkpoint: recovery starts from it.
  public let chosen: CheckpointSummary?
  /// The logs from where the replay begins, in ascending order.
  public internal(set) var logs: [LogSummary] = []
  /// Where the next block would be.
  public internal(set) var end: LogPosition
  /// Whether a voter may run on the logs.
  public internal(set) var verdict: LogVerdict = .intact

  /// A log as found.
  public struct LogSummary: Hashable, Sendable {
    /// Which log.
    public var generation: UInt32
    /// Bytes of the file, and up to the end of the last whole block.
    public var size: UInt64
    /// Bytes up to the end of its last whole block.
    public var used: UInt64
    /// Sequence of the first whole block, and how many there are.
    public var firstBlock: UInt64
    /// How many whole blocks there are.
    public var blocks: UInt64
    /// Bytes of their payloads.
    public var payloadBytes: UInt64
  }

  /// Why a directory cannot be surveyed.
  public enum Failure: Error, Hashable, Sendable {
    /// There is no store here.
    case blank
    /// No superblock is valid, and there are other files of a store.
    case noSuperblock(files: [JournalFile])
    /// Written by a later version.
    case newerFormat(required: UInt32, supported: UInt32)
    /// The directory, or a file that must be, could not be read.
    case unreadable(FileFailure)
  }

  /// Where the replay begins.
  public let start: LogPosition

  /// Reads the directory: superblocks, checkpoints, every log; memory is bounded by one block.
  /// - Parameters:
  ///   - source: the directory.
  ///   - readsAll: whether checkpoints that recovery does not need are read whole, too; of these, else,
  ///     only the footer. Should the newest be damaged one day, they are read then.
  public init(_ source: some JournalSource, readsAll: Bool = true) throws(Failure) {
    let source = WatchedSource(source)
    defer { withExtendedLifetime(source) {} }
    let files: [JournalFile: UInt64]
    do throws(FileFailure) { files = try source.files() } catch { throw .unreadable(error) }
    self.files = files
    do throws(Failure) {
      (superblock, damagedSuperblocks) = try Self.superblock(source, files)
    } catch {
      if let failure = source.failure { throw .unreadable(failure) }
      throw error
    }
    watermark = Self.watermark(source, files, superblock.store)
    let store = superblock.store
    checkpoints = Self.checkpoints(source, files, store, readsAll)
    chosen = checkpoints.last { $0.footer != nil }
    start = chosen?.footer?.replayFrom ?? Self.beginning(files)
    end = start
    readLogs(source)
    if let failure = source.failure { throw .unreadable(failure) }
  }

  private static func checkpoints(
    _ source: some JournalSource, _ files: [JournalFile: UInt64], _ store: StoreID, _ readsAll: Bool
  ) -> [CheckpointSummary] {
    let found = files.compactMap { file, size -> (number: UInt32, size: UInt64)? in
      guard case .checkpoint(let number) = file else { return nil }
      return (number, size)
    }.sorted { $0.number > $1.number }
    var hasWhole = false
    var summaries: [CheckpointSummary] = []
    for (number, size) in found {
      var summary: CheckpointSummary?
      if hasWhole && !readsAll {
        summary = CheckpointWalk.outline(source, store: store, number: number, size: size)
      }
      let result =
        summary ?? CheckpointWalk.summary(source, store: store, number: number, size: size)
      if result.footer != nil { hasWhole = true }
      summaries.append(result)
    }
    return summaries.reversed()
  }

  private static func superblock(
    _ source: some JournalSource, _ files: [JournalFile: UInt64]
  ) throws(Failure) -> (Superblock, [Int]) {
    var best: Superblock?
    var damaged: [Int] = []
    var newer: UInt32?
    var isUnreadable = false
    for slot in 0...1 {
      let file = JournalFile.superblock(slot)
      guard let size = files[file] else {
        damaged.append(slot)
        continue
      }
      var window = FileWindow(source, file, size: size)
      let reading = window.withBytes(at: 0, count: Superblock.size) { Superblock.read($0) }
      switch reading {
      case .valid(let found): if best.map({ $0.sequence < found.sequence }) ?? true { best = found }
      case .newer(let required): newer = max(newer ?? 0, required)
      case .blank, .damaged: damaged.append(slot)
      }
      if !window.unreadable.isEmpty { isUnreadable = true }
    }
    if let newer { throw .newerFormat(required: newer, supported: Superblock.currentFormat) }
    if let best { return (best, damaged) }
    let others = files.keys.filter(\.holdsState).sorted { $0.name < $1.name }
    // A crash during the very first opening leaves superblocks at most, and no promise. A new store
    // has a new identity, so nothing is promised twice.
    guard others.isEmpty, !isUnreadable else { throw .noSuperblock(files: others) }
    throw .blank
  }

  /// The first log of a store without a checkpoint. Its number is not always 1: an opening that was
  /// cut short uses one up.
  private static func beginning(_ files: [JournalFile: UInt64]) -> LogPosition {
    var position = LogPosition.beginning
    position.generation =
      files.keys.compactMap { file in
        if case .log(let generation) = file { generation } else { nil }
      }.min() ?? position.generation
    return position
  }

  private static func watermark(
    _ source: some JournalSource, _ files: [JournalFile: UInt64], _ store: StoreID
  ) -> UInt64 {
    guard let size = files[.watermark] else { return 0 }
    var window = FileWindow(source, .watermark, size: size)
    return window.withBytes(at: 0, count: Block.pageSize) {
      Watermark.newest(in: $0, store: store)
    }
  }
}

extension JournalFile {
  /// Whether the file shows that a store was in use.
  var holdsState: Bool {
    switch self {
    case .log, .checkpoint, .torn, .watermark: true
    case .lock, .superblock, .logDraft, .checkpointDraft, .ballast: false
    }
  }
}

extension Survey.Failure: CustomStringConvertible {
  /// What is wrong, and where.
  public var description: String {
    switch self {
    case .blank: "there is no store here"
    case .noSuperblock(let files):
      "no superblock is valid, and there are files of a store: "
        + files.map(\.name).joined(separator: ", ")
    case .newerFormat(let required, let supported):
      "the store needs a reader of format \(required); this one reads up to \(supported)"
    case .unreadable(let failure): "the store cannot be read: \(failure)"
    }
  }
}
