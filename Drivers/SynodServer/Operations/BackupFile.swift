import Glibc
import Synod

/// A copy of keys and values in a file: a first line, blocks of entries with their checksums, and an end
/// that says how many there are, so that a file that was cut off or damaged is never taken for a whole one.
///
/// A block: its length (32 bits, little-endian), the CRC-32C of its bytes, its bytes. An entry: the length
/// of the key, the key, the length of the value, the value. The end: a length of zero, the CRC-32C of the
/// next eight bytes, the number of entries (64 bits).
enum BackupFile {
  static let firstLine = Array("synod-backup 1\n".utf8)
  /// Bytes of a block, about; one has at least one entry.
  static let blockBytes = 1 << 20
  /// Bytes of a block that is read; the longest value, the longest key, and the rest of a block fit.
  static let longestBlock = 16 << 20

  struct Entry: Hashable {
    var key: [UInt8]
    var value: [UInt8]
  }

  static func append(_ number: UInt32, to bytes: inout [UInt8]) {
    for shift in [0, 8, 16, 24] as [UInt32] {
      bytes.append(UInt8(truncatingIfNeeded: number >> shift))
    }
  }

  static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }

  static func failure(_ path: String, _ what: String) -> Failure {
    Failure("\(what) \(path): \(String(cString: strerror(errno)))")
  }
}

/// Writes a `BackupFile`. It has its name only once all of it is durable.
final class BackupWriter {
  private let path: String
  private let file: Int32
  private var block: [UInt8] = []
  private(set) var count: UInt64 = 0
  private(set) var bytesWritten = 0
  private var isFinished = false

  private var unfinished: String { path + ".part" }

  init(_ path: String) throws(Failure) {
    self.path = path
    guard access(path, F_OK) != 0 else {
      throw .usage("\(path) is there already; a backup is not written over another file")
    }
    file = open(path + ".part", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw BackupFile.failure(path, "cannot write") }
    try write(BackupFile.firstLine)
  }

  deinit {
    close(file)
    if !isFinished { unlink(path + ".part") }
  }

  func add(_ entry: BackupFile.Entry) throws(Failure) {
    BackupFile.append(UInt32(entry.key.count), to: &block)
    block += entry.key
    BackupFile.append(UInt32(entry.value.count), to: &block)
    block += entry.value
    count += 1
    if block.count >= BackupFile.blockBytes { try endBlock() }
  }

  private func endBlock() throws(Failure) {
    guard !block.isEmpty else { return }
    var bytes: [UInt8] = []
    BackupFile.append(UInt32(block.count), to: &bytes)
    BackupFile.append(block.withUnsafeBytes { CRC32C.checksum($0) }, to: &bytes)
    try write(bytes + block)
    block.removeAll(keepingCapacity: true)
  }

  /// Ends the file, makes it durable and gives it its name.
  func finish() throws(Failure) {
    try endBlock()
    var number: [UInt8] = []
    BackupFile.append(UInt32(truncatingIfNeeded: count), to: &number)
    BackupFile.append(UInt32(truncatingIfNeeded: count >> 32), to: &number)
    var bytes: [UInt8] = [0, 0, 0, 0]
    BackupFile.append(number.withUnsafeBytes { CRC32C.checksum($0) }, to: &bytes)
    try write(bytes + number)
    guard fsync(file) == 0, rename(unfinished, path) == 0 else {
      throw BackupFile.failure(path, "cannot write")
    }
    isFinished = true
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { throw BackupFile.failure(folder, "cannot sync") }
    defer { close(directory) }
    guard fsync(directory) == 0 else { throw BackupFile.failure(folder, "cannot sync") }
  }

  private func write(_ bytes: [UInt8]) throws(Failure) {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.write(file, $0.baseAddress.map { $0 + done }, bytes.count - done)
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw BackupFile.failure(path, "cannot write") }
      done += count
    }
    bytesWritten += bytes.count
  }
}

/// Reads a `BackupFile`, a block at a time.
final class BackupReader {
  private let path: String
  private let file: Int32
  private var offset = 0
  private var count: UInt64 = 0
  /// Bytes of the file.
  let size: Int

  init(_ path: String) throws(Failure) {
    self.path = path
    file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw BackupFile.failure(path, "cannot read") }
    var facts = stat()
    guard fstat(file, &facts) == 0 else {
      let failure = BackupFile.failure(path, "cannot read")
      close(file)
      throw failure
    }
    size = Int(facts.st_size)
    guard try read(BackupFile.firstLine.count) == BackupFile.firstLine else {
      throw Failure("\(path) is no backup of this version of synod")
    }
  }

  deinit { close(file) }

  /// The entries of the next block.
  /// - Returns: nil behind the last.
  /// - Throws: where the file is damaged, or was cut off.
  func next() throws(Failure) -> [BackupFile.Entry]? {
    let start = offset
    let head = try read(8)
    let length = Int(BackupFile.number(head[..<4]))
    let checksum = BackupFile.number(head[4...])
    guard length <= BackupFile.longestBlock else { throw damaged(start, "a block is too long") }
    let bytes = try read(length == 0 ? 8 : length)
    guard bytes.withUnsafeBytes({ CRC32C.checksum($0) }) == checksum else {
      throw damaged(start, "a checksum is wrong")
    }
    if length == 0 {
      let number =
        UInt64(BackupFile.number(bytes[..<4])) | UInt64(BackupFile.number(bytes[4...])) << 32
      guard number == count else {
        throw damaged(start, "it has \(count) entries, and there were \(number)")
      }
      guard offset == size else { throw damaged(offset, "more follows behind the end") }
      return nil
    }
    let entries = try entries(bytes, at: start)
    count += UInt64(entries.count)
    return entries
  }

  private func entries(_ bytes: [UInt8], at start: Int) throws(Failure) -> [BackupFile.Entry] {
    var rest = bytes[...]
    var entries: [BackupFile.Entry] = []
    while !rest.isEmpty {
      guard let key = Self.part(&rest), let value = Self.part(&rest) else {
        throw damaged(start, "an entry is cut off")
      }
      entries.append(.init(key: key, value: value))
    }
    return entries
  }

  private static func part(_ rest: inout ArraySlice<UInt8>) -> [UInt8]? {
    guard rest.count >= 4 else { return nil }
    let length = Int(BackupFile.number(rest.prefix(4)))
    rest = rest.dropFirst(4)
    guard rest.count >= length else { return nil }
    defer { rest = rest.dropFirst(length) }
    return Array(rest.prefix(length))
  }

  private func damaged(_ offset: Int, _ why: String) -> Failure {
    Failure("\(path) is damaged at byte \(offset): \(why); nothing of it can be relied on")
  }

  private func read(_ count: Int) throws(Failure) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < count {
      let found = bytes.withUnsafeMutableBytes {
        Glibc.read(file, $0.baseAddress.map { $0 + done }, count - done)
      }
      if found < 0 && errno == EINTR { continue }
      guard found >= 0 else { throw BackupFile.failure(path, "cannot read") }
      guard found > 0 else { throw damaged(offset + done, "it ends too early") }
      done += found
    }
    offset += count
    return bytes
  }
}
