internal import Glibc
internal import Synod
internal import SynodJournal
internal import Synchronization

/// Does on real files what a journal asks for. Blocking calls only: it is used on other threads than
/// the loop's, and while a store is opened.
///
/// Happy path: a log's segment is open past the page cache and synchronous, so a commit is one
/// `pwrite`. Descriptors stay open until their file is renamed or removed; they belong to this
/// object. Two jobs may run at once on two threads, never on one file.
final class FileInterpreter: Sendable {
  let mode: WriteMode
  private let directory: Int32
  private let open = Mutex<[Key: Int32]>([:])
  private let spares = SpareDescriptors()
  private let zeros = BlockBuffer(capacity: 1 << 20)
  /// Asked before each operation; a test's way to make one fail.
  private let fault: (@Sendable (FileOperation) -> FileFailure?)?
  private let syncFile: @Sendable (Int32, FileSync) -> Int32

  private struct Key: Hashable {
    var file: JournalFile
    var use: Use
  }

  /// What a descriptor is for.
  private enum Use: Hashable {
    /// Durable on return, as far as the mode goes.
    case commit
    /// Past the page cache where that is possible; durable after a sync.
    case bulk
    /// Through the page cache.
    case buffered
  }

  /// - Parameter directory: a descriptor of the store's directory; stays the caller's.
  init(directory: Int32, mode: WriteMode, _ options: FileStorage.Options) {
    self.directory = directory
    self.mode = mode
    fault = options.fault
    syncFile = options.sync ?? systemSync
    memset(zeros.start, 0, 1 << 20)
  }

  deinit { closeAll() }

  /// Closes every descriptor.
  func closeAll() {
    open.withLock { open in
      for descriptor in open.values { close(descriptor) }
      open.removeAll()
    }
    spares.closeAll()
  }

  /// Runs a job; nil where all of it was done.
  func perform(_ job: FileJob) -> FileFailure? {
    // The job holds the memory that its operations point to.
    defer { withExtendedLifetime(job) {} }
    spares.refill { fcntl(directory, F_DUPFD_CLOEXEC, 0) }
    for operation in job.operations {
      do throws(FileFailure) {
        if let failure = fault?(operation) { throw failure }
        try perform(operation)
      } catch {
        if case .note = operation { continue }
        return error.of(operation)
      }
    }
    return nil
  }

  /// The write that a commit begins with, for whoever can do it without a thread: where its file is
  /// open already, and no test wants to see it fail here.
  func directWrite(
    of job: FileJob
  ) -> (descriptor: Int32, offset: UInt64, block: BlockBuffer)? {
    guard mode == .direct, fault == nil,
      case .commit(let file, let offset, let block)? = job.operations.first,
      let descriptor = open.withLock({ $0[Key(file: file, use: .commit)] })
    else { return nil }
    return (descriptor, offset, block)
  }

