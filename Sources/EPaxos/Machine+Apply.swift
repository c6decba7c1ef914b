internal import Synod

/// What the machine replicates beside the application's state: the same on every node that executed the
/// same.
struct Replicated: Hashable, Sendable {
  /// What clients' last commands came to.
  var clients = Clients()
  /// Where commands stand (`ApplyContext`).
  var positions = PositionIndex()
}

/// What follows from an input: decided instances are executed, proposals ended.
extension Machine {
  mutating func settle() {
    core.countOwnVotes()
    execute()
    // Nobody goes on with what was taken of it: a transfer that begins, begins anew.
    if core.catchUp.source == nil, core.started, incoming != nil { incoming = nil }
    tellChanges()
    tellEnds()
    core.tellSoonIfNew()
  }

  /// Executes what is decided and free to be, a bounded number of instances; what is left waits for
  /// the next input, for which `nextDeadline` asks at once.
  mutating func execute() {
    mayHaveMore = false
    guard core.stopped == nil else { return }
    var budget = core.settings.maxExecuted
    while let (id, batch) = core.nextToExecute() {
      execute(id, batch)
      budget -= 1
      // Never in the middle of what is executed together: what is saved then would not tell.
      if budget <= 0, !core.graph.isWithinComponent {
        mayHaveMore = true
        break
      }
    }
    core.passBarriers()
    core.proposeBarrierIfDue()
    core.promoteIfDue()
    core.yieldIfOvertaken()
  }

  private mutating func execute(_ id: InstanceID, _ batch: Batch) {
    let numbers = core.close(id)
    for (place, entry) in batch.entries.enumerated() {
      // What is decided is what this node proposed, or nothing of its own.
      let number = numbers.map { $0.count == batch.entries.count ? $0[place] : 0 } ?? 0
      switch entry.kind {
      case .command: apply(entry, for: number)
      case .read:
        guard number > 0, let query = queries.removeValue(forKey: number) else { continue }
        end(number, .answered(appState.answer(query)))
      case .barrier:
        passBarrier(id)
        end(number, .passed)
      case .membership: change(entry, by: id, for: number)
      }
    }
  }

  private mutating func passBarrier(_ id: InstanceID) {
    replicated.positions.raiseFloor()
    replicated.clients.trim(at: replicated.positions.floor)
    core.barriers.passing.append(id)
  }

  /// Changes the members. Where the voters change, nothing behind this instance has an effect, and what is
  /// executed next is of the next epoch.
  private mutating func change(_ entry: Entry, by id: InstanceID, for number: UInt64) {
    passBarrier(id)
    if core.promotions.own == id { core.promotions.own = nil }
    var reader = ByteReader(entry.payload)
    guard let change = try? MembershipChange(from: &reader), reader.isAtEnd else {
      return end(number, .notApplied(.members(.malformed)))
    }
    do throws(MembershipRefusal) {
      let next = try core.membership.applying(change)
      let isLast = next.epoch > core.epoch
      core.adopt(next, by: id)
      if !isLast {
        end(number, .changed(next))
      } else if number > 0 {
        core.changed.append(Core.Changed(number: number, members: next))
      }
      if core.started { effects.append(.members(next)) }
    } catch {
      end(number, .notApplied(.members(error)))
    }
  }

  /// A change of the voters is told of when enough of the new ones are in their epoch. Before, those who go
  /// may be needed to decide what comes before it: whoever asked would stop them too soon.
  private mutating func tellChanges() {
    guard !core.changed.isEmpty, core.isEpochBegun else { return }
    for change in core.changed { end(change.number, .changed(change.members)) }
    core.changed.removeAll()
  }

  private mutating func apply(_ entry: Entry, for number: UInt64) {
    var reader = ByteReader(entry.payload)
    guard let command = try? State.Command(from: &reader), reader.isAtEnd else {
      return end(number, .notApplied(.malformed))
    }
    if let once = entry.once {
      let memory = replicated.clients.memory(of: once, since: entry.since)
      if memory != .new { return applyAgain(once, memory, for: number) }
    }
    let position = replicated.positions.position(of: core.reading.footprint(of: entry))
    let (outcome, event) = appState.apply(command, at: ApplyContext(position: position))
    if let once = entry.once { replicated.clients.keep(once, outcome.encoded, at: position) }
    if let event, core.started { effects.append(.event(event, at: position)) }
    end(number, .applied(outcome, at: position))
  }

  /// The client sent this command before, or a later one since, or nobody knows that any more.
  private mutating func applyAgain(_ once: Once, _ memory: Clients.Memory, for number: UInt64) {
    switch memory {
    case .new: break
    case .outdated: end(number, .notApplied(.outdated))
    case .forgotten:
      // A first attempt that comes so late has had no effect, and will have none.
      end(number, once.isRetry ? .unknown(.forgotten) : .notApplied(.abandoned(.forgotten)))
    case .applied(let kept):
      guard let bytes = kept.outcome else { return end(number, .unknown(.forgotten)) }
      var reader = ByteReader(bytes)
      guard let outcome = try? State.Outcome(from: &reader) else {
        return end(number, .unknown(.forgotten))
      }
      end(number, .applied(outcome, at: kept.position))
    }
  }

  /// Ends a proposal that has not ended before.
  private mutating func end(_ number: UInt64, _ outcome: Outcome<State>) {
    guard number > 0, let proposal = core.closeProposal(number) else { return }
    completed.append(Completion(proposal: proposal, result: outcome))
  }

  private mutating func tellEnds() {
    guard !core.ended.isEmpty else { return }
    for end in core.ended {
      if end.isRead { queries[end.number] = nil }
      let result: Outcome<State> =
        switch end.how {
        case .notApplied(let reason): .notApplied(reason)
        case .unknown(let reason): .unknown(reason)
        }
      completed.append(Completion(proposal: end.proposal, result: result))
    }
    core.ended.removeAll(keepingCapacity: true)
  }
}
