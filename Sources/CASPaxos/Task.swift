public import Synod

/// A round that no client asked for: work of this node's own on one register.
///
/// Tasks are bounded in number by their owners, end with the machine, and survive nothing.
@usableFromInline
struct Task: Hashable, Sendable {
  @usableFromInline let id: TaskID
  @usableFromInline let key: Bytes
  @usableFromInline let errand: Errand
  /// When to give up; never where nil.
  @usableFromInline let deadline: Ticks?

  init(id: TaskID, key: Bytes, errand: Errand, deadline: Ticks? = nil) {
    self.id = id
    self.key = key
    self.errand = errand
    self.deadline = deadline
  }
}

/// Names a task: whose it is, of which of the owner's undertakings it is a part, and its number there.
@usableFromInline
struct TaskID: Hashable, Sendable {
  @usableFromInline
  enum Owner: UInt8, Hashable, Sendable {
    /// A listing reads what the voters' pages leave open.
    case listing
    /// Somebody outside of the core, who looks for the end in `Tasks.endedOutside`.
    case outside
    /// Watches: each read is a group.
    case watch
    /// The members' keeper: a transfer, or a step of it.
    case members
    /// The sweep that collects tombstones.
    case collector
  }

  /// What is given up is given up as a whole.
  @usableFromInline
  struct Group: Hashable, Sendable {
    let owner: Owner
    let number: UInt32
  }

  @usableFromInline let number: UInt32
  @usableFromInline let group: Group

  init(_ owner: Owner, group: UInt32 = 0, _ number: UInt32) {
    self.number = number
    self.group = Group(owner: owner, number: group)
  }
}

/// What is done to a register that is not a change of its value.
@usableFromInline
enum Errand: Hashable, Sendable {
  /// Gives the newest state, in one round trip where the voters agree.
  case read
  /// Writes the newest state back at a new ballot of the current epoch: it fences.
  case settle
  /// Ends what the register keeps of a client (`Once`).
  case forget(Identity128, through: UInt64)
  /// Gives the members.
  case members
  /// Takes a step in changing them.
  case reconfigure(MembershipStep)
  /// Has every voter accept the register's tombstone and forget it. Gives way to whatever else is
  /// wanted of the register.
  case collect
}

/// How a task ended.
@usableFromInline
enum TaskOutcome: Hashable, Sendable {
  /// This state is chosen, at this ballot: for `settle`, one of the epoch at hand.
  case settled(RegisterState, Ballot)
  /// Given up.
  case failed(Abandoned)
}

/// What the core asks the machine around it to do, in order: rounds of its own to begin or to give
/// up, and listings that have ended.
@usableFromInline
struct Tasks: Hashable, Sendable {
  @usableFromInline
  enum Step: Hashable, Sendable {
    case begin(Task)
    case giveUp([TaskID.Group])
    case endListing(ProposalID, Result<KeyList, Abandoned>)
    /// This node is no member any more.
    case expel
  }

  private var steps: [Step] = []
  /// Those before it were taken.
  private var next = 0
  /// How tasks of owners outside of the core ended, until they take that.
  var endedOutside: [TaskID: TaskOutcome] = [:]

  @usableFromInline var isEmpty: Bool { steps.isEmpty }

  /// Begins it within this turn.
  mutating func want(_ task: Task) { steps.append(.begin(task)) }

  /// Ends all tasks of a group within this turn; of the ends of those that were begun the owner is
  /// still told.
  mutating func giveUp(_ group: TaskID.Group) {
    // Those that are given up together are looked for together.
    if next < steps.count, case .giveUp(let groups) = steps[steps.count - 1] {
      steps[steps.count - 1] = .giveUp(groups + [group])
    } else {
      steps.append(.giveUp([group]))
    }
  }

  /// Answers the client of a listing.
  mutating func endListing(_ id: ProposalID, _ result: Result<KeyList, Abandoned>) {
    steps.append(.endListing(id, result))
  }

  /// Ends all that is open within this turn.
  mutating func expel() { steps.append(.expel) }

  /// What to do next.
  mutating func take() -> Step? {
    guard next < steps.count else { return nil }
    next += 1
    let step = steps[next - 1]
    if next == steps.count {
      steps.removeAll(keepingCapacity: true)
      next = 0
    }
    return step
  }
}

extension Core {
  /// Tells a task's owner how it ended.
  @usableFromInline
  mutating func taskEnded(_ id: TaskID, _ outcome: TaskOutcome) {
    switch id.group.owner {
    case .listing: listingRead(id, outcome)
    case .outside: tasks.endedOutside[id] = outcome
    case .watch: watchReadEnded(id, outcome)
    case .members: memberTaskEnded(id, outcome)
    case .collector: collector.ended(outcome)
    }
  }

  /// What the slot's round has settled: its accept was chosen, or the answers agree.
  @usableFromInline
  func settledState(_ slot: Int) -> TaskOutcome {
    let round = rounds[slot]
    return .settled(round.base, round.phase == .accepting ? round.ballot : round.highest)
  }
}
