/// First in, first out; what was taken out is given back in pieces.
struct Queue<Element: Hashable & Sendable>: Hashable, Sendable {
  private var elements: [Element] = []
  private var head = 0

  var isEmpty: Bool { head == elements.count }
  var count: Int { elements.count - head }
  var first: Element? { isEmpty ? nil : elements[head] }

  subscript(index: Int) -> Element {
    get { elements[head + index] }
    set { elements[head + index] = newValue }
  }

  mutating func append(_ element: Element) { elements.append(element) }

  mutating func popFirst() -> Element? {
    guard head < elements.count else { return nil }
    let element = elements[head]
    removeFirst()
    return element
  }

  mutating func removeFirst() {
    head += 1
    if head == elements.count {
      removeAll()
    } else if head > 64 && head * 2 > elements.count {
      elements.removeFirst(head)
      head = 0
    }
  }

  mutating func removeAll() {
    elements.removeAll(keepingCapacity: true)
    head = 0
  }

  mutating func remove(where isGone: (Element) -> Bool) {
    elements = elements[head...].filter { !isGone($0) }
    head = 0
  }

  /// All of them, in order.
  var all: ArraySlice<Element> { elements[head...] }
}
