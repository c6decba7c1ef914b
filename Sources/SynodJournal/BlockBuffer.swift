internal import Synod

/// Memory for blocks, aligned to a page, so that it can be written past the page cache.
///
/// Filled by the journal, then only read: by the time another thread sees it in an operation, it
/// changes no more until that operation is done and the reference dropped.
public final class BlockBuffer: @unchecked Sendable {
  /// Where the bytes start, aligned to `Block.pageSize`.
  public let start: UnsafeMutableRawPointer
  let capacity: Int
  /// Bytes in use.
  public internal(set) var count: Int

  /// - Parameter capacity: bytes of room, rounded up to whole pages.
  public init(capacity: Int) {
    let size = max(Block.roundedToPage(capacity), Block.pageSize)
    start = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: Block.pageSize)
    self.capacity = size
    count = 0
  }

  /// A copy of `bytes`, zero up to a whole page.
  public convenience init(pagesOf bytes: UnsafeRawBufferPointer) {
    self.init(capacity: bytes.count)
    count = Block.roundedToPage(bytes.count)
    start.initializeMemory(as: UInt8.self, repeating: 0, count: count)
    if let base = bytes.baseAddress { start.copyMemory(from: base, byteCount: bytes.count) }
  }

  deinit { start.deallocate() }

  /// The bytes in use. Valid as long as someone holds the buffer.
  public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }
}
