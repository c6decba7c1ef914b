import Synod

/// Keeps the newest events of a run, up to a bound, and what of the older ones is still in force:
/// who is down, which faults have not healed, which calls are open. So a page of the end of a long
/// run is still true.
public struct TraceRecorder: Sendable {
  /// Events that are kept, without those still in force from before.
  public let capacity: Int
  /// Events that came and were let go.
  public private(set) var leftOut: UInt64 = 0
  private var ring: [TraceEvent] = []
  /// Where the oldest is, once the ring is full.
  private var oldest = 0
  private var standing: [TraceEvent] = []

  /// One that keeps `capacity` events, at least one.
  public init(capacity: Int) {
    precondition(capacity > 0, "a recorder keeps at least one event")
    self.capacity = capacity
  }

  /// Takes the next event of the run.
  public mutating func record(_ event: TraceEvent) {
    guard ring.count == capacity else {
      ring.append(event)
      return
    }
    leave(ring[oldest])
    ring[oldest] = event
    oldest = (oldest + 1) % capacity
  }

  /// What is still in force from before the oldest event that was kept, then all that was kept; in
  /// the order in which they happened.
  public var events: [TraceEvent] { standing + ring[oldest...] + ring[..<oldest] }

  /// Lets an event go, but keeps it in view while it is still in force.
  private mutating func leave(_ event: TraceEvent) {
    switch event.kind {
    case .crashed, .paused, .fault, .invoked: return keep(event)
    case .retired:
      drop { $0.voter == event.voter && $0.kind.isOfLife }
      return keep(event)
    case .restarted, .resumed: drop { $0.voter == event.voter && $0.kind.isOfLife }
    case .completed(let id): drop { $0.kind.call == id }
    case .healed: drop { $0.kind == .fault && event.heals($0) }
    case .sent, .delivered, .dropped, .appended, .syncBegan, .syncEnded, .durable, .violation: break
    }
    leftOut += 1
  }

  /// Bounded as well: calls that are never answered and faults that never heal add up.
  private mutating func keep(_ event: TraceEvent) {
    standing.append(event)
    guard standing.count > 256 else { return }
    standing.removeFirst()
    leftOut += 1
  }

  private mutating func drop(_ isOver: (TraceEvent) -> Bool) {
    let before = standing.count
    standing.removeAll(where: isOver)
    leftOut += UInt64(before - standing.count)
  }
}

extension TraceEvent {
  /// The title of what ends all faults at once.
  public static let allFaultsEnd = "faults end"

  /// Whether this ends `fault`: it has its name and place, or ends all faults.
  func heals(_ fault: TraceEvent) -> Bool {
    text.title == TraceEvent.allFaultsEnd
      || (voter == fault.voter && text.title == fault.text.title)
  }
}

extension TraceEvent.Kind {
  /// Down or held, until something ends it.
  fileprivate var isOfLife: Bool { self == .crashed || self == .paused }

  /// The operation that a client began.
  fileprivate var call: ProposalID? {
    if case .invoked(let id, _) = self { id } else { nil }
  }
}
