/// One search for an order: the operations that are not placed yet as a linked list of calls and
/// returns in the order of time, and the way that led here.
@usableFromInline
struct OrderWalk<Model: SequentialModel> {
  @usableFromInline typealias Timed = TimedOperation<Model.Operation>

  @usableFromInline enum Outcome { case found, none, outOfBudget }

  /// Placed operations, so that nothing is tried twice: all of those answered that were called
  /// before the first that is not placed, and some behind it.
  @usableFromInline struct Place: Hashable {
    @usableFromInline let first: Int
    /// Which of the 64 behind the first are placed, and of those behind them.
    @usableFromInline let near: UInt64
    @usableFromInline let far: [UInt64]
    @usableFromInline let state: Model.State

    @inlinable
    init(first: Int, near: UInt64, far: [UInt64], state: Model.State) {
      self.first = first
      self.near = near
      self.far = far
      self.state = state
    }
  }

  /// A placed operation, and what to go back to.
  @usableFromInline struct Step {
    /// Open ones are numbered behind the answered ones.
    @usableFromInline let number: Int
    @usableFromInline let before: Model.State
    @usableFromInline let highest: Int
    @usableFromInline let chain: Int

    @inlinable
    init(number: Int, before: Model.State, highest: Int, chain: Int) {
      self.number = number
      self.before = before
      self.highest = highest
      self.chain = chain
    }
  }

  @usableFromInline let model: Model
  /// By the moment of the call.
  @usableFromInline let answered: [Timed]
  /// Without an answer, by the moment of the call.
  @usableFromInline let open: [Timed]
  /// For each open operation the one before it that does the same, or -1: of two alike, the one that
  /// was called first is placed first, since it can be wherever the other can.
  @usableFromInline var twins: [Int] = []
  /// Entry *i* is the call of the answered operation *i*, *n + i* its return, *2n* the list's ends.
  @usableFromInline var next: [Int] = []
  @usableFromInline var previous: [Int] = []

  @usableFromInline var state: Model.State
  @usableFromInline var steps: [Step] = []
  @usableFromInline var placed: [UInt64]
  @usableFromInline var placedOpen: [UInt64]
  @usableFromInline var remaining: Int
  /// The last placed one of those answered.
  @usableFromInline var highest = -1
  /// For each place that was reached: with which of the open ones placed, `placedOpen.count` words
  /// each. Whoever gets there with more of them placed can do nothing that the earlier could not.
  @usableFromInline var reached: [Place: [UInt64]] = [:]
  /// How many of the open ones were placed last, one behind the other, and how many may be. Few will
  /// do for most histories, and many take long to try.
  @usableFromInline var chain = 0
  @usableFromInline var longestChain = Int.max
  @usableFromInline var isCutShort = false
  /// Attempts so far.
  @usableFromInline private(set) var attempts = 0

  /// What is answered by `end`, and what is open then, each in the order of the calls.
  @inlinable
  static func parted(
    _ history: [Timed], by end: UInt64
  ) -> (answered: [Timed], open: [Timed]) {
    var (answered, open): ([Timed], [Timed]) = ([], [])
    for one in history where one.invoked <= end {
      if let returned = one.returned, returned <= end {
        answered.append(one)
      } else {
        open.append(one)
      }
    }
    answered.sort { $0.invoked < $1.invoked }
    open.sort { $0.invoked < $1.invoked }
    return (answered, open)
  }

  /// - Parameter end: answers that come later are as good as none.
  @inlinable
  init(_ model: Model, _ history: [Timed], from start: Model.State? = nil, end: UInt64 = .max) {
    self.model = model
    (answered, open) = Self.parted(history, by: end)
    state = start ?? model.initial
    placed = [UInt64](repeating: 0, count: (answered.count + 63) / 64)
    placedOpen = [UInt64](repeating: 0, count: (open.count + 63) / 64)
    remaining = answered.count
    link()
    findTwins()
  }

  @inlinable
  mutating func findTwins() {
    twins = open.indices.map { number in
      // Looking back for ever would take long where there are very many.
      let earlier = open[..<number].suffix(256)
      return earlier.lastIndex { model.isSame($0.operation, as: open[number].operation) } ?? -1
    }
  }

  /// Makes the list: of two at one moment, the call comes first, so that they overlap.
  @inlinable
  mutating func link() {
    let count = answered.count
    let returns = (0..<count).sorted { moment(ofReturn: $0) < moment(ofReturn: $1) }
    next = [Int](repeating: 2 * count, count: 2 * count + 1)
    previous = next
    var last = 2 * count
    var call = 0
    for number in returns {
      while call < count, answered[call].invoked <= moment(ofReturn: number) {
        append(call, behind: &last)
        call += 1
      }
      append(count + number, behind: &last)
    }
    previous[2 * count] = last
  }

  @inlinable
  mutating func append(_ entry: Int, behind last: inout Int) {
    next[last] = entry
    previous[entry] = last
    last = entry
  }

  @inlinable
  func moment(ofReturn number: Int) -> UInt64 { answered[number].returned ?? .max }

  /// The first operation that is not placed.
  @inlinable var first: Int { next[2 * answered.count] }

  @inlinable
  mutating func takeOut(_ entry: Int) {
    next[previous[entry]] = next[entry]
    previous[next[entry]] = previous[entry]
  }

  @inlinable
  mutating func putBack(_ entry: Int) {
    next[previous[entry]] = entry
    previous[next[entry]] = entry
  }
}

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

  /// Notes the place that was reached; false where everything from here on was tried already.
  @inlinable
  mutating func isNew() -> Bool {
    let first = remaining == 0 ? answered.count : self.first
    var far: [UInt64] = []
    var start = first + 65
    while start <= highest {
      far.append(word(at: start))
      start += 64
    }
    let place = Place(first: first, near: word(at: first + 1), far: far, state: state)
    let width = placedOpen.count
    guard var known = reached[place] else {
      reached[place] = placedOpen
      return true
    }
    if width == 0 { return false }
    for start in stride(from: 0, to: known.count, by: width) {
      if (0..<width).allSatisfy({ known[start + $0] & ~placedOpen[$0] == 0 }) { return false }
    }
    known.append(contentsOf: placedOpen)
    reached[place] = known
    return true
  }

  /// Which of the 64 answered operations from `number` on are placed.
  @inlinable
  func word(at number: Int) -> UInt64 {
    let index = number / 64
    let shift = UInt64(number % 64)
    guard index < placed.count else { return 0 }
    let low = placed[index] >> shift
    guard shift > 0, index + 1 < placed.count else { return low }
    return low | placed[index + 1] << (64 - shift)
  }
}