  private func perform(_ operation: FileOperation) throws(FileFailure) {
    switch operation {
    case .create(let file):
      forget(file)
      let descriptor = spares.open {
        openat(directory, file.name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
      }
      guard descriptor >= 0 else { throw failure(operation) }
      close(descriptor)
    case .fill(let file, let offset, let count):
      try fill(file, at: offset, count: count, operation)
    case .commit(let file, let offset, let block):
      let descriptor = try descriptor(file, .commit, operation)
      try writeAll(descriptor, block.bytes, at: offset, operation)
      if mode == .separate, syncFile(descriptor, .data) != 0 { throw failure(operation) }
    case .write(let file, let offset, let block):
      try writeAll(
        descriptor(file, block.count % Block.pageSize == 0 ? .bulk : .buffered, operation),
        block.bytes, at: offset, operation)
    case .note(let file, let offset, let block):
      try writeAll(descriptor(file, .buffered, operation), block.bytes, at: offset, operation)
    case .copy(let file, let offset, let count, let target):
      try copy(file, at: offset, count: count, to: target, operation)
    case .truncate(let file, let size):
      let descriptor = try descriptor(file, .buffered, operation)
      if ftruncate(descriptor, off_t(size)) != 0 { throw failure(operation) }
    case .sync(let file):
      try sync(file, operation)
    case .syncDirectory:
      if mode != .unsafe, syncFile(directory, .directory) != 0 { throw failure(operation) }
    case .rename(let file, let target):
      forget(file)
      forget(target)
      if renameat(directory, file.name, directory, target.name) != 0 { throw failure(operation) }
    case .unlink(let file):
      forget(file)
      if unlinkat(directory, file.name, 0) != 0, errno != ENOENT { throw failure(operation) }
    case .verify(let file, let offset, let count, let checksum):
      try verify(file, at: offset, count: count, checksum: checksum, operation)
    }
  }

  /// Bytes that are left on the file system; nil where it does not say.
  func freeBytes() -> UInt64? {
    var status = statvfs()
    guard fstatvfs(directory, &status) == 0 else { return nil }
    return UInt64(status.f_bavail) * UInt64(status.f_frsize)
  }

  // MARK: Steps

  private func fill(
    _ file: JournalFile, at offset: UInt64, count: Int, _ operation: FileOperation
  ) throws(FileFailure) {
    let isAligned =
      offset % UInt64(Block.pageSize) == 0 && count % Block.pageSize == 0
    let descriptor = try descriptor(file, isAligned ? .bulk : .buffered, operation)
    var done = 0
    while done < count {
      let chunk = min(count - done, 1 << 20)
      let bytes = UnsafeRawBufferPointer(start: zeros.start, count: chunk)
      try writeAll(descriptor, bytes, at: offset + UInt64(done), operation)
      done += chunk
    }
  }

  private func copy(
    _ file: JournalFile, at offset: UInt64, count: UInt64, to target: JournalFile,
    _ operation: FileOperation
  ) throws(FileFailure) {
    let from = try descriptor(file, .buffered, operation)
    let to = try descriptor(target, .buffered, operation)
    let buffer = BlockBuffer(capacity: 1 << 20)
    defer { withExtendedLifetime(buffer) {} }
    var done: UInt64 = 0
    while done < count {
      let chunk = Int(min(count - done, 1 << 20))
      let got = pread(from, buffer.start, chunk, off_t(offset + done))
      if got < 0, errno == EINTR { continue }
      guard got >= 0 else { throw failure(operation) }
      if got == 0 { return }
      try writeAll(
        to, UnsafeRawBufferPointer(start: buffer.start, count: got), at: done, operation)
      done += UInt64(got)
    }
  }

  private func sync(_ file: JournalFile, _ operation: FileOperation) throws(FileFailure) {
    guard mode != .unsafe else { return }
    // One descriptor is enough: a sync is of the file, and so are its errors.
    let descriptor = try descriptor(file, .buffered, operation)
    if syncFile(descriptor, .data) != 0 { throw failure(operation) }
  }

  private func verify(
    _ file: JournalFile, at offset: UInt64, count: Int, checksum: UInt32,
    _ operation: FileOperation
  ) throws(FileFailure) {
    let source = FileSource(directory: directory, isDirect: mode == .direct, spares)
    let buffer = BlockBuffer(capacity: count)
    defer { withExtendedLifetime(buffer) {} }
    let target = UnsafeMutableRawBufferPointer(
      start: buffer.start, count: (count + Block.pageSize - 1) / Block.pageSize * Block.pageSize)
    let got = try source.read(file, at: offset, into: target)
    let found = CRC32C.checksum(
      UnsafeRawBufferPointer(start: buffer.start, count: min(got, count)))
    guard got >= count, found == checksum else {
      throw FileFailure(.mismatch, "\(operation): what was read back is not what was written")
    }
  }

  private func writeAll(
    _ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, at offset: UInt64,
    _ operation: FileOperation
  ) throws(FileFailure) {
    var done = 0
    while done < bytes.count {
      let written = pwrite(
        descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done,
        off_t(offset) + off_t(done))
      if written < 0, errno == EINTR { continue }
      guard written > 0 else { throw failure(operation) }
      done += written
    }
  }

  // MARK: Descriptors

  private func descriptor(
    _ file: JournalFile, _ use: Use, _ operation: FileOperation
  ) throws(FileFailure) -> Int32 {
    let key = Key(file: file, use: use)
    if let known = open.withLock({ $0[key] }) { return known }
    var flags = O_RDWR | O_CLOEXEC
    switch (use, mode) {
    case (.commit, .direct): flags |= O_DIRECT | O_DSYNC
    case (.commit, .synchronous): flags |= O_DSYNC
    case (.bulk, .direct): flags |= O_DIRECT
    case (.commit, .separate), (.commit, .unsafe), (.bulk, .synchronous), (.bulk, .separate),
      (.bulk, .unsafe), (.buffered, .direct), (.buffered, .synchronous), (.buffered, .separate),
      (.buffered, .unsafe):
      break
    }
    let descriptor = spares.open { openat(directory, file.name, flags) }
    guard descriptor >= 0 else { throw failure(operation) }
    open.withLock { $0[key] = descriptor }
    return descriptor
  }

  /// Closes what is open of a file whose name is about to mean something else.
  private func forget(_ file: JournalFile) {
    open.withLock { open in
      for use in [Use.commit, .bulk, .buffered] {
        if let descriptor = open.removeValue(forKey: Key(file: file, use: use)) {
          close(descriptor)
        }
      }
    }
  }

  private func failure(_ operation: FileOperation) -> FileFailure {
    FileFailure(errno: errno, during: operation.description)
  }
}

/// The system's own calls.
func systemSync(_ descriptor: Int32, _ what: FileSync) -> Int32 {
  switch what {
  case .data: fdatasync(descriptor)
  case .directory: fsync(descriptor)
  }
}

extension FileFailure {
  init(errno code: Int32, during what: String) {
    let kind: Kind = code == ENOSPC || code == EDQUOT ? .noSpace : .other
    self.init(kind, "\(what): \(String(cString: strerror(code)))")
  }
}
