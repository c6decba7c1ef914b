/// The bytes of one command that did not arrive in one piece, or that had to be unquoted. Its
/// memory does not move once the command is complete, and nothing writes to it any more, so whoever
/// holds the object may go on reading the arguments.
public final class RequestStorage {
  private(set) var start: UnsafeMutableRawPointer
  /// Bytes of memory held.
  public private(set) var capacity: Int
  private(set) var count = 0

  init(capacity: Int) {
    self.capacity = max(capacity, 64)
    start = .allocate(byteCount: self.capacity, alignment: 16)
  }

  deinit { start.deallocate() }

  /// Appends bytes, growing by doubling but not beyond `target`, where that is enough: memory
  /// follows what has arrived, not what was announced.
  func append(_ bytes: UnsafeRawBufferPointer, target: Int) {
    guard let base = bytes.baseAddress, bytes.count > 0 else { return }
    let needed = count + bytes.count
    if needed > capacity {
      grow(to: max(needed, min(capacity * 2, max(target, needed))))
    }
    (start + count).copyMemory(from: base, byteCount: bytes.count)
    count = needed
  }

  func append(_ byte: UInt8) {
    if count == capacity { grow(to: capacity * 2) }
    start.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
    count += 1
  }

  private func grow(to larger: Int) {
    let target = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
    target.copyMemory(from: start, byteCount: count)
    start.deallocate()
    start = target
    capacity = larger
  }
}
