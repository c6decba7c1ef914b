internal import Synod

/// When a lease's time is over, by this node's clock.
struct LeaseTimer: Hashable, Sendable {
  var name: Bytes
  var version: Slot
  /// How many ticks are left, while its time has not begun.
  var at: Ticks
}

/// Every node times leases from when it applied them; the leader has them end (rule 46).
extension Core {
  /// Has the time of a lease begin with the next reading of the clock. The last one may have been
  /// before its holder asked: this process may have stood still since.
  mutating func time(_ lease: Lease, _ name: Bytes) {
    freshTimers.append(
      LeaseTimer(name: name.compacted(), version: lease.version, at: Ticks(lease.ticks)))
    if leaseTimers.count + freshTimers.count > 2 * state.leases.table.count + 64 {
      dropStaleTimers()
    }
  }

  mutating func countTimers() {
    guard !freshTimers.isEmpty else { return }
    for var timer in freshTimers {
      timer.at = now.advanced(by: timer.at.rawValue)
      leaseDue = min(leaseDue ?? Ticks(.max), timer.at)
      leaseTimers.append(timer)
    }
    freshTimers.removeAll()
  }

  private mutating func dropStaleTimers() {
    leaseTimers.removeAll { state.leases.table[$0.name]?.version != $0.version }
    freshTimers.removeAll { state.leases.table[$0.name]?.version != $0.version }
  }

  /// After a restart or a snapshot nothing is known of the time that has passed: all begin in full.
  mutating func restartTimers() {
    leaseTimers.removeAll()
    freshTimers.removeAll()
    leaseDue = nil
    for named in state.leases.inOrder { time(named.lease, named.name) }
  }

  var leaseWake: Ticks? {
    guard role == .leading, settings.decorations.endsLeases else { return nil }
    return freshTimers.isEmpty ? leaseDue : now
  }

  /// Proposes the end of what is over. Where that comes to nothing it is proposed again.
  mutating func endLeases() {
    guard leaseWake != nil, let due = leaseDue, due <= now else { return }
    dropStaleTimers()
    leaseDue = nil
    for index in leaseTimers.indices {
      if leaseTimers[index].at <= now {
        let expiry = LeaseRequest.expire(
          leaseTimers[index].name, version: leaseTimers[index].version)
        _ = open(
          .lease, expiry.encoded, once: nil, deadline: nil, importance: .maintain, as: nil)
        leaseTimers[index].at = now.advanced(by: settings.electionTimeout)
      }
      leaseDue = min(leaseDue ?? Ticks(.max), leaseTimers[index].at)
    }
  }
}
