public import Synod

/// What a client asks.
public struct Proposal<State: ReplicatedState>: Sendable {
  /// What is asked.
  public var operation: Operation<State>
  /// Ends as "not applied" or "unknown" at this time, where it has not ended before.
  public var deadline: Ticks?
  /// Asks that a command has its effect once; of no account to what is no command.
  public var once: Once?

  /// One made of its parts.
  @inlinable public init(
    _ operation: Operation<State>, deadline: Ticks? = nil, once: Once? = nil
  ) {
    self.operation = operation
    self.deadline = deadline
    self.once = once
  }
}

/// What is asked.
public enum Operation<State: ReplicatedState>: Sendable {
  /// Changes the state.
  case command(State.Command)
  /// Asks the state.
  case query(State.Query, Read)
  /// Ends when all that was told of before is executed here.
  case barrier
  /// Changes the members.
  case members(MembershipChange)
}

/// How a query is answered.
public enum Read: Hashable, Sendable {
  /// Linearizable, by whichever node is asked: it takes its turn among the commands that it interferes
  /// with, and none among other reads (rule 36).
  case linearizable
  /// From the state at hand, however old.
  case stale
}

/// How a proposal ended.
public struct Completion<State: ReplicatedState>: Sendable, ProposalCompletion {
  /// Whose completion it is.
  public var proposal: ProposalID
  /// What is known.
  public var result: Outcome<State>

  /// One made of its parts.
  @inlinable public init(proposal: ProposalID, result: Outcome<State>) {
    self.proposal = proposal
    self.result = result
  }
}

/// The three things that a client can be told (and the forms of the first).
public enum Outcome<State: ReplicatedState>: Sendable {
  /// The command was applied, once, at this position (`ApplyContext`). Where an earlier attempt of it
  /// had been (`Once`): with the outcome of that, and its position.
  case applied(State.Outcome, at: UInt64)
  /// Answered from the state, when it was its turn.
  case answered(State.Answer)
  /// All that was told of before the barrier was proposed is executed here.
  case passed
  /// The members were changed, into these.
  case changed(Membership)
  /// It had no effect and never will. Safe to retry.
  case notApplied(NotApplied)
  /// It may have had its effect, or may yet.
  case unknown(Abandoned)
}

/// Why a proposal certainly had no effect.
public enum NotApplied: Hashable, Sendable {
  /// Too much is waiting already; nothing was sent.
  case overloaded
  /// The command is longer than its limit (bytes).
  case tooLarge(size: Int, limit: Int)
  /// It cannot be read as a command of the application's.
  case malformed
  /// Its client has sent a later command since (`Once`), so what came of this one is not known any
  /// more: this attempt had no effect.
  case outdated
  /// The members could not be changed like this.
  case members(MembershipRefusal)
  /// Given up before anything could come of it.
  case abandoned(Abandoned)
}

/// Why a proposal was given up.
public enum Abandoned: Error, Hashable, Sendable {
  case deadline
  case cancelled
  /// The state was replaced by a snapshot that may contain it; or it asks to have its effect once, and its
  /// client is one of those whose last commands were forgotten (`Once`).
  case forgotten
  /// No number is left to draw.
  case countersExhausted
  /// The store was to hold records, and holds none (`StartMode.resume`).
  case blankStore
  /// This node is not one of the voters, or not any more.
  case notAMember
  /// The store failed: this machine proposes and votes no more.
  case storageFailed
  /// The machine was told of a batch that it never issued, or saw two values decided for one instance;
  /// it stopped.
  case machineStopped
}

extension Operation: Equatable where State.Query: Equatable {}
extension Operation: Hashable where State.Query: Hashable {}
extension Proposal: Equatable where State.Query: Equatable {}
extension Proposal: Hashable where State.Query: Hashable {}
extension Outcome: Equatable where State.Answer: Equatable {}
extension Outcome: Hashable where State.Answer: Hashable {}
extension Completion: Equatable where State.Answer: Equatable {}
extension Completion: Hashable where State.Answer: Hashable {}
