internal import Synod

/// How proposals end without having been decided.
extension Machine {
  /// A deadline has come.
  @usableFromInline
  mutating func expire(_ slot: Int) {
    let now = core.now
    _ = abandon(slot, because: .deadline) { $0.deadline.map { $0 <= now } ?? false }
    finishIfAbandoned(slot)
  }

  /// Answers the proposals of a slot that match: "unknown" to those that wrote in an accept which was
  /// emitted and may live, "not applied" to the others, without what they saw.
  @usableFromInline
  mutating func abandon(
    _ slot: Int, because reason: Abandoned, where matches: (Fold<C>.Pending) -> Bool
  ) -> Bool {
    var found = false
    for index in folds[slot].folded.indices {
      let pending = folds[slot].folded[index]
      guard !pending.isAbandoned, matches(pending) else { continue }
      found = true
      folds[slot].folded[index].isAbandoned = true
      end(pending, because: reason)
    }
    var kept: [Fold<C>.Pending] = []
    for pending in folds[slot].waiting {
      if matches(pending) {
        found = true
        end(pending, because: reason)
      } else {
        kept.append(pending)
      }
    }
    folds[slot].waiting = kept
    core.setDeadline(slot, folds[slot].deadline)
    return found
  }

  private mutating func end(_ pending: Fold<C>.Pending, because reason: Abandoned) {
    open -= 1
    completed.append(
      Completion(
        proposal: pending.id,
        result: pending.mayHaveWritten ? .unknown(reason) : .notApplied(.abandoned(reason))))
  }

  /// Leaves a round whose every change was given up. Its ballot is consumed, and what was armed with
  /// it is not kept.
  @usableFromInline
  mutating func finishIfAbandoned(_ slot: Int) {
    if folds[slot].folded.allSatisfy(\.isAbandoned) { startOver(slot) }
  }

  /// The machine stopped: everything open ends.
  @usableFromInline
  mutating func endAll() {
    guard let reason = core.stopped, open > 0 else { return }
    for slot in folds.indices {
      _ = abandon(slot, because: reason) { _ in true }
      folds[slot] = Fold()
    }
  }
}
