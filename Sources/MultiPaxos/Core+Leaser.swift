internal import Synod

/// A lease that a proposal of this node's took, and that it keeps.
struct KeptLease: Hashable, Sendable {
  var name: Bytes
  var fence: Slot
  /// Its time, in ticks.
  var ticks: UInt64
  var refreshAt: Ticks

  /// It is asked for again when so much is left, and so much later where that came to nothing.
  var quarter: UInt64 { max(ticks / 4, 1) }
}

/// Whoever took a lease keeps it (rule 46): for as long as its node runs, or until it is given back.
extension Core {
  /// Looks at what came of a request of a lease, before that ends.
  mutating func keep(
    _ request: LeaseRequest, _ outcome: LeaseOutcome, over: Leases.Named?, asked id: EntryID
  ) {
    guard settings.decorations.refreshesLeases else { return }
    if let over { kept.removeAll { $0.name == over.name } }
    // Not of an earlier life, nor what was given up meanwhile: nobody holds that.
    guard id.origin == me, pending[id.number] != nil, case .held(let lease) = outcome else {
      return
    }
    // The clock may have been read before: then it is asked for earlier than need be.
    let one = KeptLease(
      name: request.name.compacted(), fence: lease.fence, ticks: lease.ticks,
      refreshAt: now.advanced(by: lease.ticks - lease.ticks / 4))
    kept.removeAll { $0.name == one.name }
    kept.append(one)
    keepDue = min(keepDue ?? one.refreshAt, one.refreshAt)
  }

  /// Asks for those again of which a quarter of the time is left.
  mutating func refreshLeases() {
    guard let due = keepDue, due <= now else { return }
    keepDue = nil
    kept.removeAll { state.leases.table[$0.name]?.fence != $0.fence }
    for index in kept.indices {
      if kept[index].refreshAt <= now {
        let again = now.advanced(by: kept[index].quarter)
        _ = open(
          .lease, LeaseRequest.refresh(kept[index].name, fence: kept[index].fence).encoded,
          once: nil, deadline: again, importance: .gain, as: nil)
        kept[index].refreshAt = again
      }
      keepDue = min(keepDue ?? Ticks(.max), kept[index].refreshAt)
    }
  }
}
