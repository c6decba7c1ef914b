/// Something that is going to happen. Plain memory, so that a heap of them counts no references.
@usableFromInline
struct WorldEvent {
  /// When, in microseconds of virtual time; what is due at one time happens in the order in which it
  /// was planned.
  @usableFromInline var time: UInt64
  @usableFromInline var sequence: UInt64
  /// A parcel's place, a client's number, a kind of fault.
  @usableFromInline var value: UInt64
  /// Of the process's life, or of whatever else it was planned for: it means nothing later.
  @usableFromInline var stamp: UInt32
  @usableFromInline var node: UInt16
  @usableFromInline var kind: Kind

  /// What is going to happen.
  @usableFromInline
  enum Kind: UInt8 {
    /// A parcel arrives.
    case delivery
    /// A process's timer fires.
    case timer
    /// A process that was busy ends its turn.
    case turn
    /// What a lane of a store is doing is done.
    case lane
    /// The process hears what its store has to say.
    case news
    /// A client asks, or loses patience, or gives up.
    case client
    case patience
    case cancel
    /// Something goes wrong, and ends.
    case fault
    case heal
    case restart
    /// A store has been opened, and its process begins.
    case opened
    case resume
    case clock
    case space
    case disk
    /// Who leads may be besieged; and is cut off while it stands still.
    case siege
    case cutOff
    /// Somebody ends a process whose store failed.
    case relief
    /// The load is given no more time.
    case deadline
    /// A watcher begins, or leaves.
    case watcher
    /// A watcher has what it was told.
    case taken
  }

  @usableFromInline
  init(_ kind: Kind, at time: UInt64, node: Int = 0, stamp: UInt32 = 0, value: UInt64 = 0) {
    self.time = time
    sequence = 0
    self.kind = kind
    self.node = UInt16(truncatingIfNeeded: node)
    self.stamp = stamp
    self.value = value
  }

  @usableFromInline
  static func < (a: WorldEvent, b: WorldEvent) -> Bool {
    a.time != b.time ? a.time < b.time : a.sequence < b.sequence
  }
}

/// What is going to happen, the earliest first: a heap with four children to a place, which is half
/// as deep as one with two, and has them side by side.
@usableFromInline
struct EventQueue {
  private var heap: [WorldEvent] = []
  private var planned: UInt64 = 0

  init() { heap.reserveCapacity(1024) }

  var count: Int { heap.count }

  @usableFromInline
  mutating func plan(_ event: WorldEvent) {
    var event = event
    event.sequence = planned
    planned += 1
    heap.append(event)
    heap.withUnsafeMutableBufferPointer { heap in
      var place = heap.count - 1
      while place > 0 {
        let parent = (place - 1) >> 2
        guard event < heap[parent] else { break }
        heap[place] = heap[parent]
        place = parent
      }
      heap[place] = event
    }
  }

  @usableFromInline
  mutating func next() -> WorldEvent? {
    guard let last = heap.popLast() else { return nil }
    guard !heap.isEmpty else { return last }
    return heap.withUnsafeMutableBufferPointer { heap in
      let first = heap[0]
      var place = 0
      while true {
        let child = 4 * place + 1
        guard child < heap.count else { break }
        var least = child
        for other in child + 1..<min(child + 4, heap.count) where heap[other] < heap[least] {
          least = other
        }
        guard heap[least] < last else { break }
        heap[place] = heap[least]
        place = least
      }
      heap[place] = last
      return first
    }
  }
}
