public import Synod

/// Watches as proposals: open until they are cancelled or come to an end, and certainly without an
/// effect on any register.
extension Machine {
  @usableFromInline
  mutating func watch(
    _ key: Bytes, _ request: WatchRequest, as id: ProposalID, deadline: Ticks?
  ) {
    guard core.watches.open.count < core.settings.maxWatches else {
      return completed.append(Completion(proposal: id, result: .notApplied(.overloaded)))
    }
    open += 1
    core.watch(key, request, as: id, deadline: deadline)
    settle()
  }

  /// - Returns: whether it was a watch.
  @usableFromInline
  mutating func cancelWatch(_ id: ProposalID) -> Bool {
    guard core.cancelWatch(id) else { return false }
    endWatch(id, .abandoned(.cancelled))
    settle()
    return true
  }

  /// Tells of those that ended by themselves.
  @usableFromInline
  mutating func endWatches() {
    let ended = core.watches.ended
    core.watches.ended.removeAll()
    for (id, why) in ended {
      switch why {
      case .deadline: endWatch(id, .abandoned(.deadline))
      case .tooLarge: endWatch(id, .overloaded)
      }
    }
  }

  /// Ends all.
  mutating func endWatches(because reason: Abandoned) {
    endWatches()
    for number in core.watches.numbers {
      if let watch = core.watches.open[number] { endWatch(watch.id, .abandoned(reason)) }
    }
    core.watches = Watches()
  }

  private mutating func endWatch(_ id: ProposalID, _ why: NotApplied<C.Rejection>) {
    open -= 1
    completed.append(Completion(proposal: id, result: .notApplied(why)))
  }
}

extension Core {
  @usableFromInline var hasEndedWatches: Bool { !watches.ended.isEmpty }
  @usableFromInline var hasWatches: Bool { !watches.isEmpty }
}
