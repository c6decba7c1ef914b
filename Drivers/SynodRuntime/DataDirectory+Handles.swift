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
  func probe(_ path: String, isUnsafe: Bool) throws(DataDirectoryError) -> FileInterpreter.Mode {
    if isUnsafe { return .unsafe }
    for (mode, flags) in [
      (FileInterpreter.Mode.direct, O_DIRECT | O_DSYNC), (.synchronous, O_DSYNC),
    ] {
      if takes(flags) { return mode }
    }
    return .separate
  }

  private func takes(_ flags: Int32) -> Bool {
    let name = "PROBE"
    let file = openat(directory, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | flags, 0o644)
    // A file system without O_DIRECT makes the file and then refuses to open it.
    defer { unlinkat(directory, name, 0) }
    guard file >= 0 else { return false }
    defer { Glibc.close(file) }
    let page = BlockBuffer(capacity: Block.pageSize)
    defer { withExtendedLifetime(page) {} }
    memset(page.start, 0, Block.pageSize)
    return pwrite(file, page.start, Block.pageSize, 0) == Block.pageSize
  }

  /// 128 bits that no other store has.
  static func random() -> Identity128 {
    var generator = SystemRandomNumberGenerator()
    return Identity128(high: generator.next(), low: generator.next())
  }
}

/// Makes a directory and its parents, each durable in its parent.
enum DirectoryMaker {
  static func make(_ path: String) throws(DataDirectoryError) {
    guard !path.isEmpty else { throw .cannot(path: path, reason: "the path is empty") }
    var status = stat()
    if stat(path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFDIR else {
        throw .cannot(path: path, reason: "it is not a directory")
      }
      return
    }
    let parent = parent(of: path)
    if parent != path { try make(parent) }
    if mkdir(path, 0o755) != 0, errno != EEXIST { throw .errno("make it", path) }
    let descriptor = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .errno("open \(parent)", path) }
    defer { close(descriptor) }
    if fsync(descriptor) != 0 { throw .errno("sync \(parent)", path) }
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
