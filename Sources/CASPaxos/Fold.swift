public import Synod

/// The changes of one round: those that it carries, and those that came since.
@usableFromInline
struct Fold<C: Change>: Sendable {
  /// Who is told of the end.
  @usableFromInline
  enum Origin: Hashable, Sendable {
    case client(ProposalID)
    case task(TaskID)
  }

  /// What is done to the register.
  @usableFromInline
  enum Work: Sendable {
    case change(C)
    case errand(Errand)
  }

  /// A proposal or a task that is open.
  @usableFromInline
  struct Pending: Sendable {
    @usableFromInline let origin: Origin
    @usableFromInline let work: Work
    @usableFromInline let deadline: Ticks?
    @usableFromInline let once: Once?
    /// It wrote in an accept that was emitted and is not known to be dead.
    @usableFromInline var mayHaveWritten = false
    /// It was given up and answered; its place is kept, so that results stay in step.
    @usableFromInline var isAbandoned = false

    @inlinable init(from origin: Origin, work: Work, deadline: Ticks?, once: Once? = nil) {
      self.origin = origin
      self.work = work
      self.deadline = deadline
      self.once = once
    }
  }

  /// What a proposal ends with if its attempt is chosen.
  @usableFromInline
  struct Result: Sendable {
    @usableFromInline var outcome: Outcome<C>
    @usableFromInline var wrote: Bool

    @inlinable init(_ outcome: Outcome<C>, wrote: Bool = false) {
      self.outcome = outcome
      self.wrote = wrote
    }
  }

  /// An attempt whose accept ended without a decision.
  @usableFromInline
  struct Attempt: Sendable {
    @usableFromInline let ballot: Ballot
    @usableFromInline let results: [Result]

    @inlinable init(ballot: Ballot, results: [Result]) {
      self.ballot = ballot
      self.results = results
    }
  }

  /// In the order in which they are applied.
  @usableFromInline var folded: [Pending] = []
  @usableFromInline var waiting: [Pending] = []
  /// Of the attempt under way, one for each of `folded`.
  @usableFromInline var results: [Result] = []
  /// Attempts that may still turn out to be chosen. None of two is part of one state.
  @usableFromInline var earlier: [Attempt] = []
  /// The attempt under way changes nothing: it only makes sure that the earlier ones are dead.
  @usableFromInline var isBurial = false

  @inlinable init() {}

  @inlinable var isEmpty: Bool { folded.isEmpty && waiting.isEmpty }

  /// Moves what waits behind what is folded, as far as `limit` allows.
  @inlinable
  mutating func takeWaiting(limit: Int) {
    if folded.isEmpty && waiting.count <= limit { return swap(&folded, &waiting) }
    let taken = min(max(0, limit - folded.count), waiting.count)
    folded.append(contentsOf: waiting[..<taken])
    waiting.removeFirst(taken)
  }

  /// Runs the changes in order, each on what the one before it left. Where they write more than a
  /// round should hold, the rest goes back to what waits, unless an earlier attempt had it, too.
  /// - Returns: the state after all, and whether any of them wrote.
  @inlinable
  mutating func run(
    on base: RegisterState, at ballot: Ballot, within settings: Settings
  ) -> (state: RegisterState, wrote: Bool) {
    results.removeAll(keepingCapacity: true)
    var state = base
    var step: UInt32 = 0
    var bytes = 0
    for index in folded.indices {
      if bytes > settings.maxFoldBytes && earlier.isEmpty {
        putBack(from: index)
        break
      }
      let result = Self.run(
        folded[index], on: &state, at: ballot, step: &step, within: settings)
      if result.wrote { bytes += state.value?.count ?? 0 }
      results.append(result)
    }
    return (state, step > 0)
  }

  /// What was given up meanwhile was answered: it does not wait again.
  @usableFromInline
  mutating func putBack(from index: Int) {
    waiting.insert(contentsOf: folded[index...].filter { !$0.isAbandoned }, at: 0)
    folded.removeSubrange(index...)
  }

