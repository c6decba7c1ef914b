internal import CMemoryHints

/// Values that are looked at in no order and never taken away, side by side: an array without checks,
/// in large pages, as otherwise finding the page takes as long as the value itself.
final class Column<Element: BitwiseCopyable> {
  private var elements: UnsafeMutablePointer<Element>
  private var capacity = 64
  private(set) var count = 0

  init() { elements = Self.room(for: 64) }

  deinit { elements.deallocate() }

  /// Bytes held.
  var bytes: Int { capacity * MemoryLayout<Element>.stride }

  /// Memory for so many, uninitialised.
  static func room(for count: Int) -> UnsafeMutablePointer<Element> {
    let bytes = count * MemoryLayout<Element>.stride
    let page = 2 << 20
    guard bytes >= page else { return .allocate(capacity: count) }
    let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: page)
    synod_prefer_large_pages(memory, bytes)
    return memory.bindMemory(to: Element.self, capacity: count)
  }

  /// - Parameter index: of one that was appended.
  @inline(__always)
  subscript(index: Int) -> Element { elements[index] }

  @inline(__always)
  func append(_ element: Element) {
    if count == capacity { grow() }
    elements[count] = element
    count += 1
  }

  @inline(never)
  private func grow() {
    let larger = Self.room(for: capacity * 2)
    larger.update(from: elements, count: count)
    elements.deallocate()
    elements = larger
    capacity *= 2
  }
}
