public import Synod

/// What a client asks of one register.
public struct Proposal<C: Change>: Sendable {
  /// Names the register.
  public var key: Bytes
  /// What is done to it.
  public var operation: Operation<C>
  /// When to give up; never where nil. Where thousands wait for one register it may be a tick later for
  /// every thousand.
  public var deadline: Ticks?
  /// Has a change made once, however often it is proposed; reads need no such thing.
  public var once: Once?

  /// One made of its parts.
  @inlinable public init(
    key: Bytes, operation: Operation<C>, deadline: Ticks? = nil, once: Once? = nil
  ) {
    self.key = key
    self.operation = operation
    self.deadline = deadline
    self.once = once
  }
}

/// What is done to a register.
public enum Operation<C: Change>: Sendable {
  /// Runs the change on the newest state.
  case change(C)
  /// Gives the newest state, in one round trip where the voters agree.
  case read
  /// Gives the newest state and fences: no write that was given up earlier surfaces after it.
  case barrierRead
  /// Ends what the register keeps of a client (`Once`), which will retry nothing that it asked of this
  /// register up to this number; nor is that made where it comes late, as long as there is room to keep
  /// that in mind. It gives the newest state, and fences as `barrierRead` does.
  case forget(Identity128, through: UInt64)
  /// Tells of the newest state and of every later one, as effects, until it is cancelled.
  indirect case watch(WatchRequest)
  /// Lists registers that have a value, about `limit` of them, behind those up to and including a
  /// hash; from the first where nil. The proposal's key does not matter. See `KeyList`.
  case list(after: UInt64?, limit: Int)
  /// Gives the members. The key is of no account.
  case membership
  /// Changes the members. Ends when it is decided; where the voters change, the transfer that follows
  /// goes on by itself (`Machine.membership`). The key is of no account.
  case changeMembership(MembershipChange)
}

/// A piece of the list of all registers that have a value.
///
/// It is linearizable key by key, not as a whole: what is said of one key was true at some moment
/// between the question and the answer, of each at a moment of its own. So a register that had a
/// value all that time is in it, one that had none at any time is not, and in a walk from the first
/// piece to the last each comes once.
public struct KeyList: Hashable, Sendable {
  /// In the order of their hashes, which is the same on every node.
  public var keys: [Bytes]
  /// The piece is complete up to and including this hash: the next one begins behind it. Its highest
  /// value says that there is none.
  public var through: UInt64

  /// One made of its parts.
  public init(keys: [Bytes], through: UInt64) {
    self.keys = keys
    self.through = through
  }
}

/// How a proposal ended.
public struct Completion<C: Change>: Sendable, ProposalCompletion {
  /// Whose completion it is.
  public var proposal: ProposalID
  /// What is known.
  public var result: Outcome<C>

  /// One made of its parts.
  @inlinable public init(proposal: ProposalID, result: Outcome<C>) {
    self.proposal = proposal
    self.result = result
  }
}

/// The three things that a client can be told (and the three forms of the first).
public enum Outcome<C: Change>: Sendable {
  /// The change took effect, once; with its output and the state that it left. Where an earlier
  /// attempt of it had done so already (`Once`): with the output of that, and the state at hand.
  case applied(C.Output, Register)
  /// The state that a read saw.
  case read(Register)
  /// The registers that a list found.
  case listed(KeyList)
  /// The members, as they are or as they were changed: decided.
  case membership(Membership)
  /// It had no effect and never will. Safe to retry.
  case notApplied(NotApplied<C.Rejection>)
  /// It may have had its effect, or may yet.
  case unknown(Abandoned)
}

/// Why a proposal certainly had no effect.
public enum NotApplied<Rejection: Sendable>: Sendable {
  /// The change refused, having seen this settled state.
  case rejected(Rejection, Register)
  /// Too much is waiting already; nothing was sent.
  case overloaded
  /// The key or the new value is longer than its limit (bytes).
  case tooLarge(size: Int, limit: Int)
  /// Keys that begin with 0 "synod/" are not the clients'.
  case reserved
  /// The members cannot be changed like that.
  case refused(MembershipRefusal)
  /// It cannot be watched, or no longer.
  case unwatchable(WatchRefusal)
  /// It was asked for once (`Once`), and what it would tell has no form to be kept in, or one that is
  /// too long.
  case cannotRemember
  /// Given up before anything could come of it.
  case abandoned(Abandoned)
}

/// Why a proposal was given up.
public enum Abandoned: Error, Hashable, Sendable {
  case deadline
  case cancelled
  /// No ballot is left to draw.
  case ballotsExhausted
  /// This node is no member of the cluster, or none yet.
  case notAMember
  /// What became of it cannot be told any more: the register was deleted and collected since, or was
  /// written by more voters than it remembers, or has forgotten its client's earlier changes
  /// (`Once`).
  case forgotten
  /// Another change of its client had its number (`Once`): this attempt did nothing, and what became of
  /// an earlier one cannot be told.
  case otherChange
  /// The store failed: this machine proposes and votes no more.
  case storageFailed
  /// The machine was told of a batch that it never issued, or saw two values under one ballot; it
  /// stopped.
  case machineStopped
}

// Machines can be compared and hashed where their changes can.
extension Operation: Equatable where C: Equatable {}
extension Operation: Hashable where C: Hashable {}
extension Proposal: Equatable where C: Equatable {}
extension Proposal: Hashable where C: Hashable {}
extension NotApplied: Equatable where Rejection: Equatable {}
extension NotApplied: Hashable where Rejection: Hashable {}
extension Outcome: Equatable where C.Output: Equatable, C.Rejection: Equatable {}
extension Outcome: Hashable where C.Output: Hashable, C.Rejection: Hashable {}
extension Completion: Equatable where C.Output: Equatable, C.Rejection: Equatable {}
extension Completion: Hashable where C.Output: Hashable, C.Rejection: Hashable {}
