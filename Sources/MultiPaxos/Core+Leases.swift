internal import Synod

/// When a lease's time is over, by this node's clock.
struct LeaseTimer: Hashable, Sendable {
  var name: Bytes
  var version: Slot
  var at: Ticks
}

/// Every node times leases from when it applied them; the leader has them end (rule 46).
extension Core {
  mutating func time(_ lease: Lease, _ name: Bytes) {
    leaseTimers.append(
      LeaseTimer(
        name: name.compacted(), version: lease.version, at: now.advanced(by: lease.ticks)))
    leaseDue = min(leaseDue ?? Ticks(.max), now.advanced(by: lease.ticks))
    if leaseTimers.count > 2 * state.leases.table.count + 64 { dropStaleTimers() }
  }

  private mutating func dropStaleTimers() {
    leaseTimers.removeAll { state.leases.table[$0.name]?.version != $0.version }
  }

  /// After a restart or a snapshot nothing is known of the time that has passed: all begin in full.
  mutating func restartTimers() {
    leaseTimers.removeAll()
    leaseDue = nil
    for named in state.leases.inOrder { time(named.lease, named.name) }
  }

  var leaseWake: Ticks? {
    role == .leading && settings.decorations.endsLeases ? leaseDue : nil
  }

  /// Proposes the end of what is over. Where that comes to nothing it is proposed again.
  mutating func endLeases() {
    guard let due = leaseWake, due <= now else { return }
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
