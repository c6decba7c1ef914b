public import Synod

extension Machine {
  /// How a machine stands, for people and for routing.
  public struct Status: Hashable, Sendable {
    /// Who leads, as far as this node knows.
    public var leader: VoterID?
    /// Whether this node leads.
    public var isLeading: Bool
    /// Whether it votes.
    public var isVoter: Bool
    /// Whether it is a member no more, and may be stopped for ever (rule 21).
    public var isRetired: Bool
    /// What it has promised.
    public var promised: Ballot
    /// The highest ballot that it saw.
    public var highestSeen: Ballot
    /// The last applied slot.
    public var applied: Slot
    /// All slots up to this one are chosen, and held here.
    public var chosen: Slot
    /// The highest slot that somebody knows to be chosen.
    public var knownChosen: Slot
    /// The first slot that can be read back.
    public var firstRetained: Slot
    /// Proposals of this node's that have not ended.
    public var open: Int
  }

  /// What a node is to its cluster at the moment.
  public enum Standing: Hashable, Sendable {
    /// It knows no leader, and does not lead.
    case disoriented
    /// It has a leader, and lacks slots that are chosen.
    case lagging
    /// It has a leader, and has applied all that it knows to be chosen.
    case following
    /// It leads.
    case leading
  }

  /// In which slots a node votes.
  public enum Participation: Hashable, Sendable {
    /// In none that is open or is yet to be opened: it learns only.
    case passive
    /// In some of the open slots: those of one configuration, and not those of another.
    case partial
    /// In all.
    case active
  }

  /// What it is to its cluster.
  public var standing: Standing {
    if core.role == .leading { return .leading }
    guard core.leader != nil else { return .disoriented }
    return core.applied < core.knownChosen ? .lagging : .following
  }

  /// In which of the open slots it votes.
  public var participation: Participation {
    guard core.isVoter, core.stopped == nil else { return .passive }
    let votes = core.windowItems.map { core.configuration($0).place(of: core.me) != nil }
    if !votes.contains(true) { return .passive }
    return votes.contains(false) ? .partial : .active
  }

  /// Slots below one that this node knows to be chosen of which it does not know what was chosen.
  public var gaps: ClosedRange<Slot>? {
    core.chosenThrough < core.knownChosen ? core.chosenThrough.next...core.knownChosen : nil
  }

  /// How it stands.
  public var status: Status {
    Status(
      leader: core.leader, isLeading: core.role == .leading, isVoter: core.isVoter,
      isRetired: core.retirement.isDone,
      promised: core.promised, highestSeen: core.highestSeen, applied: core.applied,
      chosen: core.chosenThrough, knownChosen: core.knownChosen,
      firstRetained: core.log.first, open: core.pending.count + reads.count)
  }

  /// The ballot at which it leads, while it answers reads alone (rule 44).
  package var leasedAt: Ballot? { core.leaseIndex == nil ? nil : core.lead.ballot }

  /// Those who let nobody else lead now, as far as this node may trust in that (rule 44).
  package var trusted: (ballot: Ballot, grantors: [VoterID])? {
    guard core.role == .leading else { return nil }
    return (core.lead.ballot, core.lead.peers.filter { $0.leaseUntil > core.now }.map(\.voter))
  }

  /// What it has done since it was made.
  public var statistics: Statistics { core.statistics }
  /// What it was made from, within its bounds.
  public var settings: Settings { core.settings }
  /// Why it stopped for good; nil while it runs.
  public var stopped: Abandoned? { core.stopped }
  /// Everyone with whom this node has to do, itself too: members of slots to come, and of those that it
  /// has not applied.
  public var peers: [Member] { core.state.schedule.members }
  /// Who takes part, by slots.
  public var schedule: Schedule { core.state.schedule }
  /// With whom the cluster began, where that is known: the same on every node for ever.
  public var beginning: Membership? { core.begun?.items[0].membership }
  /// Proposals that have not ended.
  public var openProposals: Int { core.pending.count + reads.count }
  /// Replies that wait for the store.
  public var heldReplies: Int { core.outbox.heldCount }
  /// Counters and numbers that are reserved, durable or not.
  public var reservation: (counter: UInt64, number: UInt64) {
    (core.reservation.ballots.requested, core.reservation.numbers.requested)
  }
  /// The lease of this name.
  public func lease(of name: Bytes) -> Lease? { core.state.leases.table[name] }
  /// All leases that are held, in the order in which they were taken.
  public var leases: [(name: Bytes, lease: Lease)] {
    core.state.leases.inOrder.map { ($0.name, $0.lease) }
  }

  /// The slots whose chosen entries are held here; nil where there are none.
  public var retained: ClosedRange<Slot>? {
    core.log.first <= core.chosenThrough ? core.log.first...core.chosenThrough : nil
  }

  /// The chosen history, as far as it is still held here, oldest first.
  public func entries(from first: Slot, limit: Int = .max) -> [(slot: Slot, entry: Entry)] {
    var slot = max(first, core.log.first)
    var found: [(slot: Slot, entry: Entry)] = []
    while slot <= core.chosenThrough, found.count < limit {
      found.append((slot, core.log[slot].entry))
      slot = slot.next
    }
    return found
  }

  /// What was chosen in these slots, all of it.
  /// - Throws: where some of it is here no more, or not yet.
  public func history(of slots: ClosedRange<Slot>) throws(HistoryError) -> [Entry] {
    if slots.lowerBound < core.log.first { throw .compacted(first: core.log.first) }
    if slots.upperBound > core.chosenThrough { throw .notChosen(last: core.chosenThrough) }
    return core.log.entries(from: slots.lowerBound, to: slots.upperBound)
  }

  /// What this node's acceptor holds of a slot, durable or not: for tests and people. The ballot is
  /// zero where it learned what was chosen without having accepted it.
  public func accepted(at slot: Slot) -> (ballot: Ballot, entry: Entry, isChosen: Bool)? {
    core.log.cell(slot).map { ($0.ballot, $0.entry, $0.isChosen) }
  }
}

/// Why a piece of the history cannot be read back.
public enum HistoryError: Error, Hashable, Sendable {
  /// It begins before the first slot that is retained (`Settings.maxRetained`).
  case compacted(first: Slot)
  /// It ends behind the last slot that is known to be chosen, with all before it.
  case notChosen(last: Slot)
}

extension Machine: Equatable where App: Equatable {
  /// Whether both are in the same state. What reads ask is not looked at.
  public static func == (a: Machine, b: Machine) -> Bool {
    a.core == b.core && a.app == b.app && a.incoming?.pieces == b.incoming?.pieces
      && a.reads.elementsEqual(b.reads) { $0.isLike($1) }
  }
}

extension Machine: Hashable where App: Hashable {
  /// Feeds what `==` compares.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(core)
    hasher.combine(app)
  }
}

extension Machine {
  /// Changes this node's state behind the log's back: for tests of what finds that.
  package mutating func flip(_ change: (inout App) -> Void) { change(&appState) }
}
