internal import MultiPaxos
internal import Synod
internal import SynodSimulation

/// Leases that clients hold, and their time (rule 46).
extension LogSubject {
  /// World time goes on.
  public mutating func timeIs(_ microseconds: UInt64) { now = microseconds }

  mutating func note(_ outcome: LeaseOutcome, of entry: Entry, in slot: Slot) {
    switch outcome {
    case .held:
      heldAt[slot] = now
      came(entry, in: slot, hasEffect: true)
    case .ended where Self.expiry(in: entry) != nil: ledger.reach(.leaseEnded)
    case .ended: came(entry, in: slot, hasEffect: true)
    case .taken, .lost, .tooMany, .malformed: break
    }
  }

  /// Which lease an entry has end because its time is over; nil where it is of another kind.
  private static func expiry(in entry: Entry) -> Slot? {
    guard entry.kind == .lease else { return nil }
    var reader = ByteReader(entry.payload)
    guard case .expire(_, let version) = try? LeaseRequest(from: &reader) else { return nil }
    return version
  }

  /// Nobody proposes the end of a lease before its time: that begins, by any clock, when it is chosen at
  /// the earliest, and goes no quicker than the quickest clock.
  mutating func mustBeOver(_ entries: [Entry], says voter: VoterID) {
    for entry in entries {
      guard let version = Self.expiry(in: entry) else { continue }
      guard let began = heldAt[version], case .lease(.held(let lease)) = model.meaning(of: version)
      else {
        ledger.violate("voter \(voter) ends the lease of \(version), and there is none")
        continue
      }
      guard needsTrueClocks else { continue }
      // A reading of a clock may be a tick old.
      let time = 1_000 * (lease.ticks - min(lease.ticks, 1)) * 1024
      if now < began + time / (1024 + plan.faults.clockDrift) {
        ledger.violate(
          "voter \(voter) ends the lease of \(version), which lasts \(lease.ticks) ticks, after "
            + "\(now - began) µs")
      }
    }
  }

  /// A lease that should be over for long; nil where there is none.
  func overdue() -> String? {
    for (name, lease) in model.leases.sorted(by: { $0.value.version < $1.value.version }) {
      let began = max(heldAt[lease.version] ?? 0, settledAt)
      // The slowest clock takes less than twice as long, and whoever leads last may have begun anew.
      let time = 3 * 1_000 * lease.ticks + 4 * takeOverTime + 2_000_000
      if now > began + time { return "lease \(name) of \(lease.version) does not end" }
    }
    return nil
  }
}
