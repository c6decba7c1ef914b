internal import Synod

/// A proposal of this node's that is to stand in the log and has not ended.
struct Pending: Hashable, Sendable {
  /// Where it is.
  enum Stage: Hashable, Sendable {
    /// Here: nobody leads, or there is no room.
    case waiting
    /// In the queue or the window of this node, which leads.
    case queued
    /// With the leader that this node knew.
    case forwarded
  }

  /// Whose it is; nil for the machine's own.
  var proposal: ProposalID?
  var entry: Entry
  var deadline: Ticks?
  var importance: Importance
  var stage = Stage.waiting
  /// It left this node in some message, so that it may come to be chosen whatever is done.
  var hasLeft = false
  /// When it was last handed to a leader.
  var sentAt = Ticks(0)
}

/// Open proposals by their numbers, which ascend.
struct PendingTable: Hashable, Sendable {
  private var cells: [Pending?] = []
  private var head = 0
  /// The number of the first cell.
  private var base: UInt64 = 0
  private(set) var count = 0
  /// Of their entries.
  private(set) var bytes = 0

  var isEmpty: Bool { count == 0 }
  /// Numbers from the oldest open one to the last that was added.
  var span: Int { cells.count - head }
  var numbers: Range<UInt64> { base..<(base + UInt64(span)) }

  /// - Parameter number: higher than all before.
  mutating func insert(_ pending: Pending, as number: UInt64) {
    if span == 0 {
      cells.removeAll(keepingCapacity: true)
      head = 0
      base = number
    }
    precondition(number >= base + UInt64(span), "numbers of proposals do not ascend")
    while base + UInt64(span) < number { cells.append(nil) }
    cells.append(pending)
    count += 1
    bytes += pending.entry.size
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
    bytes -= pending.entry.size
    while head < cells.count, cells[head] == nil {
      head += 1
      base += 1
    }
    if head > 256 && head * 2 > cells.count {
      cells.removeFirst(head)
      head = 0
    }
    return pending
  }
}

/// How a proposal ended that the core knows of.
enum CoreOutcome: Hashable, Sendable {
  case passed(Slot)
  case membership(Membership, from: Slot)
  case lease(LeaseOutcome, at: Slot)
  case transferred(to: VoterID)
  case notApplied(NotApplied)
  case unknown(Abandoned)
}

/// An end that is yet to be told.
struct Ended: Hashable, Sendable {
  var proposal: ProposalID
  var outcome: CoreOutcome
}