  @inlinable
  static func run(
    _ pending: Pending, on state: inout RegisterState, at ballot: Ballot, step: inout UInt32,
    within settings: Settings
  ) -> Result {
    if pending.isAbandoned { return Result(.unknown(.cancelled)) }
    switch pending.work {
    case .errand(.read), .errand(.settle), .errand(.collect):
      return Result(.read(state.register))
    case .errand(.members), .errand(.reconfigure): return Result(.notApplied(.reserved))
    case .errand(.forget(let client, let sequence)):
      state.endSession(of: client, through: sequence, limit: settings.maxSessions)
      return Result(.read(state.register), wrote: true)
    case .change(let change):
      var once = pending.once
      // What never writes is never kept.
      if once != nil && change.isReadOnly { once = nil }
      if let once, let told = recall(change, once, from: state) { return told }
      return apply(change, once, to: &state, at: ballot, step: &step, within: settings)
    }
  }

  @inlinable
  static func apply(
    _ change: C, _ once: Once?, to state: inout RegisterState, at ballot: Ballot,
    step: inout UInt32, within settings: Settings
  ) -> Result {
    switch change.apply(to: state.register) {
    case .keep(let output): return Result(.applied(output, state.register))
    case .reject(let why): return Result(.notApplied(.rejected(why, state.register)))
    case .write(let value, let output):
      let size = value?.count ?? 0
      guard size <= settings.maxValue else {
        return Result(.notApplied(.tooLarge(size: size, limit: settings.maxValue)))
      }
      var kept: Bytes?
      if once != nil {
        kept = keep(change, output)
        if kept == nil { return Result(.notApplied(.cannotRemember)) }
      }
      step += 1
      state = state.written(value, at: ballot, step: step)
      if let once, let kept { state.remember(kept, of: once, limit: settings.maxSessions) }
      return Result(.applied(output, state.written), wrote: true)
    }
  }

  /// Whether an open one that matches is among them.
  @inlinable func holds(where matches: (Pending) -> Bool) -> Bool {
    for pending in folded where !pending.isAbandoned && matches(pending) { return true }
    for pending in waiting where matches(pending) { return true }
    return false
  }

  /// Whether any of them must be written through, whatever the state is.
  @inlinable var hasBarrier: Bool {
    for pending in folded where !pending.isAbandoned {
      switch pending.work {
      case .errand(.settle), .errand(.forget): return true
      // What an earlier attempt may yet do must not come after the retry was told otherwise.
      case .change: if pending.once?.isRetry == true { return true }
      case .errand(.read), .errand(.members), .errand(.reconfigure), .errand(.collect): break
      }
    }
    return false
  }

  /// Whether none of them means to write.
  @inlinable var isReadOnly: Bool {
    for pending in folded {
      switch pending.work {
      case .errand(.read), .errand(.members): break
      case .errand(.settle), .errand(.forget), .errand(.reconfigure), .errand(.collect):
        return false
      case .change(let change): if !change.isReadOnly { return false }
      }
    }
    return true
  }

  /// The earliest deadline of all.
  @inlinable var deadline: Ticks? {
    var earliest: Ticks?
    for pending in folded where !pending.isAbandoned {
      if let deadline = pending.deadline { earliest = min(earliest ?? deadline, deadline) }
    }
    for pending in waiting {
      if let deadline = pending.deadline { earliest = min(earliest ?? deadline, deadline) }
    }
    return earliest
  }
}

extension Fold.Pending {
  @inlinable func isProposal(_ id: ProposalID) -> Bool {
    if case .client(let mine) = origin { mine == id } else { false }
  }

  @inlinable func isProposal(of ids: Set<ProposalID>) -> Bool {
    if case .client(let mine) = origin { ids.contains(mine) } else { false }
  }
}

extension Fold.Work: Equatable where C: Equatable {}
extension Fold.Work: Hashable where C: Hashable {}
extension Fold.Pending: Equatable where C: Equatable {}
extension Fold.Pending: Hashable where C: Hashable {}
extension Fold.Result: Equatable where C.Output: Equatable, C.Rejection: Equatable {}
extension Fold.Result: Hashable where C.Output: Hashable, C.Rejection: Hashable {}
extension Fold.Attempt: Equatable where C.Output: Equatable, C.Rejection: Equatable {}
extension Fold.Attempt: Hashable where C.Output: Hashable, C.Rejection: Hashable {}
extension Fold: Equatable where C: Equatable, C.Output: Equatable, C.Rejection: Equatable {}
extension Fold: Hashable where C: Hashable, C.Output: Hashable, C.Rejection: Hashable {}
