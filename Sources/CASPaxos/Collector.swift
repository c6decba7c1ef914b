internal import Synod

/// How far this node has come with looking for what may be forgotten, and what it is collecting.
@usableFromInline
struct Collector: Hashable, Sendable {
  /// Registers that are being collected at once, at the most.
  static let limit = 64

  /// Where the next step begins: a shard, and a cell of it downwards.
  var shard = 0
  var cell = Int.max
  /// Passes over the whole table so far.
  var pass: UInt64 = 0
  /// When the next step is due; nil where nothing is ever collected.
  var due: Ticks?
  /// Collections under way.
  @usableFromInline private(set) var open = 0
  /// Names the next.
  private var number: UInt32 = 0
  /// The last collection waited for a voter in vain: one at a time is tried until one succeeds.
  private(set) var isProbing = false

  /// Whether another collection may begin.
  var hasRoom: Bool { open < (isProbing ? 1 : Self.limit) }

  /// None was begun yet.
  var isFirst: Bool { number == 0 }

  mutating func begun() -> TaskID {
    open += 1
    number &+= 1
    return TaskID(.collector, number)
  }

  /// No step is ever due again.
  mutating func forgetTime() {
    (shard, cell, pass, due) = (0, .max, 0, nil)
  }

  mutating func ended(_ outcome: TaskOutcome) {
    open -= 1
    switch outcome {
    case .settled: isProbing = false
    case .failed(.deadline): isProbing = true
    case .failed: break
    }
  }
}
