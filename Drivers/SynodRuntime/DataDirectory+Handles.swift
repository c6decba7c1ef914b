internal import Glibc
internal import Synod
internal import SynodJournal

/// The directory's descriptor and its lock, held for life.
final class Handles {
  private(set) var directory: Int32
  private var lock: Int32

  /// Opens and locks.
  init(_ path: String) throws(DataDirectoryError) {
    let directory = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { throw .errno("open it", path) }
    let lock = openat(directory, JournalFile.lock.name, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard lock >= 0 else {
      defer { Glibc.close(directory) }
      throw .errno("open its lock", path)
    }
    self.directory = directory
    self.lock = lock
    // Of the open file, not of the process: a second node of one process is kept out too, and
    // closing another descriptor of the file does not let go.
    var range = flock()
    range.l_type = Int16(F_WRLCK)
    range.l_whence = Int16(SEEK_SET)
    guard fcntl(lock, F_OFD_SETLK, &range) == 0 else {
      let code = errno
      close()
      if code == EAGAIN || code == EACCES { throw .inUse(path: path) }
      throw .cannot(path: path, reason: "lock it: \(String(cString: strerror(code)))")
    }
  }

  deinit { close() }

  func close() {
    if lock >= 0 { Glibc.close(lock) }
    if directory >= 0 { Glibc.close(directory) }
    lock = -1
    directory = -1
  }

  /// Finds out what the file system takes, by writing.
  func probe(
    _ path: String, _ options: FileStorage.Options
  ) throws(DataDirectoryError) -> WriteMode {
    if options.unsafeSkipSync { return .unsafe }
    if let mode = options.mode { return mode }
    for (mode, flags) in [
      (WriteMode.direct, O_DIRECT | O_DSYNC), (.synchronous, O_DSYNC),
    ] {
      if try takes(flags, path) { return mode }
    }
    return .separate
  }

  private func takes(_ flags: Int32, _ path: String) throws(DataDirectoryError) -> Bool {
    let name = "PROBE"
    var file = openat(directory, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | flags, 0o644)
    // A file system without O_DIRECT makes the file and then refuses to open it.
    defer { unlinkat(directory, name, 0) }
    if file < 0, errno == ENOSPC || errno == EDQUOT {
      // No new file: one that is there takes the same flags.
      file = openat(directory, JournalFile.lock.name, O_RDWR | O_CLOEXEC | flags)
      defer { if file >= 0 { Glibc.close(file) } }
      if file >= 0 { return true }
      return try isRefusal(errno, path)
    }
    guard file >= 0 else { return try isRefusal(errno, path) }
    defer { Glibc.close(file) }
    let page = BlockBuffer(capacity: Block.pageSize)
    defer { withExtendedLifetime(page) {} }
    memset(page.start, 0, Block.pageSize)
    if pwrite(file, page.start, Block.pageSize, 0) == Block.pageSize { return true }
    // A full disk says nothing of the flags, and it took them when the file was opened.
    if errno == ENOSPC || errno == EDQUOT { return true }
    return try isRefusal(errno, path)
  }

  /// False where the file system does not take the flags, so that a call can end with it.
  private func isRefusal(_ code: Int32, _ path: String) throws(DataDirectoryError) -> Bool {
    if code == EINVAL || code == EOPNOTSUPP || code == ENOSYS { return false }
    throw .cannot(path: path, reason: "write to it: \(String(cString: strerror(code)))")
  }

  /// 128 bits that no other store has.
  static func random() -> Identity128 {
    var generator = SystemRandomNumberGenerator()
    return Identity128(high: generator.next(), low: generator.next())
  }
}

/// Makes a directory and its parents, each durable in its parent.
enum DirectoryMaker {
  static func make(
    _ path: String, sync: (Int32, FileSync) -> Int32
  ) throws(DataDirectoryError) {
    guard !path.isEmpty else { throw .cannot(path: path, reason: "the path is empty") }
    var status = stat()
    if stat(path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFDIR else {
        throw .cannot(path: path, reason: "it is not a directory")
      }
    } else {
      let parent = parent(of: path)
      if parent != path { try make(parent, sync: sync) }
      if mkdir(path, 0o755) != 0, errno != EEXIST { throw .errno("make it", path) }
    }
    try syncParent(of: path, sync)
  }

  /// Makes the name of a directory durable, whoever made it: a kill may have come before that. Where
  /// this user may not look at the parent, somebody else made the directory.
  private static func syncParent(
    of path: String, _ sync: (Int32, FileSync) -> Int32
  ) throws(DataDirectoryError) {
    let descriptor = open("\(path)/..", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if descriptor < 0, errno == EACCES || errno == EPERM { return }
    guard descriptor >= 0 else { throw .errno("open its parent", path) }
    defer { close(descriptor) }
    if sync(descriptor, .directory) != 0, errno != EROFS, errno != EINVAL {
      throw .errno("sync its parent", path)
    }
  }

  private static func parent(of path: String) -> String {
    var end = path[...]
    while end.count > 1, end.last == "/" { end = end.dropLast() }
    guard let slash = end.lastIndex(of: "/") else { return "." }
    return slash == end.startIndex ? "/" : String(end[..<slash])
  }
}

extension DataDirectoryError {
  fileprivate static func errno(_ what: String, _ path: String) -> DataDirectoryError {
    let code = Glibc.errno
    let reason = "\(what): \(String(cString: strerror(code)))"
    return code == ENOSPC || code == EDQUOT
      ? .noSpace(path: path, reason: reason) : .cannot(path: path, reason: reason)
  }
}
