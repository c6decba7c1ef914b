/// First in, first out.
struct Fifo<Element: Hashable & Sendable>: Hashable, Sendable {
  private var items: [Element] = []
  private var first = 0

  var count: Int { items.count - first }
  var isEmpty: Bool { items.count == first }
  var next: Element? { isEmpty ? nil : items[first] }

  mutating func append(_ element: Element) { items.append(element) }

  mutating func popFirst() -> Element? {
    guard let element = next else { return nil }
    first += 1
    if first == items.count {
      items.removeAll(keepingCapacity: first < 1024)
      first = 0
    } else if first > 64 && first * 2 > items.count {
      items.removeFirst(first)
      first = 0
    }
    return element
  }
}
