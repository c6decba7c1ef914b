internal import Synod

/// How proposals end without having been decided.
extension Machine {
  /// Of so many proposals of one register some may end a tick after their deadlines, of twice as many
  /// two ticks, and so on.
  private static var lookedThroughInATick: UInt64 { 1024 }

  /// A deadline has come.
  @usableFromInline
  mutating func expire(_ slot: Int) {
    let now = core.now
    abandon(slot, because: .deadline) { $0.deadline.map { $0 <= now } ?? false }
    // To look through thousands takes its time: those that are due soon after end together.
    let crowd =
      UInt64(folds[slot].folded.count + folds[slot].waiting.count) / Self.lookedThroughInATick
    if crowd > 0, let next = core.rounds[slot].deadline {
      core.setDeadline(slot, max(next, now.advanced(by: crowd)))
    }
    finishIfAbandoned(slot)
  }

  /// Answers the proposals of a slot that match: "unknown" to those that wrote in an accept which was
  /// emitted and may live, "not applied" to the others, without what they saw.
  @usableFromInline
  mutating func abandon(
    _ slot: Int, because reason: Abandoned, where matches: (Fold<C>.Pending) -> Bool
  ) {
    for index in folds[slot].folded.indices {
      guard !folds[slot].folded[index].isAbandoned, matches(folds[slot].folded[index]) else {
        continue
      }
      folds[slot].folded[index].isAbandoned = true
      end(folds[slot].folded[index], because: reason)
    }
    if folds[slot].waiting.contains(where: matches) {
      for pending in folds[slot].waiting where matches(pending) { end(pending, because: reason) }
      folds[slot].waiting.removeAll(where: matches)
    }
    core.setDeadline(slot, folds[slot].deadline)
  }

  private mutating func end(_ pending: Fold<C>.Pending, because reason: Abandoned) {
    switch pending.origin {
    case .client(let id):
      open -= 1
      completed.append(
        Completion(
          proposal: id,
          result: pending.mayHaveWritten ? .unknown(reason) : .notApplied(.abandoned(reason))))
    case .task(let id):
      openTasks -= 1
      core.taskEnded(id, .failed(reason))
    }
  }

  /// No ballot is left to draw: only a peer that names counters beyond all reason brings that about.
  @usableFromInline
  mutating func exhaust(_ slot: Int) {
    abandon(slot, because: .ballotsExhausted) { _ in true }
    startOver(slot)
  }

  /// Leaves a round whose every change was given up. Its ballot is consumed, and what was armed with
  /// it is not kept.
  @usableFromInline
  mutating func finishIfAbandoned(_ slot: Int) {
    guard folds[slot].folded.allSatisfy(\.isAbandoned) else { return }
    #if PlantedBugs
      if PlantedBug.has(.restartedCounter), core.rounds[slot].phase == .accepting,
        core.rounds[slot].refused.isEmpty
      {
        core.ballots.restart()
      }
    #endif
    startOver(slot)
  }

  /// The machine stopped: everything open ends.
  @usableFromInline
  mutating func endAll() {
    guard let reason = core.stopped else { return }
    endWatches(because: reason)
    endTasks(because: reason)
    guard open + openTasks > 0 else { return }
    for slot in folds.indices {
      abandon(slot, because: reason) { _ in true }
      folds[slot] = Fold()
    }
  }
}
