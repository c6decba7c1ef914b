import KeyValue
import Synod

/// The commands of one connection on their way into a log: one batch at a time, so that they take effect
/// in the order in which they were sent, whatever is lost and sent again. What comes meanwhile is in the
/// next batch. A batch is one command of the log: it costs as much as one, however many are in it.
struct CommandLane {
  /// One command of the client that waits.
  struct Item {
    var steps: [KeyValueStep]
    /// Its place in the queue of replies, and how many places it has there.
    var number: UInt64
    var slots: Int = 1
    var claim: Claim
    var kind = Kind.plain
    /// Bytes, about.
    var weight: Int

    var isAppend: Bool {
      if case .change(let change, _)? = steps.first { change.kind == .append } else { false }
    }

    enum Kind {
      case plain
      /// `WATCH`: its reply is kept, for the next transaction.
      case watch([Bytes])
      /// `EXEC`: all or nothing, and nothing where what was watched changed.
      case transaction
      /// Nothing is watched from here on.
      case unwatch
    }
  }

  /// Commands of a transaction that is being put together; nil outside of one.
  struct Transaction {
    var steps: [KeyValueStep] = []
    var weight = 0
    /// A command of it was refused, so it will be.
    var isBroken = false

    /// What it may have done. One in which an earlier attempt is asked after is one itself.
    var claim: Claim {
      if steps.allSatisfy(\.isReadOnly) { return .readOnly }
      return steps.contains { $0.once?.isRetry ?? false } ? .retry : .writes
    }
  }

  /// Bytes, and steps, of one batch; one command may have more.
  static let batchBytes = 256 * 1024
  static let batchSteps = 512
  /// Bytes, about, of the values that the appends of one batch make anew.
  static let batchAppended = 4 << 20

  var transaction: Transaction?
  private(set) var waiting: [Item] = []
  /// What was proposed and has not ended.
  private(set) var underWay: [Item] = []
  /// Versions of what is watched, in the order in which it was.
  private var guards: [KeyValueGuard] = []
  private var watched: Set<Bytes> = []
  /// The connection watched too much, or what it watches could not be read.
  private var isWatchBroken = false

  /// Bytes of the longest value that an append of this connection made.
  private var longestAppended = 0

  /// Keys that one connection watches, at most.
  static let maxWatched = 256

  /// Whether a batch could be proposed.
  var hasNext: Bool { underWay.isEmpty && !waiting.isEmpty }

  mutating func append(_ item: Item) { waiting.append(item) }

  /// Forgets what was watched by the commands before this moment, which may still wait.
  mutating func unwatch() {
    if waiting.isEmpty && underWay.isEmpty { return forget() }
    if case .unwatch? = waiting.last?.kind { return }
    waiting.append(Item(steps: [], number: 0, claim: .readOnly, kind: .unwatch, weight: 0))
  }

  /// Ends a transaction that is being put together, and forgets what is watched.
  mutating func reset() {
    transaction = nil
    unwatch()
  }

  // MARK: - Out

  enum Next {
    case propose(KeyValueCommand, as: UInt64)
    /// The transaction at the head cannot be made: what it watched could not be read.
    case refuse(Item)
  }

  /// The next batch; nil where one is under way, or nothing waits.
  mutating func next() -> Next? {
    guard underWay.isEmpty else { return nil }
    while let first = waiting.first, case .unwatch = first.kind {
      waiting.removeFirst()
      forget()
    }
    guard let first = waiting.first else { return nil }
    if case .transaction = first.kind {
      waiting.removeFirst()
      defer { forget() }
      if isWatchBroken { return .refuse(first) }
      underWay = [first]
      return .propose(.several(first.steps, guards: guards), as: first.number)
    }
    let count = batchLength
    underWay = Array(waiting[..<count])
    waiting.removeFirst(count)
    let steps = underWay.flatMap(\.steps)
    return .propose(steps.count == 1 ? .one(steps[0]) : .several(steps), as: first.number)
  }

  /// How many of those that wait go together, at least one.
  private var batchLength: Int {
    var (weight, appended, count) = (0, 0, 0)
    for item in waiting {
      switch item.kind {
      case .transaction, .unwatch: return count
      case .plain, .watch: break
      }
      weight += item.weight
      if item.isAppend { appended += longestAppended }
      if count > 0, appended > Self.batchAppended { return count }
      if count > 0, weight > Self.batchBytes || count >= Self.batchSteps { return count }
      count += 1
    }
    return count
  }

  private mutating func forget() {
    guards = []
    watched = []
    isWatchBroken = false
  }

  /// The number of what is under way, where a change in it is to be made once.
  var openOnce: [UInt64] {
    let isOnce = underWay.contains { $0.steps.contains { $0.once != nil } }
    return isOnce ? underWay.prefix(1).map(\.number) : []
  }

  // MARK: - In

  /// An append gave that many bytes.
  mutating func noteAppended(_ length: Int64) {
    longestAppended = max(longestAppended, Int(clamping: length))
  }

  /// What was under way has ended.
  mutating func takeUnderWay() -> [Item] {
    defer { underWay = [] }
    return underWay
  }

  /// Keeps the versions of keys that are watched from now on; those that are watched already keep theirs.
  mutating func watch(_ keys: [Bytes], _ reply: KeyValueReply?) {
    guard case .array(let versions) = reply, versions.count == keys.count,
      watched.count + keys.count <= Self.maxWatched
    else {
      isWatchBroken = true
      return
    }
    for (key, version) in zip(keys, versions) {
      guard case .integer(let number) = version, watched.insert(key).inserted else { continue }
      guards.append(KeyValueGuard(key, version: UInt64(bitPattern: number)))
    }
  }
}

extension KeyValueStep {
  /// Where it is to be made once.
  fileprivate var once: Once? { if case .once(_, _, let once) = self { once } else { nil } }
}
