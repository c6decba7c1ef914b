internal import Synod

/// Proposals, from their opening to their end.
extension Core {
  /// Opens one.
  /// - Returns: why it is not.
  mutating func open(_ entry: Entry, deadline: Ticks?, as id: ProposalID) -> NotApplied? {
    if pending.count >= settings.maxOpenProposals { return .overloaded }
    if reservation.isExhausted { return .abandoned(.countersExhausted) }
    waiting.append(pending.insert(Pending(proposal: id, entry: entry, deadline: deadline)))
    if let deadline { pendingWake = min(pendingWake ?? deadline, deadline) }
    return nil
  }

  /// Ends what was proposed as this: `false` where nothing was.
  mutating func cancel(_ id: ProposalID) -> Bool {
    guard let number = pending.numbers.first(where: { pending[$0]?.proposal == id }) else {
      return false
    }
    end(number, because: .cancelled)
    return true
  }

  /// "Not applied" where no instance can decide it, or there is nothing to apply; "unknown" where one
  /// may.
  mutating func end(_ number: UInt64, because reason: Abandoned) {
    if pending[number] != nil, pending[number]?.instance == nil { waiting.keep { $0 != number } }
    finish(number, because: reason)
  }

  /// Ends all that no instance is to decide yet, at once: there may be many.
  mutating func endWaiting(because reason: Abandoned) {
    waiting.removeAll()
    for number in pending.numbers where pending[number]?.instance == nil {
      finish(number, because: reason)
    }
  }

  /// The same, where the queue of those that wait is looked after elsewhere.
  private mutating func finish(_ number: UInt64, because reason: Abandoned) {
    guard let ending = pending.remove(number) else { return }
    ended.append(
      Ended(
        proposal: ending.proposal, number: number, isRead: ending.entry.kind == .read,
        how: ending.instance == nil || !ending.entry.hasEffect
          ? .notApplied(.abandoned(reason)) : .unknown(reason)))
  }

  mutating func lookAtPending() {
    pendingWake = nil
    let count = pending.count
    for number in pending.numbers {
      guard let deadline = pending[number]?.deadline else { continue }
      if deadline <= now {
        finish(number, because: .deadline)
      } else {
        pendingWake = min(pendingWake ?? deadline, deadline)
      }
    }
    // At once: many may end together.
    if pending.count < count {
      let open = pending
      waiting.keep { open[$0] != nil }
    }
  }

  /// An own instance became void, for good: what it was to decide goes into another one (rule 17).
  mutating func takeBack(_ id: InstanceID) {
    if barriers.own == id { barriers.own = nil }
    if promotions.own == id { promotions.own = nil }
    guard let numbers = own.removeValue(forKey: id) else { return }
    for number in numbers where pending[number] != nil {
      pending[number]?.instance = nil
      waiting.append(number)
      statistics.resubmitted += 1
    }
  }

  /// What came of an own instance nobody here knows any more, a snapshot leapt over it: what it was to
  /// decide may have had its effect; what has none is proposed anew.
  mutating func lose(_ id: InstanceID) {
    for number in own.removeValue(forKey: id) ?? [] {
      guard let entry = pending[number]?.entry else { continue }
      if entry.hasEffect {
        end(number, because: .forgotten)
      } else {
        pending[number]?.instance = nil
        waiting.append(number)
      }
    }
  }

  /// The proposals that an instance decided, in the order of its entries; nil for those that were
  /// given up. It is executed.
  mutating func close(_ id: InstanceID) -> [UInt64]? { own.removeValue(forKey: id) }

  /// Ends a proposal whose entry was executed.
  mutating func closeProposal(_ number: UInt64) -> ProposalID? {
    pending.remove(number)?.proposal
  }
}
