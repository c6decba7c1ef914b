internal import Synod

/// Hashes of the nodes' states after one slot.
struct StateDigest: Hashable, Sendable {
  struct Report: Hashable, Sendable {
    var voter: VoterID
    var digest: UInt64
  }

  var slot: Slot
  /// This node's.
  var own: UInt64?
  /// Who was told, and compares it with those of others.
  var told: VoterID?
  var reports: [Report] = []
}

/// Verification: whether all nodes came to the same state (rule 47).
extension Core {
  /// This node's state after a slot in which all compare theirs.
  @usableFromInline
  mutating func noteDigest(_ digest: UInt64, at slot: Slot) {
    guard started else { return }
    let place = digestPlace(slot)
    digests[place].own = digest
    digests[place].told = leader
    if role == .leading {
      receiveDigest(slot, digest, from: me)
    } else if let leader {
      outbox.send(.digest(slot, digest), to: .voter(leader))
    }
  }

  private mutating func digestPlace(_ slot: Slot) -> Int {
    if let place = digests.firstIndex(where: { $0.slot == slot }) { return place }
    if digests.count >= 16 { digests.removeFirst() }
    digests.append(StateDigest(slot: slot))
    return digests.count - 1
  }

  mutating func receiveDigest(_ slot: Slot, _ digest: UInt64, from sender: VoterID) {
    guard role == .leading, slot <= Slot.limit else { return }
    let place = digestPlace(slot)
    digests[place].reports.removeAll { $0.voter == sender }
    digests[place].reports.append(.init(voter: sender, digest: digest))
    let reports = digests[place].reports
    let voters = state.schedule.configuration(at: slot).voters
    for report in reports {
      let agreeing = reports.filter { $0.digest == report.digest && voters.contains($0.voter) }
      guard agreeing.count > voters.count / 2 else { continue }
      for odd in reports where odd.digest != report.digest {
        if odd.voter == me { return receiveDiverged(slot, from: me) }
        outbox.send(.diverged(slot), to: .voter(odd.voter))
      }
      return
    }
  }

  /// This node's state is not that of the others: it answers and votes no more.
  mutating func receiveDiverged(_ slot: Slot, from sender: VoterID) {
    guard digests.contains(where: { $0.slot == slot && $0.told == sender }) else { return }
    giveUp(.diverged)
    notes.append(.diverged(slot))
  }

  /// Has all nodes compare their states every so many slots.
  mutating func verifyIfDue() {
    guard let every = settings.decorations.verifiesEvery, role == .leading else { return }
    let last = max(verified, digests.last?.slot ?? .none)
    guard state.applied >= last.advanced(by: max(every, 1)) else { return }
    verified = state.applied
    _ = open(.verify, Bytes(), once: nil, deadline: nil, importance: .maintain, as: nil)
  }
}
