internal import Glibc
public import Synod
public import SynodJournal

/// A data directory as it is, read without a lock and without touching anything.
///
/// A store that is in use may be read in the middle of a write; its tail then looks torn.
public final class StoreInspection {
  /// Where it is.
  public let path: String
  /// Format, identity, pins, logs, checkpoints, damage and the verdict on it.
  public let survey: Survey
  /// Whether a node runs on it.
  public let isInUse: Bool
  private let source: FileSource
  private let directory: Int32

  /// Reads a data directory.
  /// - Throws: `.noStore` where there is none; otherwise as `DataDirectory.open`, but for damage
  ///   of the logs, which the survey's verdict tells.
  public init(_ path: String) throws(DataDirectoryError) {
    let directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else {
      if errno == ENOENT { throw .noStore(path: path) }
      throw .cannot(path: path, reason: String(cString: strerror(errno)))
    }
    let source = FileSource(directory: directory, isDirect: false)
    do throws(Survey.Failure) {
      survey = try Survey(source)
    } catch {
      close(directory)
      throw DataDirectoryError(error, path: path)
    }
    self.path = path
    self.directory = directory
    self.source = source
    isInUse = Self.isLocked(directory)
  }

  deinit { close(directory) }

  /// Gives out every payload that recovery would restore, in order: the pieces of the checkpoint,
  /// then the batches. What they hold is for the machine's records to say.
  public func forEachPayload(_ body: (PayloadOrigin, Bytes) throws -> Void) throws {
    try survey.forEachPayload(source) { try body($0, Bytes(copying: $1)) }
  }

  private static func isLocked(_ directory: Int32) -> Bool {
    let lock = openat(directory, JournalFile.lock.name, O_RDONLY | O_CLOEXEC)
    guard lock >= 0 else { return false }
    defer { close(lock) }
    var range = flock()
    range.l_type = Int16(F_WRLCK)
    range.l_whence = Int16(SEEK_SET)
    return fcntl(lock, F_OFD_GETLK, &range) == 0 && range.l_type != Int16(F_UNLCK)
  }
}

extension DataDirectoryError {
  init(_ failure: Survey.Failure, path: String) {
    switch failure {
    case .blank: self = .noStore(path: path)
    case .noSuperblock(let files): self = .noSuperblock(path: path, files: files)
    case .newerFormat(let required, let supported):
      self = .newerFormat(path: path, required: required, supported: supported)
    case .unreadable(let failure): self = .failed(path, failure)
    }
  }
}
