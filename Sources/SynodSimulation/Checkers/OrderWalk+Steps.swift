// One operation placed after the other, and taken back.
extension OrderWalk {
  /// Walks until every answered operation is placed, or no order is left.
  @inlinable
  mutating func run(budget: Int) -> Outcome {
    var ends: Set<Model.State>? = nil
    for longest in [1, 2, Int.max] {
      longestChain = longest
      isCutShort = false
      reached.removeAll(keepingCapacity: true)
      let outcome = run(budget: budget, ends: &ends)
      if outcome != .none || !isCutShort { return outcome }
    }
    return .none
  }

  /// - Parameter ends: where given, the walk goes on at each end, and gathers the states there.
  @inlinable
  mutating func run(budget: Int, ends: inout Set<Model.State>?) -> Outcome {
    let count = answered.count
    var entry = first
    var hasFound = false
    while true {
      if remaining == 0 {
        if ends == nil { return .found }
        hasFound = true
        ends?.insert(state)
        guard let resumed = stepBack() else { return .found }
        entry = resumed
        continue
      }
      if attempts >= budget { return .outOfBudget }
      if entry < count {
        entry = place(entry) ? first : next[entry]
        continue
      }
      // A return whose call is not placed: nothing answered can come in between. Open ones can.
      var number = entry > 2 * count ? entry - 2 * count - 1 : 0
      let limit = firstReturn()
      var isPlaced = false
      while !isPlaced, number < open.count, open[number].invoked <= limit {
        if attempts >= budget { return .outOfBudget }
        isPlaced = placeOpen(number)
        number += 1
      }
      if isPlaced {
        entry = first
      } else if let resumed = stepBack() {
        entry = resumed
      } else {
        return hasFound ? .found : .none
      }
    }
  }

  /// The moment of the first return whose call is not placed.
  @inlinable
  func firstReturn() -> UInt64 {
    var entry = first
    while entry < answered.count { entry = next[entry] }
    return moment(ofReturn: entry - answered.count)
  }

  @inlinable
  mutating func place(_ number: Int) -> Bool {
    attempts += 1
    guard let after = model.after(answered[number].operation, on: state) else { return false }
    if isMadeUpFor(by: answered[number].operation, after) { return false }
    let step = Step(number: number, before: state, highest: highest, chain: chain)
    takeOut(number)
    takeOut(answered.count + number)
    placed[number / 64] |= 1 << UInt64(number % 64)
    remaining -= 1
    highest = max(highest, number)
    state = after
    chain = 0
    steps.append(step)
    if isNew() { return true }
    undo()
    return false
  }

  @inlinable
  mutating func placeOpen(_ number: Int) -> Bool {
    let bit = 1 << UInt64(number % 64) as UInt64
    guard placedOpen[number / 64] & bit == 0 else { return false }
    let twin = twins[number]
    if twin >= 0, placedOpen[twin / 64] & 1 << UInt64(twin % 64) == 0 { return false }
    attempts += 1
    // One that changes nothing is as good as one that never took effect.
    guard let after = model.after(open[number].operation, on: state), after != state else {
      return false
    }
    if isMadeUpFor(by: open[number].operation, after) { return false }
    if chain >= longestChain {
      isCutShort = true
      return false
    }
    steps.append(
      Step(number: answered.count + number, before: state, highest: highest, chain: chain))
    chain += 1
    placedOpen[number / 64] |= bit
    state = after
    if isNew() { return true }
    undo()
    return false
  }

  /// Whether the last placed was open, and `operation` leaves the same without it. Then there is a way
  /// without it.
  @inlinable
  func isMadeUpFor(by operation: Model.Operation, _ after: Model.State) -> Bool {
    guard chain > 0, let last = steps.last else { return false }
    return model.after(operation, on: last.before) == after
  }

  /// Takes the last placement back, and gives the entry to go on with: behind it.
  @inlinable
  mutating func stepBack() -> Int? {
    guard let last = steps.last else { return nil }
    undo()
    if last.number < answered.count { return next[last.number] }
    return answered.count + 1 + last.number + 1
  }

  @inlinable
  mutating func undo() {
    let step = steps.removeLast()
    state = step.before
    highest = step.highest
    chain = step.chain
    guard step.number < answered.count else {
      let number = step.number - answered.count
      placedOpen[number / 64] &= ~(1 << UInt64(number % 64))
      return
    }
    putBack(answered.count + step.number)
    putBack(step.number)
    placed[step.number / 64] &= ~(1 << UInt64(step.number % 64))
    remaining += 1
  }
}
