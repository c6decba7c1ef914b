#if PlantedBugs
  internal import Synod
#endif

/// One step on the files of a store, as a value: whoever owns the files interprets it.
///
/// Offsets and counts are bytes. The operations of one job run in order and end at the first that
/// fails; no two jobs under way at once touch one file.
public enum FileOperation: Sendable {
  /// Makes a file that is new and empty, in place of any of that name.
  case create(JournalFile)
  /// Writes zeros, which allocates the space for good.
  case fill(JournalFile, at: UInt64, count: Int)
  /// Writes, and returns once it is durable. The file has its final size.
  case commit(JournalFile, at: UInt64, BlockBuffer)
  /// Writes; durable only after a `sync`.
  case write(JournalFile, at: UInt64, BlockBuffer)
  /// Writes without a sync, as advice to a later recovery. A failure of it is not reported.
  case note(JournalFile, at: UInt64, BlockBuffer)
  /// Copies bytes into a file that is new and empty.
  case copy(JournalFile, at: UInt64, count: UInt64, to: JournalFile)
  /// Cuts a file short.
  case truncate(JournalFile, to: UInt64)
  case sync(JournalFile)
  case syncDirectory
  case rename(JournalFile, to: JournalFile)
  /// Removes a file; none of that name is no failure.
  case unlink(JournalFile)
  /// Reads back past any cache and compares the CRC-32C.
  case verify(JournalFile, at: UInt64, count: Int, checksum: UInt32)
}

extension FileOperation: CustomStringConvertible {
  /// The operation, for people.
  public var description: String {
    switch self {
    case .create(let file): "create \(file)"
    case .fill(let file, let offset, let count): "fill \(file) at \(offset), \(count) bytes"
    case .commit(let file, let offset, let bytes):
      "commit \(file) at \(offset), \(bytes.count) bytes"
    case .write(let file, let offset, let bytes):
      "write \(file) at \(offset), \(bytes.count) bytes"
    case .note(let file, let offset, let bytes): "note \(file) at \(offset), \(bytes.count) bytes"
    case .copy(let file, let offset, let count, let target):
      "copy \(file) at \(offset), \(count) bytes, to \(target)"
    case .truncate(let file, let size): "truncate \(file) to \(size)"
    case .sync(let file): "sync \(file)"
    case .syncDirectory: "sync the directory"
    case .rename(let file, let target): "rename \(file) to \(target)"
    case .unlink(let file): "unlink \(file)"
    case .verify(let file, let offset, let count, _):
      "verify \(file) at \(offset), \(count) bytes"
    }
  }
}

/// Operations that run in order, in one trip.
public struct FileJob: Sendable {
  /// In this order.
  public var operations: [FileOperation]

  /// Operations that run in order.
  public init(_ operations: [FileOperation]) {
    self.operations = operations
    #if PlantedBugs
      if PlantedBug.has(.omittedDirectorySync) {
        self.operations.removeAll { if case .syncDirectory = $0 { true } else { false } }
      }
    #endif
  }

  /// Makes durable what recovery will read, before it reads: after a kill, a cache may hold bytes
  /// that never reached the disk.
  public static func syncing(_ files: some Sequence<JournalFile>) -> FileJob {
    let read = files.filter { file in
      switch file {
      case .superblock, .log, .checkpoint, .watermark: true
      case .lock, .logDraft, .checkpointDraft, .torn, .ballast: false
      }
    }
    return FileJob(read.sorted { $0.name < $1.name }.map { .sync($0) } + [.syncDirectory])
  }

  /// Removes what the job was making, where it failed.
  public var undoing: FileJob {
    FileJob(
      operations.compactMap { operation in
        switch operation {
        case .create(.logDraft(let generation)): .unlink(.logDraft(generation))
        case .create(.torn(let generation, let life)): .unlink(.torn(generation, life: life))
        case .create, .fill, .commit, .write, .note, .copy, .truncate, .sync, .syncDirectory,
          .rename,
          .unlink, .verify:
          nil
        }
      })
  }
}

/// Why an operation failed.
public struct FileFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// What the caller can do about it.
  public enum Kind: Hashable, Sendable {
    /// No space, or no quota, is left.
    case noSpace
    /// What was read back is not what was written.
    case mismatch
    /// The device cannot read what it holds.
    case unreadable
    /// The device, the file system or the operating system said no.
    case other
  }

  /// What the caller can do about it.
  public var kind: Kind
  /// Whether nothing may be tried again: what a failed sync covers may be lost, and the next sync
  /// may say that all is well.
  public private(set) var isFinal = false
  /// Which operation, and what the operating system said.
  public var description: String

  /// A failure, for whoever interprets operations.
  public init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }

  /// The same, as the failure of one operation: whoever interprets operations says so of each.
  public func of(_ operation: FileOperation) -> FileFailure {
    var failure = self
    switch operation {
    case .commit, .syncDirectory: failure.isFinal = true
    case .sync: failure.isFinal = kind != .noSpace
    case .create, .fill, .write, .note, .copy, .truncate, .rename, .unlink, .verify: break
    }
    return failure
  }
}
