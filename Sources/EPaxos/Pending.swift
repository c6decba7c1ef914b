internal import Synod

/// A proposal of this node's that has not ended.
struct Pending: Hashable, Sendable {
  var proposal: ProposalID
  var entry: Entry
  var deadline: Ticks?
  /// Which instance is to decide it; nil while it waits, and again once that decided nothing: so long,
  /// it surely had no effect.
  var instance: InstanceID?
}

/// Open proposals by their numbers, which ascend.
struct PendingTable: Hashable, Sendable {
  private var cells: [Pending?] = []
  private var head = 0
  /// The number of the first cell.
  private var base: UInt64 = 1
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }
  var numbers: Range<UInt64> { base..<(base + UInt64(cells.count - head)) }

  /// - Returns: its number.
  mutating func insert(_ pending: Pending) -> UInt64 {
    cells.append(pending)
    count += 1
    return numbers.upperBound - 1
  }

  subscript(number: UInt64) -> Pending? {
    get { numbers.contains(number) ? cells[head + Int(number - base)] : nil }
    set {
      guard numbers.contains(number) else { return }
      cells[head + Int(number - base)] = newValue
    }
  }

  mutating func remove(_ number: UInt64) -> Pending? {
    guard let pending = self[number] else { return nil }
    self[number] = nil
    count -= 1
    while head < cells.count, cells[head] == nil {
      head += 1
      base += 1
    }
    if head > 256, head * 2 > cells.count {
      cells.removeFirst(head)
      head = 0
    }
    return pending
  }
}

/// An end that is yet to be told.
struct Ended: Hashable, Sendable {
  enum How: Hashable, Sendable {
    case notApplied(NotApplied)
    case unknown(Abandoned)
  }

  var proposal: ProposalID
  /// Its number among the open ones, and whether it asked for a query.
  var number: UInt64
  var isRead: Bool
  var how: How
}
