public import CASPaxos
public import Synod
public import SynodSimulation

/// CASPaxos machines and a register or two; where the members change, also theirs.
public struct RegisterExploration: ExploredSubject, Sendable {
  /// Machines whose changes are of a decimal number.
  public typealias Machine = CASPaxos.Machine<DecimalChange>

  /// A proposal of the plan.
  public struct Step: Sendable {
    /// Who makes it.
    public var node: Int
    /// What it asks.
    public var operation: CASPaxos.Operation<DecimalChange>
    /// Of which register.
    public var key: Bytes = "k"

    /// When it is given up, in ticks; never where nil.
    public var deadline: Ticks?

    /// One made of its parts.
    public init(
      _ node: Int, _ operation: CASPaxos.Operation<DecimalChange>, deadline: Ticks? = nil
    ) {
      self.node = node
      self.operation = operation
      self.deadline = deadline
    }

    /// An addition.
    public static func add(_ amount: Int, at node: Int, deadline: Ticks? = nil) -> Step {
      Step(node, .change(.add(amount)), deadline: deadline)
    }
    /// A deletion.
    public static func delete(at node: Int) -> Step { Step(node, .change(.delete)) }
    /// A read.
    public static func read(at node: Int) -> Step { Step(node, .read) }
    /// A read that fences.
    public static func barrierRead(at node: Int) -> Step { Step(node, .barrierRead) }
    /// A change of the members.
    public static func members(_ change: MembershipChange, at node: Int) -> Step {
      Step(node, .changeMembership(change))
    }
    /// A compare-and-set.
    public static func swap(_ old: Int, for new: Int, at node: Int) -> Step {
      Step(node, .change(.swap(old, for: new)))
    }

    /// The same of another register.
    public func of(_ key: Bytes) -> Step {
      var step = self
      step.key = key
      return step
    }
  }

  /// The clients' registers, in the order in which the plan names them.
  let dataKeys: [Bytes]
  /// By node.
  public let settings: [Settings]
  /// What is asked, in each node's order.
  public let plan: [(node: Int, proposal: Proposal<DecimalChange>)]
  /// How much goes wrong.
  public let budget: ExplorationBudget
  /// Whether acceptors that propose nothing are told apart by nothing but what they hold.
  public let isSymmetric: Bool
  /// Whether a store may say of several batches at once that they are durable.
  public let groups: Bool
  let steps: [Step]
  /// Whether any step changes the members.
  let changesMembers: Bool
  /// See `ExploredSubject`.
  public var stored: [Int: [Record]] = [:]
  /// See `ExploredSubject`.
  public var rehearsal: [Rehearsal] = []
  /// See `ExploredSubject`.
  public var deaf: UInt8 = 0
  /// See `ExploredSubject`.
  public var persistsAtOnce = false
  /// By node, the ballots that one of its rounds draws, at the most: conflicts with the last are never
  /// delivered. What makes a world without a clock small; with `max`, it is the machine that waits for
  /// its clock after the second.
  public let attempts: [Int]

  /// One made of its parts.
  public init(
    settings: [Settings], steps: [Step], budget: ExplorationBudget = ExplorationBudget(),
    attempts: [Int]? = nil, groups: Bool = false, isSymmetric: Bool = true
  ) {
    self.attempts = attempts ?? settings.map { _ in .max }
    self.settings = settings
    self.steps = steps
    changesMembers = steps.contains(where: \.isOfMembers)
    dataKeys = steps.reduce(into: []) { keys, step in
      if !step.isOfMembers && !keys.contains(step.key) { keys.append(step.key) }
    }
    self.budget = budget
    self.isSymmetric = isSymmetric
    self.groups = groups
    plan = steps.map {
      ($0.node, Proposal(key: $0.key, operation: $0.operation, deadline: $0.deadline))
    }
  }

  /// A barrier read.
  public func isFence(_ step: Int) -> Bool {
    if case .barrierRead = steps[step].operation { true } else { false }
  }

  /// The registers that there are.
  var keys: [Bytes] { changesMembers ? dataKeys + [Membership.key] : dataKeys }

  /// What drives a change of the members goes on by itself.
  public func tickIfDue(_ machine: inout Machine) -> Bool {
    changesMembers && machine.tickIfDue()
  }

