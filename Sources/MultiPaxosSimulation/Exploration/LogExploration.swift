public import MultiPaxos
public import Synod
public import SynodSimulation

/// Machines that replicate a small log, all runs of them.
///
/// Whoever's clock reaches a deadline stands for leader; what is proposed waits until its node leads.
/// A refusal of a ballot is never delivered: a candidate that has lost does not hear of it.
public struct LogExploration: ExploredSubject, Sendable {
  /// Machines that write a tape.
  public typealias Machine = MultiPaxos.Machine<Tape>
  /// What happened, as far as it tells what is chosen.
  public typealias History = LogHistory

  /// A proposal of the plan.
  public struct Step: Sendable {
    /// Who makes it.
    public var node: Int
    /// What it asks.
    public var operation: MultiPaxos.Operation<Tape>

    /// A write of an item.
    public static func write(_ item: UInt64, at node: Int) -> Step {
      Step(node: node, operation: .command(Tape.Command(key: 0, item: item)))
    }
    /// A read of all that was written, by a leader.
    public static func read(at node: Int) -> Step {
      Step(node: node, operation: .query(0, .leader))
    }
    /// A change of the members.
    public static func members(_ steps: [MembershipChange.Step], at node: Int) -> Step {
      Step(node: node, operation: .changeMembership(MembershipChange(steps)))
    }
  }

  /// By node.
  public let settings: [Settings]
  /// What is asked, in each node's order.
  public let plan: [(node: Int, proposal: Proposal<Tape>)]
  /// How much goes wrong.
  public let budget: ExplorationBudget
  /// Whether what is to be persisted is durable at once.
  public let persistsAtOnce: Bool
  let steps: [Step]
  let reads: Bool

  /// One made of its parts.
  public init(
    settings: [Settings], steps: [Step], budget: ExplorationBudget, persistsAtOnce: Bool = false
  ) {
    self.settings = settings
    self.steps = steps
    self.budget = budget
    self.persistsAtOnce = persistsAtOnce
    plan = steps.map { ($0.node, Proposal($0.operation)) }
    reads = steps.contains { if case .query = $0.operation { true } else { false } }
  }

  /// One batch after the other.
  public var groups: Bool { false }
  /// Voters are told apart.
  public var isSymmetric: Bool { false }
  /// None fences.
  public func isFence(_ step: Int) -> Bool { false }

  /// What a node lacks it asks for at once.
  public func tickIfDue(_ machine: inout Machine) -> Bool { machine.catchUpAtOnce() }

  /// The one in place of all that nobody can tell from it.
  public func canonicalise(_ machine: inout Machine, _ horizon: ExplorationHorizon) -> UInt64 {
    machine.canonicalise()
  }

  /// Of all that machines differ in.
  public func digest(_ machine: Machine) -> UInt64 { machine.digest }

  /// It may always send more.
  public func isDone(_ machine: Machine, _ horizon: ExplorationHorizon) -> Bool { false }

  /// Whether nothing can come of the message any more.
  public func isDead(
    _ message: Message, at machine: Machine, durable: Machine, _ sight: ExploredSight
  ) -> Bool {
    machine.isDead(message, durable: durable, reads: reads)
  }

  /// What is owed is told apart.
  public func onlyOwesMore(_ after: Machine, than before: Machine) -> Bool { false }

  /// Votes: nothing but a quorum looks at them.
  public func onlyCountsMore(_ after: Machine, than before: Machine) -> Bool {
    !reads && after.onlyCountsMore(than: before)
  }

  /// All voters are of their own kind.
  public func areAlike(_ a: Int, _ b: Int) -> Bool { false }
  /// Never asked.
  public func swap(_ a: VoterID, _ b: VoterID, in machine: inout Machine) {}
  /// Never asked.
  public func swap(_ a: VoterID, _ b: VoterID, in message: inout Message) {}
  /// Never asked.
  public func swap(_ a: Int, _ b: Int, in history: inout LogHistory) {}

  /// How a step ended.
  public func describe(_ completion: Completion<Tape>) -> String {
    switch completion.result {
    case .applied: "applied"
    case .answered: "answered"
    case .passed: "passed"
    case .membership: "members"
    case .lease: "lease"
    case .transferred: "handed over"
    case .notApplied: "not applied"
    case .unknown: "unknown"
    }
  }
}
