public import CASPaxos
public import Synod
public import SynodSimulation

/// CASPaxos machines and one register.
public struct RegisterExploration: ExploredSubject, Sendable {
  /// Machines whose changes are of a decimal number.
  public typealias Machine = CASPaxos.Machine<DecimalChange>

  /// A proposal of the plan.
  public struct Step: Sendable {
    /// Who makes it.
    public var node: Int
    /// What it asks.
    public var operation: CASPaxos.Operation<DecimalChange>

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
    /// A compare-and-set.
    public static func swap(_ old: Int, for new: Int, at node: Int) -> Step {
      Step(node, .change(.swap(old, for: new)))
    }
  }

  /// The register.
  static let key: Bytes = "k"
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
    self.budget = budget
    self.isSymmetric = isSymmetric
    self.groups = groups
    plan = steps.map {
      ($0.node, Proposal(key: Self.key, operation: $0.operation, deadline: $0.deadline))
    }
  }

  /// A barrier read.
  public func isFence(_ step: Int) -> Bool {
    if case .barrierRead = steps[step].operation { true } else { false }
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
      done: horizon.isDone)
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

  /// What was accepted.
  public func matters(_ record: Record) -> Bool {
    switch record {
    case .accept: true
    case .configuration, .reserve, .promise, .membership, .transferred, .erase, .floor: false
    }
  }

  /// Nothing was proposed or accepted.
  public var blank: RegisterHistory {
    RegisterHistory(accepted: settings.map { _ in [] })
  }

  /// Takes note of what a ballot carries.
  public func note(
    _ message: Message, of node: Int, in history: inout RegisterHistory
  ) -> String? {
    history.propose(message.state, at: message.ballot)
  }

  /// Takes note of what was accepted.
  public func note(_ record: Record, of node: Int, in history: inout RegisterHistory) -> String? {
    switch record {
    case .accept(_, let ballot, _, let state):
      history.accept(ballot, by: node)
      // A proposer's own acceptor takes it before the message is out, in one move.
      return history.propose(state, at: ballot)
    case .configuration, .reserve, .promise, .membership, .transferred, .erase, .floor: return nil
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