  /// What makes a node ask for the members, which it is told in any case.
  public func mayWait(_ message: Message, at machine: Machine) -> Bool {
    changesMembers && machine.mayWait(message)
  }

  /// The one in place of all that nobody can tell from it.
  public func canonicalise(_ machine: inout Machine, _ horizon: ExplorationHorizon) -> UInt64 {
    machine.canonicalise(prospects(horizon))
  }

  /// Whether it will never send a request again.
  public func isDone(_ machine: Machine, _ horizon: ExplorationHorizon) -> Bool {
    machine.isDone(prospects(horizon))
  }

  /// Of all that machines differ in.
  public func digest(_ machine: Machine) -> UInt64 { machine.digest }

  private func prospects(_ horizon: ExplorationHorizon) -> Prospects {
    Prospects(
      hasTime: horizon.hasTime, mayPropose: horizon.mayPropose, mayCancel: horizon.mayCancel,
      mayChangeMembers: changesMembers, done: horizon.isDone)
  }

  /// Whether nothing can come of the message any more.
  public func isDead(
    _ message: Message, at machine: Machine, durable: Machine, _ sight: ExploredSight
  ) -> Bool {
    if message.kind == .conflict,
      machine.isAttempt(message, atLeast: attempts[Int(message.ballot.voter.rawValue) - 1])
    {
      return true
    }
    return machine.isDead(
      message, durable: durable, isDone: sight.isDone, senderIsDone: sight.senderIsDone,
      prospects(sight.horizon))
  }

  /// Replies that wait for the store: nothing else looks at them.
  public func onlyOwesMore(_ after: Machine, than before: Machine) -> Bool {
    after.onlyHoldsMore(than: before)
  }

  /// Votes: without a clock, nothing but a quorum looks at them.
  public func onlyCountsMore(_ after: Machine, than before: Machine) -> Bool {
    after.onlyCountsMore(than: before)
  }

  /// The states that ballots carry.
  public func matters(_ message: Message) -> Bool { message.kind == .accept }

  /// What was accepted, and adopted; and erased, where the members change.
  public func matters(_ record: Record) -> Bool {
    switch record {
    case .accept, .membership: true
    case .erase: changesMembers
    case .configuration, .reserve, .promise, .transferred, .floor: false
    }
  }

  /// Nothing was proposed or accepted.
  public var blank: RegisterHistory {
    RegisterHistory(nodes: settings.count)
  }

  /// Takes note of what a ballot carries.
  public func note(
    _ message: Message, of node: Int, in history: inout RegisterHistory
  ) -> String? {
    history.propose(message.state, of: message.key, at: message.ballot)
  }

  /// Takes note of what was accepted.
  public func note(_ record: Record, of node: Int, in history: inout RegisterHistory) -> String? {
    switch record {
    case .accept(let key, let ballot, _, let state):
      if changesMembers, ballot.epoch != history.adopted[node] {
        return "voter \(node + 1) accepts \(ballot), and has adopted \(history.adopted[node])"
      }
      history.accept(ballot, by: node)
      // A proposer's own acceptor takes it before the message is out, in one move.
      return history.propose(state, of: key, at: ballot)
    case .membership(let members, let isRetired):
      return adopt(members, isRetired, by: node, in: &history)
    case .erase(let key, let ballot, _):
      history.erase(key, at: ballot)
      return nil
    case .configuration, .reserve, .promise, .transferred, .floor: return nil
    }
  }

  /// What a step asks for.
  public func describe(_ proposal: Proposal<DecimalChange>) -> String {
    switch proposal.operation {
    case .change(let change): "\(proposal.key): \(change)"
    case .read: "\(proposal.key): read"
    case .barrierRead: "\(proposal.key): read, and fence"
    case .membership: "who are the members?"
    case .changeMembership(let change): "members: \(change)"
    case .forget, .watch, .list: "\(proposal.operation)"
    }
  }

  /// How a step ended.
  public func describe(_ completion: Completion<DecimalChange>) -> String {
    switch completion.result {
    case .applied: "applied"
    case .read: "read"
    case .listed: "listed"
    case .membership: "members"
    case .notApplied(.rejected): "refused"
    case .notApplied: "not applied"
    case .unknown: "unknown"
    }
  }
}

extension RegisterExploration.Step {
  /// Whether it changes the members, whatever its key is.
  var isOfMembers: Bool { if case .changeMembership = operation { true } else { false } }
}
