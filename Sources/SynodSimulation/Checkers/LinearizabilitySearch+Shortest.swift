extension LinearizabilitySearch {
  /// The part of a history without an order that a person needs to see: nothing behind the first
  /// answer that cannot be explained, and nothing before the last moment at which nothing was under
  /// way. Where the budget does not suffice to shorten it, it stays longer.
  @inlinable
  func shortestViolation(in history: [Timed]) -> Violation {
    let end = firstBadAnswer(in: history)
    let (operations, open) = OrderWalk<Model>.parted(history, by: end)
    var violation = Violation(states: [model.initial], operations: operations, open: open)
    if let start = lastQuietMoment(in: operations) {
      let before = operations.prefix { $0.invoked < start }
      if let states = states(after: before + open.filter { $0.invoked < start }, by: end) {
        violation.operations.removeFirst(before.count)
        violation.states = states
      }
    }
    return violation
  }

  /// The moment of the earliest answer such that all up to it has no order. What has none has none
  /// either with more behind it, so the answers can be halved.
  @inlinable
  func firstBadAnswer(in history: [Timed]) -> UInt64 {
    let moments = history.compactMap(\.returned).sorted()
    var low = 0
    var high = moments.count - 1
    while low < high {
      let middle = (low + high) / 2
      var walk = OrderWalk(model, history, end: moments[middle])
      switch walk.run(budget: budget) {
      case .none: high = middle
      case .found, .outOfBudget: low = middle + 1
      }
    }
    return moments.isEmpty ? 0 : moments[high]
  }

  /// The call before which all earlier operations were answered, the last such.
  @inlinable
  func lastQuietMoment(in operations: [Timed]) -> UInt64? {
    var latest: UInt64 = 0
    var moment: UInt64?
    for one in operations {
      if moment == nil || one.invoked > latest { moment = one.invoked }
      latest = max(latest, one.returned ?? .max)
    }
    return moment
  }

  /// The states in which what was answered by `end` may leave the object, in an order of their own;
  /// nil where the budget does not suffice, or there are too many to be of use.
  @inlinable
  func states(after history: [Timed], by end: UInt64) -> [Model.State]? {
    var walk = OrderWalk(model, history, end: end)
    var ends: Set<Model.State>? = []
    guard walk.run(budget: budget, ends: &ends) != .outOfBudget, let ends, ends.count <= 32 else {
      return nil
    }
    return ends.isEmpty ? nil : ends.sorted { "\($0)" < "\($1)" }
  }
}
