/// First in, first out; what was taken out is given back in pieces.
package struct Queue<Element: Hashable & Sendable>: Hashable, Sendable {
  @usableFromInline var elements: [Element] = []
  @usableFromInline var head = 0

  /// An empty one.
  @inlinable package init() {}

  @inlinable package var isEmpty: Bool { head == elements.count }
  @inlinable package var count: Int { elements.count - head }
  @inlinable package var first: Element? { isEmpty ? nil : elements[head] }

  @inlinable package subscript(index: Int) -> Element {
    get { elements[head + index] }
    set { elements[head + index] = newValue }
  }

  @inlinable package mutating func append(_ element: Element) { elements.append(element) }

  @inlinable package mutating func popFirst() -> Element? {
    guard head < elements.count else { return nil }
    let element = elements[head]
    removeFirst()
    return element
  }

  @inlinable package mutating func removeFirst() {
    head += 1
    if head == elements.count {
      removeAll()
    } else if head > 64 && head * 2 > elements.count {
      elements.removeFirst(head)
      head = 0
    }
  }

  @inlinable package mutating func removeAll() {
    elements.removeAll(keepingCapacity: true)
    head = 0
  }

  /// Drops those that are wanted no more.
  @inlinable package mutating func keep(where isWanted: (Element) -> Bool) {
    elements = elements[head...].filter(isWanted)
    head = 0
  }

  /// All of them, in order.
  @inlinable package var all: ArraySlice<Element> { elements[head...] }
}
