internal import Synod

extension Machine {
  /// How a machine stands, for people.
  public struct Status: Hashable, Sendable {
    /// Instances executed, in all lives of its state.
    public var executed: UInt64
    /// What is executed without a gap, row by row.
    public var executedThrough: Dependencies
    /// What is decided and forgotten.
    public var truncated: Dependencies
    /// What was heard of.
    public var seen: Dependencies
    /// The last barrier executed.
    public var barrier: InstanceID?
    /// Proposals of this node's that have not ended.
    public var open: Int
    /// Recoveries that this node has under way.
    public var recoveries: Int
  }

  /// How it stands.
  public var status: Status {
    Status(
      executed: core.executed, executedThrough: core.table.executed,
      truncated: core.table.truncated, seen: core.table.seen, barrier: core.barriers.last,
      open: core.pending.count, recoveries: core.allRecoveries)
  }

  /// Who takes part, by all that was executed here.
  public var membership: Membership { core.membership }
  /// With whom this node has to do: all other members, and those that left and may not know it.
  public var peers: [Member] {
    let members = core.membership.members
    let past = core.past?.members ?? []
    let left = past.filter { one in !members.contains { $0.voter == one.voter } }
    return (members + left).filter { $0.voter != core.me }
  }
  /// Whether this node votes.
  public var isVoter: Bool { core.isVoter }
  /// Whether it has the state of any epoch: who joins has none at first.
  public var hasState: Bool { core.hasState }
  /// Whether a node that is no member any more is needed no longer: enough of those that are have, for
  /// certain, all that it knows.
  public var mayLeave: Bool {
    guard core.hasState, core.membership.member(core.me) == nil else { return false }
    return core.isEpochBegun
  }

  /// What it has done since it was made.
  public var statistics: Statistics { core.statistics }
  /// What it was made from, within its bounds.
  public var settings: Settings { core.settings }
  /// Why it stopped for good; nil while it runs.
  public var stopped: Abandoned? { core.stopped }
  /// Proposals that have not ended.
  public var openProposals: Int { core.pending.count }
  /// Messages that wait for the store.
  public var heldReplies: Int { core.outbox.heldCount }
  /// The highest number of an own instance that is reserved, durable or not.
  public var reserved: UInt64 { core.reservation.requested }

  /// What this node holds of an instance, durable or not: for tests and people. Nil where it holds
  /// nothing of it, or has forgotten it.
  public func instance(_ id: InstanceID) -> Instance? { core.table[id] }
  /// Whether it is decided, executed, and forgotten here.
  public func isForgotten(_ id: InstanceID) -> Bool { core.table.isTruncated(id) }
  /// Whether it is decided here, or was.
  public func isCommitted(_ id: InstanceID) -> Bool { core.table.isCommitted(id) }
  /// Whether it was executed here.
  public func isExecuted(_ id: InstanceID) -> Bool { core.table.isExecuted(id) }
  /// All instances that are held, row by row.
  public var instances: [(id: InstanceID, instance: Instance)] { core.table.all }
  /// Those of the epoch before, row by row, which others may ask for still: a record of them may have
  /// been durable before this node knew so.
  public var pastInstances: [(id: InstanceID, instance: Instance)] { core.past?.table.all ?? [] }
}

extension InstanceTable {
  fileprivate var all: [(id: InstanceID, instance: Instance)] {
    lines.flatMap { line in
      stride(from: line.truncated + 1, through: line.last, by: 1).compactMap { number in
        line[number].map { (InstanceID(row: line.row, number: number), $0) }
      }
    }
  }
}

extension Machine: Equatable where State: Equatable {
  /// Whether both are in the same state. What queries ask is not looked at.
  public static func == (a: Machine, b: Machine) -> Bool {
    a.core == b.core && a.app == b.app && a.replicated == b.replicated
      && a.incoming?.pieces == b.incoming?.pieces
  }
}

extension Machine: Hashable where State: Hashable {
  /// Feeds what `==` compares.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(core)
    hasher.combine(app)
    hasher.combine(replicated)
  }
}
