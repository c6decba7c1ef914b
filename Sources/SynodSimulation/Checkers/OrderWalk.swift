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
  @usableFromInline var attempts = 0

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
