public import Synod

/// Rounds that no client asked for, and listings.
extension Machine {
  /// Does what the core asks for next.
  @usableFromInline
  mutating func performTask() {
    switch core.tasks.take() {
    case .begin(let task): begin(task)
    case .giveUp(let groups): giveUp(Set(groups))
    case .endListing(let id, let result): endListing(id, result)
    case .expel: expel()
    case nil: break
    }
  }

  /// Begins a listing for a client.
  @usableFromInline
  mutating func list(after hash: UInt64?, limit: Int, deadline: Ticks?, as id: ProposalID) {
    if core.listings.clients >= core.settings.maxListings {
      return completed.append(Completion(proposal: id, result: .notApplied(.overloaded)))
    }
    open += 1
    core.startListing(for: .client(id), after: hash, limit: limit, deadline: deadline)
    settle()
  }

  private mutating func endListing(_ id: ProposalID, _ result: Result<KeyList, Abandoned>) {
    open -= 1
    let outcome: Outcome<C> =
      switch result {
      case .success(let list): .listed(list)
      case .failure(let reason): .notApplied(.abandoned(reason))
      }
    completed.append(Completion(proposal: id, result: outcome))
  }

  /// The machine stopped: listings end, and nothing of its own begins any more.
  mutating func endTasks(because reason: Abandoned) {
    core.endListings(because: reason)
    while let step = core.tasks.take() {
      if case .endListing(let id, let result) = step { endListing(id, result) }
    }
  }

  private mutating func begin(_ task: Task) {
    if let deadline = task.deadline, deadline <= core.now {
      return core.taskEnded(task.id, .failed(.deadline))
    }
    openTasks += 1
    join(
      task.key, hash: core.table.hash(task.key),
      Fold.Pending(from: .task(task.id), work: .errand(task.errand), deadline: task.deadline))
  }

  private mutating func giveUp(_ groups: Set<TaskID.Group>) {
    for slot in folds.indices where openTasks > 0 && folds[slot].hasTask(of: groups) {
      abandon(slot, because: .cancelled) { $0.isTask(of: groups) }
      finishIfAbandoned(slot)
    }
  }
}

extension Fold.Pending {
  fileprivate func isTask(of groups: Set<TaskID.Group>) -> Bool {
    if case .task(let id) = origin { groups.contains(id.group) } else { false }
  }
}

extension Fold {
  fileprivate func hasTask(of groups: Set<TaskID.Group>) -> Bool {
    folded.contains { !$0.isAbandoned && $0.isTask(of: groups) }
      || waiting.contains { $0.isTask(of: groups) }
  }
}
