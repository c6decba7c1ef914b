public import Synod

/// Counts the time of leases on one node, from when it was told of them. It is no part of the replicated
/// state: a clock is read here.
public struct LeaseClock: Sendable {
  /// A holder trusts its lease by its own clock. Each of the two may be off by 500 millionths.
  private static let margin: UInt64 = 990

  private struct Running {
    var renewal: UInt64
    var deadline: Ticks
  }

  private var running: [Bytes: Running] = [:]
  /// A heap by deadlines; what was refreshed or ended since stays in it until it is due.
  private var heap: [(deadline: Ticks, name: Bytes)] = []

  /// One that counts nothing.
  public init() {}

  /// Begins the time of every lease of a state anew: after a start, or where a snapshot was installed.
  public init(of state: KeyValueState, now: Ticks) {
    state.forEachLease { name, lease in
      self.note(.begins(name: name, renewal: lease.renewal, milliseconds: lease.time), now: now)
    }
  }

  /// How many leases it counts.
  public var count: Int { running.count }

  /// When the next lease may run out; nil where there is none.
  public var nextDeadline: Ticks? { heap.first?.deadline }

  /// Takes what became of a lease.
  /// - Parameters:
  ///   - event: what was told of a lease.
  ///   - now: on a clock that also counts the time a computer sleeps, in milliseconds.
  public mutating func note(_ event: LeaseEvent, now: Ticks) {
    switch event {
    case .begins(let name, let renewal, let time):
      let deadline = now.advanced(by: time + time / Self.margin + 1)
      running[name] = Running(renewal: renewal, deadline: deadline)
      push((deadline, name))
      if heap.count > 64, heap.count > 4 * running.count { rebuild() }
    case .ended(let name): running[name] = nil
    }
  }

  /// The steps that end what has run out. A lease that is not ended by its step, which may be lost, is
  /// given again after `retry` ticks.
  public mutating func expired(now: Ticks, retry: UInt64, limit: Int = 256) -> [LeaseStep] {
    var steps: [LeaseStep] = []
    while let first = heap.first, first.deadline <= now, steps.count < limit {
      pop()
      guard var lease = running[first.name], lease.deadline == first.deadline else { continue }
      steps.append(.expire(name: first.name, renewal: lease.renewal))
      lease.deadline = now.advanced(by: max(retry, 1))
      running[first.name] = lease
      push((lease.deadline, first.name))
    }
    return steps
  }

  // MARK: - The heap

  private mutating func rebuild() {
    // The order of equal deadlines is of no account: what is due is proposed together.
    heap = running.map { ($0.value.deadline, $0.key) }.sorted { $0.0 < $1.0 }
  }

  private mutating func push(_ item: (deadline: Ticks, name: Bytes)) {
    heap.append(item)
    var child = heap.count - 1
    while child > 0, heap[child].deadline < heap[(child - 1) / 2].deadline {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  private mutating func pop() {
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var parent = 0
    while 2 * parent + 1 < heap.count {
      var child = 2 * parent + 1
      if child + 1 < heap.count, heap[child + 1].deadline < heap[child].deadline { child += 1 }
      guard heap[child].deadline < heap[parent].deadline else { break }
      heap.swapAt(child, parent)
      parent = child
    }
  }
}
