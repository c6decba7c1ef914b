internal import Glibc
public import SynodJournal

/// A store's directory, read past the page cache, or with the cache dropped, so that recovery sees
/// what is on the disk and not what once was written.
public struct FileSource: JournalSource, Sendable {
  private let directory: Int32
  private let isDirect: Bool
  private let spares: SpareDescriptors?

  /// - Parameters:
  ///   - directory: a descriptor of the directory; stays the caller's.
  ///   - isDirect: whether the file system takes `O_DIRECT`.
  ///   - spares: where there are some, to be used where there are no other descriptors.
  init(directory: Int32, isDirect: Bool, _ spares: SpareDescriptors? = nil) {
    self.spares = spares
    self.directory = directory
    self.isDirect = isDirect
  }

  /// Lists the files that have a role, with their sizes.
  public func files() throws(FileFailure) -> [JournalFile: UInt64] {
    let copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard copy >= 0 else { throw FileFailure(errno: errno, during: "list the directory") }
    guard let stream = fdopendir(copy) else {
      let code = errno
      close(copy)
      throw FileFailure(errno: code, during: "list the directory")
    }
    defer { closedir(stream) }
    var files: [JournalFile: UInt64] = [:]
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        guard errno == 0 else { throw FileFailure(errno: errno, during: "list the directory") }
        return files
      }
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard let file = JournalFile(name: name) else { continue }
      var status = stat()
      guard fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
        throw FileFailure(errno: errno, during: "look at \(name)")
      }
      files[file] = UInt64(status.st_size)
    }
  }

  /// Reads pages, with the page cache dropped.
  public func read(
    _ file: JournalFile, at offset: UInt64, into target: UnsafeMutableRawBufferPointer
  ) throws(FileFailure) -> Int {
    let flags = O_RDONLY | O_CLOEXEC | (isDirect ? O_DIRECT : 0)
    let attempt = { openat(directory, file.name, flags) }
    let descriptor = spares?.open(attempt) ?? attempt()
    guard descriptor >= 0 else { throw FileFailure(errno: errno, during: "open \(file)") }
    defer { close(descriptor) }
    if !isDirect {
      posix_fadvise(descriptor, off_t(offset), off_t(target.count), POSIX_FADV_DONTNEED)
    }
    var done = 0
    while done < target.count {
      let got = pread(
        descriptor, target.baseAddress.map { $0 + done }, target.count - done,
        off_t(offset) + off_t(done))
      if got < 0, errno == EINTR { continue }
      guard got >= 0 else {
        throw Self.failure(errno, "read \(file) at \(offset)")
      }
      if got == 0 { break }
      done += got
      // Past the cache, a read that ends within a page has met the end of the file.
      if isDirect, done % Block.sectorSize != 0 { break }
    }
    return done
  }

  /// Tells what the disk cannot give back from what the system has no room for just now.
  static func failure(_ code: Int32, _ what: String) -> FileFailure {
    let failure = FileFailure(errno: code, during: what)
    let isOfTheDevice = [EIO, EBADMSG, EUCLEAN, EILSEQ, ENODATA, EREMOTEIO].contains(code)
    return isOfTheDevice ? FileFailure(.unreadable, failure.description) : failure
  }
}
