internal import Synod

/// Names in their order, in blocks that are short enough to be moved about.
struct OrderedNames: Hashable, Sendable {
  private static let fullBlock = 256

  /// None of them empty.
  private var blocks: [[Bytes]] = []

  init(_ names: [Bytes]) {
    var block: [Bytes] = []
    for name in names.sorted() {
      block.append(name)
      if block.count == Self.fullBlock / 2 {
        blocks.append(block)
        block = []
      }
    }
    if !block.isEmpty { blocks.append(block) }
  }

  /// The block that holds a name, or would.
  private func block(of name: Bytes) -> Int {
    max(Self.first(blocks.count) { name < blocks[$0][0] } - 1, 0)
  }

  /// The first place of so many for which this holds; it holds for all behind it.
  private static func first(_ count: Int, where holds: (Int) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if holds(middle) { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// Adds a name that is not there.
  mutating func insert(_ name: Bytes) {
    if blocks.isEmpty { return blocks.append([name]) }
    let number = block(of: name)
    let block = blocks[number]
    let place = Self.first(block.count) { block[$0] > name }
    blocks[number].insert(name, at: place)
    guard blocks[number].count == Self.fullBlock else { return }
    let rest = Array(blocks[number][(Self.fullBlock / 2)...])
    blocks[number].removeLast(rest.count)
    blocks.insert(rest, at: number + 1)
  }

  mutating func remove(_ name: Bytes) {
    guard !blocks.isEmpty else { return }
    let number = block(of: name)
    guard let place = blocks[number].firstIndex(of: name) else { return }
    blocks[number].remove(at: place)
    if blocks[number].isEmpty { blocks.remove(at: number) }
  }

  enum Step {
    case goOn, isPast, stop
  }

  /// Goes through the names from one on.
  /// - Returns: whether it came past the last that was wanted.
  func walk(from start: Bytes, _ body: (Bytes) -> Step) -> Bool {
    guard !blocks.isEmpty else { return true }
    var number = block(of: start)
    var place = Self.first(blocks[number].count) { blocks[number][$0] >= start }
    while number < blocks.count {
      while place < blocks[number].count {
        switch body(blocks[number][place]) {
        case .goOn: place += 1
        case .isPast: return true
        case .stop: return false
        }
      }
      number += 1
      place = 0
    }
    return true
  }
}
