public import Synod

/// Watches as proposals: open until they are cancelled or come to an end, and certainly without an
/// effect on any register.
extension Machine {
  @usableFromInline
  mutating func watch(
    _ key: Bytes, _ request: WatchRequest, as id: ProposalID, deadline: Ticks?
  ) {
    let subject = WatchSubject(key.compacted(), request)
    var version: Version?
    if case .register(let after) = request { version = after }
    if let refusal = core.refusal(of: subject) {
      return completed.append(Completion(proposal: id, result: .notApplied(.unwatchable(refusal))))
    }
    open += 1
    core.watch(subject, after: version, as: id, deadline: deadline)
    settle()
  }

  /// Why a watch would be refused at once; nil where it would begin.
  public func refusal(toWatch key: Bytes, _ request: WatchRequest) -> NotApplied<C.Rejection>? {
    if let refusal = refusal(of: Proposal(key: key, operation: .watch(request))) { return refusal }
    return core.refusal(of: WatchSubject(key, request)).map { .unwatchable($0) }
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
    for one in ended {
      switch one.why {
      case .deadline: endWatch(one.id, .abandoned(.deadline))
      case .tooLarge:
        endWatch(one.id, .unwatchable(.tooManyKeys(limit: core.settings.maxWatchedKeys)))
      case .overloaded:
        endWatch(one.id, .unwatchable(.tooManyKeysInAll(limit: core.settings.maxWatchedKeysInAll)))
      }
    }
  }

  /// Ends all.
  mutating func endWatches(because reason: Abandoned) {
    endWatches()
    let ids = core.watches.numbers.compactMap { core.watches.open[$0]?.id }
    if core.stopped == nil {
      for id in ids { _ = core.cancelWatch(id) }
    } else {
      // It says nothing any more.
      core.watches = Watches()
    }
    for id in ids { endWatch(id, .abandoned(reason)) }
  }

  private mutating func endWatch(_ id: ProposalID, _ why: NotApplied<C.Rejection>) {
    open -= 1
    completed.append(Completion(proposal: id, result: .notApplied(why)))
  }
}

extension Core {
  @inlinable var hasEndedWatches: Bool { !watches.ended.isEmpty }
  @usableFromInline var hasWatches: Bool { !watches.isEmpty }

  /// Why nobody can watch it now.
  func refusal(of subject: WatchSubject) -> WatchRefusal? {
    if watches.open.count >= settings.maxWatches {
      return .tooManyWatches(limit: settings.maxWatches)
    }
    // The voters tell a node of no more.
    guard subject.isPrefix, watches.prefixCount >= Subscriptions.maxPrefixes,
      !watches.isWatched(subject)
    else { return nil }
    return .tooManyPrefixes(limit: Subscriptions.maxPrefixes)
  }
}
