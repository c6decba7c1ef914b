/// Memory that replies are written to. A connection that is still sending from it holds it.
public final class ReplyStorage {
  @usableFromInline let start: UnsafeMutableRawPointer
  @usableFromInline let capacity: Int

  @usableFromInline init(capacity: Int) {
    self.capacity = capacity
    start = .allocate(byteCount: capacity, alignment: 16)
  }

  deinit { start.deallocate() }
}
