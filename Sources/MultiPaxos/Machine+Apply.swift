public import Synod

/// What follows from an input: chosen entries are applied, slots opened, proposals ended.
extension Machine {
  @inlinable
  mutating func settle() {
    applyChosen()
    core.proceed()
    if !reads.isEmpty { serveReads() }
    if core.hasNews { tellNews() }
    if core.stopped != nil { endAll() }
  }

  /// Applies what is chosen, a bounded number of entries; what is left waits for the next input, for
  /// which `nextDeadline` asks at once.
  @inlinable
  mutating func applyChosen() {
    var budget = core.settings.maxApplied
    while budget > 0, core.hasUnapplied {
      budget -= 1
      applyNext()
    }
    core.trim()
  }

  @inlinable
  mutating func applyNext() {
    let entry = core.nextEntry
    switch core.beginApplying(entry) {
    case .done: break
    case .command: applyCommand(entry)
    case .verify:
      _ = core.close(entry.id)
      core.noteDigest(core.state.digest &+ appState.digest, at: core.applied)
    }
  }

  @inlinable
  mutating func applyCommand(_ entry: Entry) {
    let slot = core.applied
    if let once = entry.once {
      let memory = core.state.clients.memory(of: once, since: entry.since)
      if memory != .new { return applyAgain(entry, once, memory) }
    }
    var reader = ByteReader(entry.payload)
    guard let command = try? App.Command(from: &reader), reader.isAtEnd else {
      return end(entry.id, .notApplied(.malformed))
    }
    let (outcome, event) = appState.apply(command, at: ApplyContext(position: slot.rawValue))
    if let once = entry.once { core.state.clients.keep(once, outcome.encoded, at: slot) }
    if let event, core.started { effects.append(.event(event, at: slot)) }
    end(entry.id, .applied(outcome, at: slot))
  }

  @inlinable
  mutating func end(_ id: EntryID, _ outcome: @autoclosure () -> Outcome<App>) {
    if let proposal = core.close(id) {
      completed.append(Completion(proposal: proposal, result: outcome()))
    }
  }

  /// The client sent this command before, or a later one since, or nobody knows that any more.
  @usableFromInline
  mutating func applyAgain(_ entry: Entry, _ once: Once, _ memory: Clients.Memory) {
    switch memory {
    case .new: break
    case .outdated: end(entry.id, .notApplied(.outdated))
    case .forgotten:
      // A first attempt that comes so late has had no effect, and will have none.
      end(
        entry.id, once.isRetry ? .unknown(.forgotten) : .notApplied(.abandoned(.forgotten)))
    case .applied(let kept):
      guard let bytes = kept.outcome else { return end(entry.id, .unknown(.forgotten)) }
      var reader = ByteReader(bytes)
      guard let outcome = try? App.Outcome(from: &reader) else {
        return end(entry.id, .unknown(.forgotten))
      }
      end(entry.id, .applied(outcome, at: kept.slot))
    }
  }

  /// Tells what the core has for clients and for the application.
  @usableFromInline
  mutating func tellNews() {
    for end in core.ended {
      let result: Outcome<App> =
        switch end.outcome {
        case .passed(let slot): .passed(slot)
        case .membership(let membership, let slot): .membership(membership, from: slot)
        case .lease(let outcome, let slot): .lease(outcome, at: slot)
        case .transferred(let voter): .transferred(to: voter)
        case .notApplied(let reason): .notApplied(reason)
        case .unknown(let reason): .unknown(reason)
        }
      completed.append(Completion(proposal: end.proposal, result: result))
    }
    core.ended.removeAll(keepingCapacity: true)
    for note in core.notes {
      switch note {
      case .leader(let voter): effects.append(.leader(voter))
      case .membership(let membership, let slot):
        effects.append(.membership(membership, from: slot))
      case .leaseEnded(let name, let lease): effects.append(.leaseEnded(name, lease))
      case .installed(let slot): effects.append(.installed(slot))
      case .diverged(let slot): effects.append(.diverged(slot))
      case .retired(let slot): effects.append(.retired(slot))
      case .rolledBack: effects.append(.rolledBack)
      }
    }
    core.notes.removeAll(keepingCapacity: true)
  }

  /// The machine stopped: everything open ends.
  @usableFromInline
  mutating func endAll() {
    guard let reason = core.stopped else { return }
    for read in reads { refuse(read.id, .abandoned(reason)) }
    reads.removeAll()
    transfers.removeAll()
    incoming = nil
  }
}

extension Core {
  @usableFromInline var hasNews: Bool { !ended.isEmpty || !notes.isEmpty }

  /// Opens slots and reserves what runs out.
  @usableFromInline
  mutating func proceed() {
    guard stopped == nil, started else { return }
    lookAtRecovery()
    if role == .leading {
      pump()
      answerIndexes()
    } else {
      dispatch()
    }
    reservation.request(in: &outbox)
  }
}
