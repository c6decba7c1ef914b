public import Synod

/// What this node holds of each slot: a run of slots without an end, of which some may be empty.
///
/// Slots up to the last applied are kept for a while, so that others catch up from them.
@usableFromInline
struct EntryLog: Hashable, Sendable {
  @usableFromInline
  struct Cell: Hashable, Sendable {
    /// Zero where this node accepted nothing here: it is empty, or was learned.
    @usableFromInline var ballot = Ballot.zero
    @usableFromInline var entry = Entry.filler
    /// It is known to be chosen.
    var isChosen = false
    var isEmpty: Bool { ballot.isZero && !isChosen }

    init() {}

    init(_ ballot: Ballot, _ entry: Entry, isChosen: Bool = false) {
      self.ballot = ballot
      self.entry = entry
      self.isChosen = isChosen
    }
  }

  @usableFromInline private(set) var cells: [Cell] = []
  /// Cells before this one were dropped.
  @usableFromInline private(set) var head = 0
  /// The slot of the first cell.
  @usableFromInline private(set) var first = Slot(1)

  /// The slot behind the last cell.
  var end: Slot { first.advanced(by: UInt64(cells.count - head)) }

  func has(_ slot: Slot) -> Bool { slot >= first && slot < end }

  @usableFromInline
  func index(_ slot: Slot) -> Int { head + Int(slot.rawValue - first.rawValue) }

  /// The cell of a slot that `has` is true of.
  @usableFromInline
  subscript(slot: Slot) -> Cell {
    get { cells[index(slot)] }
    set { cells[index(slot)] = newValue }
  }

  /// The cell of a slot, where there is something in it.
  func cell(_ slot: Slot) -> Cell? {
    guard has(slot), !self[slot].isEmpty else { return nil }
    return self[slot]
  }

  /// Puts something into a slot that was not dropped.
  mutating func put(_ cell: Cell, at slot: Slot) {
    precondition(slot >= first, "a slot that was dropped is written")
    while end <= slot { cells.append(Cell()) }
    self[slot] = cell
  }

  mutating func choose(_ slot: Slot) { cells[index(slot)].isChosen = true }

  /// Entries of slots that follow each other.
  func entries(from slot: Slot, to last: Slot) -> [Entry] {
    cells[index(slot)...index(last)].map(\.entry)
  }

  /// Drops all slots up to this one, also where there were none.
  mutating func drop(through slot: Slot) {
    guard slot >= first else { return }
    let count = min(Int(slot.rawValue - first.rawValue) + 1, cells.count - head)
    for index in head..<(head + count) { cells[index] = Cell() }
    head += count
    first = slot.next
    if head == cells.count {
      cells.removeAll(keepingCapacity: true)
      head = 0
    } else if head > 256 && head * 2 > cells.count {
      cells.removeFirst(head)
      head = 0
    }
  }

  /// Drops what is empty at the end.
  mutating func cutEmptyEnd() {
    while cells.count > head, cells[cells.count - 1].isEmpty { cells.removeLast() }
  }
}
