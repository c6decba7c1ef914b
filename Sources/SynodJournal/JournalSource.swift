/// The bytes of a store's directory, as recovery and inspection read them: never through a cache
/// that may hold what is not on the disk.
public protocol JournalSource {
  /// The files of the directory that have a role, with their sizes in bytes.
  func files() throws(FileFailure) -> [JournalFile: UInt64]

  /// Reads into `target` until it is full or the file ends, and returns how much was read. Offset
  /// and size of the target are whole pages. An error of the device is thrown; it is never the end
  /// of the file.
  func read(
    _ file: JournalFile, at offset: UInt64, into target: UnsafeMutableRawBufferPointer
  ) throws(FileFailure) -> Int
}

/// A file seen through a bounded window. What the device cannot read is zero, and known.
struct FileWindow<Source: JournalSource>: ~Copyable {
  let source: Source
  let file: JournalFile
  let size: UInt64
  private var buffer: BlockBuffer
  private var start: UInt64 = 0
  /// Pages that could not be read, by offset.
  private(set) var unreadable: [UInt64] = []
  private static var windowSize: Int { 4 << 20 }

  init(_ source: Source, _ file: JournalFile, size: UInt64) {
    self.source = source
    self.file = file
    self.size = size
    buffer = BlockBuffer(capacity: Int(min(size, UInt64(Self.windowSize))))
  }

  /// The bytes at `offset`, which is on a page: `count`, or fewer where the file ends. Valid until
  /// the next call.
  mutating func bytes(at offset: UInt64, count: Int) -> UnsafeRawBufferPointer {
    guard offset < size else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    let count = Int(min(UInt64(count), size - offset))
    if offset < start || offset + UInt64(count) > start + UInt64(buffer.count) {
      load(at: offset, count: max(count, Self.windowSize))
    }
    let first = Int(offset - start)
    let available = max(0, min(count, buffer.count - first))
    return UnsafeRawBufferPointer(start: buffer.start + first, count: available)
  }

  /// What `body` makes of the bytes at `offset`; see `bytes(at:count:)`.
  mutating func withBytes<R>(
    at offset: UInt64, count: Int, _ body: (UnsafeRawBufferPointer) -> R
  ) -> R {
    let bytes = bytes(at: offset, count: count)
    defer { withExtendedLifetime(buffer) {} }
    return body(bytes)
  }

  /// Whether any page of these could not be read.
  func isUnreadable(at offset: UInt64, count: UInt64) -> Bool {
    unreadable.contains { $0 + UInt64(Block.pageSize) > offset && $0 < offset + count }
  }

  private mutating func load(at offset: UInt64, count: Int) {
    let wanted = min(UInt64(Block.roundedToPage(count)), size - offset)
    let room = Block.roundedToPage(Int(wanted))
    if buffer.capacity < room { buffer = BlockBuffer(capacity: room) }
    start = offset
    let target = UnsafeMutableRawBufferPointer(start: buffer.start, count: room)
    do throws(FileFailure) {
      buffer.count = try source.read(file, at: offset, into: target)
    } catch {
      loadByPages(at: offset, count: Int(wanted))
    }
  }

  /// Finds out which pages the device cannot read.
  private mutating func loadByPages(at offset: UInt64, count: Int) {
    buffer.count = count
    for page in stride(from: 0, to: count, by: Block.pageSize) {
      let target = UnsafeMutableRawBufferPointer(
        start: buffer.start + page, count: Block.pageSize)
      do throws(FileFailure) {
        let got = try source.read(file, at: offset + UInt64(page), into: target)
        if got < min(Block.pageSize, count - page) {
          buffer.count = page + got
          return
        }
      } catch {
        target.initializeMemory(as: UInt8.self, repeating: 0)
        let known = offset + UInt64(page)
        if !unreadable.contains(known) { unreadable.append(known) }
      }
    }
  }
}
