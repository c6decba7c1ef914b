public import Synod

/// What a client asks of the log.
public struct Proposal<App: ReplicatedState>: Sendable {
  /// What is asked.
  public var operation: Operation<App>
  /// Ends as "not applied" or "unknown" at this time, where it has not ended before.
  public var deadline: Ticks?
  /// Asks that a command has its effect once; of no account to what is no command.
  ///
  /// An attempt counts from when a machine takes it. One that waits unread, in a connection that its client
  /// has given up, while a retry is applied elsewhere and then forgotten (4096 clients wrote since), would
  /// count as new: whoever takes commands from connections drops what a lost one had not given yet.
  public var once: Once?
  /// What to do where this node does not lead.
  public var importance = Importance.gain
  /// Where in the log it is to stand; anywhere where it is nil. Where it comes to stand elsewhere it has
  /// no effect: so "only if nothing was written since slot s" is `s.next...s.next`. Of no account to
  /// queries.
  public var slots: ClosedRange<Slot>?

  /// One made of its parts.
  @inlinable public init(
    _ operation: Operation<App>, deadline: Ticks? = nil, once: Once? = nil,
    importance: Importance = .gain, slots: ClosedRange<Slot>? = nil
  ) {
    self.operation = operation
    self.deadline = deadline
    self.once = once
    self.importance = importance
    self.slots = slots
  }
}

/// What to do where this node does not lead.
public enum Importance: Hashable, Sendable {
  /// Hand it to the leader, or wait for one, until the deadline.
  case gain
  /// End at once: "not applied" with a hint, or, where it had left, "unknown".
  case maintain
}

/// What is asked.
public enum Operation<App: ReplicatedState>: Sendable {
  /// Changes the state.
  case command(App.Command)
  /// Asks the state.
  case query(App.Query, Read)
  /// Ends when all that was chosen before is applied here, by a filler of its own in the log.
  case barrier
  /// Changes the members. Ends when it stands in the log; it takes effect α slots later.
  case changeMembership(MembershipChange)
  /// Takes, refreshes or gives back a lease.
  case lease(LeaseRequest)
  /// Has another voter lead: this one, or whoever is furthest. Only where this node leads. Ends when
  /// this node leads no more; "unknown" means that the other may still take over.
  case transferLeadership(to: VoterID?)
}

/// How a query is answered.
public enum Read: Hashable, Sendable {
  /// Linearizable, by the leader, after one round of heartbeats (rule 43): elsewhere it ends as "not
  /// leader".
  case leader
  /// Linearizable, by whichever node is asked: it asks the leader how far it must have come.
  case follower
  /// Linearizable under the bound on clock rates, by the leader alone and at once, while it holds a
  /// lease (rule 44): elsewhere it ends as "not leader", without a lease as "no lease".
  case lease
  /// From the state at hand, however old.
  case stale
}

/// How a proposal ended.
public struct Completion<App: ReplicatedState>: Sendable, ProposalCompletion {
  /// Whose completion it is.
  public var proposal: ProposalID
  /// What is known.
  public var result: Outcome<App>

  /// One made of its parts.
  @inlinable public init(proposal: ProposalID, result: Outcome<App>) {
    self.proposal = proposal
    self.result = result
  }
}

/// The three things that a client can be told (and the forms of the first).
public enum Outcome<App: ReplicatedState>: Sendable {
  /// The command was applied, once, in this slot. Where an earlier attempt of it had been (`Once`):
  /// with the outcome of that, and its slot.
  case applied(App.Outcome, at: Slot)
  /// Answered from the state after this slot.
  case answered(App.Answer, at: Slot)
  /// The barrier stands in this slot, and all before it is applied.
  case passed(Slot)
  /// The members, from this slot on.
  case membership(Membership, from: Slot)
  /// What came of a lease's request.
  case lease(LeaseOutcome, at: Slot)
  /// Another leads.
  case transferred(to: VoterID)
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
  /// This node does not lead; another does, perhaps.
  case notLeader(VoterID?)
  /// This node leads and holds no lease at the moment.
  case noLease
  /// The members cannot be changed like that.
  case refused(MembershipRefusal)
  /// The voter that is to lead is none.
  case notAVoter(VoterID)
  /// Its client has sent a later command since (`Once`), so what came of this one is not known any
  /// more: this attempt had no effect.
  case outdated
  /// It came to stand in this slot, which is none of those where it was wanted.
  case outsideSlots(Slot)
  /// Given up before anything could come of it.
  case abandoned(Abandoned)
}

/// Why a proposal was given up.
public enum Abandoned: Error, Hashable, Sendable {
  case deadline
  case cancelled
  /// This node led, and leads no more (paxakos's "lost").
  case leadershipLost
  /// This node is no member of the cluster, or none yet (paxakos's "exiled").
  case notAMember
  /// What came of it is not known any more: the state was replaced by a snapshot that may contain it, or
  /// its client is one of those whose last commands were forgotten (`Once`).
  case forgotten
  /// No ballot or number is left to draw.
  case countersExhausted
  /// The store is blank, and the settings do not say how to begin one (`StartMode`).
  case cannotStart(StartProblem)
  /// The store does not hold what this voter acknowledged: it was rolled back, or is another one.
  case rolledBack
  /// The machine was shut down (`Machine.shutDown`).
  case shutDown
  /// The state was taken out of the machine (`Machine.eject`).
  case ejected
  /// This node's state was not that of the others: its store is to be given up.
  case diverged
  /// The store failed: this machine proposes and votes no more.
  case storageFailed
  /// The machine was told of a batch that it never issued, or saw two entries chosen for one slot; it
  /// stopped.
  case machineStopped
}

extension Operation: Equatable where App.Query: Equatable {}
extension Operation: Hashable where App.Query: Hashable {}
extension Proposal: Equatable where App.Query: Equatable {}
extension Proposal: Hashable where App.Query: Hashable {}
extension Outcome: Equatable where App.Answer: Equatable {}
extension Outcome: Hashable where App.Answer: Hashable {}
extension Completion: Equatable where App.Answer: Equatable {}
extension Completion: Hashable where App.Answer: Hashable {}
