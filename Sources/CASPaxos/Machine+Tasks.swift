internal import Synod

/// Rounds that no client asked for.
extension Machine {
  /// Does what the core's own work asks for next.
  /// - Returns: whether there was anything.
  @usableFromInline
  mutating func performTask() -> Bool {
    switch core.tasks.next() {
    case .begin(let task):
      begin(task)
      return true
    case .giveUp(let group):
      giveUp(group)
      return true
    case nil: return false
    }
  }

  private mutating func begin(_ task: Task) {
    if let deadline = task.deadline, deadline <= core.now {
      return core.taskEnded(task.id, .failed(.deadline))
    }
    openTasks += 1
    join(
      task.key, hash: core.hash(task.key),
      Fold.Pending(from: .task(task.id), work: .errand(task.errand), deadline: task.deadline))
  }

  private mutating func giveUp(_ group: TaskID.Group) {
    for slot in folds.indices where openTasks > 0 && folds[slot].hasTask(of: group) {
      abandon(slot, because: .cancelled) { $0.isTask(of: group) }
      finishIfAbandoned(slot)
    }
  }
}

extension Fold.Pending {
  fileprivate func isTask(of group: TaskID.Group) -> Bool {
    if case .task(let id) = origin { id.group == group } else { false }
  }
}

extension Fold {
  fileprivate func hasTask(of group: TaskID.Group) -> Bool {
    folded.contains { !$0.isAbandoned && $0.isTask(of: group) }
      || waiting.contains { $0.isTask(of: group) }
  }
}
