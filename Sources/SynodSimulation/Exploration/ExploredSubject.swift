public import Synod

/// What exploring a cluster of machines must know of a protocol.
///
/// The methods that give a `String?` give a violation, for people; nil where all is well.
public protocol ExploredSubject {
  associatedtype Machine: ConsensusMachine & Hashable
  where Machine.Message: Hashable, Machine.Record: Hashable, Machine.Completion: Hashable
  /// What has happened, as far as its judgement needs it.
  associatedtype History: Hashable

  /// The nodes' settings; a node's voter is its place plus one.
  var settings: [Machine.Settings] { get }
  /// What clients ask for. The steps of one node are started in order, and may be open together.
  var plan: [(node: Int, proposal: Machine.Proposal)] { get }
  /// How often, in all, a node crashes, its store fails, a clock reaches a deadline, a proposal is
  /// cancelled.
  var budget: ExplorationBudget { get }
  /// Whether a store may say of several batches at once that they are durable: a group commit.
  var groups: Bool { get }
  /// By node, what its store holds of an earlier life; nodes that are not named have none.
  var stored: [Int: [Machine.Record]] { get }
  /// The first steps of the plan, which are made one after the other before the world begins.
  var rehearsal: [Rehearsal] { get }
  /// Nodes, a bit for each, that hear nothing from when the world begins.
  var deaf: UInt8 { get }
  /// Whether what is to be persisted is durable at once, in the same move: a world without the
  /// moments in between, for those that are too large with them.
  var persistsAtOnce: Bool { get }
  /// Does what is due at the machine's own time already, and says whether anything was.
  func tickIfDue(_ machine: inout Machine) -> Bool
  /// Whether nothing comes of delivering the message now that does not come of delivering it later.
  func mayWait(_ message: Machine.Message, at machine: Machine) -> Bool
  /// Whether nothing that was given up before this step began may take effect after it.
  func isFence(_ step: Int) -> Bool
  /// Whether nodes that never propose may change places (see `swap`).
  var isSymmetric: Bool { get }

  /// Puts the one machine in place of all that differ from it only in what nobody can ever tell.
  /// - Returns: by how much the numbers of batches fell.
  func canonicalise(_ machine: inout Machine, _ horizon: ExplorationHorizon) -> UInt64

  /// The same for machines that are equal, and for few others.
  func digest(_ machine: Machine) -> UInt64

  /// Whether the machine will never send a request again.
  func isDone(_ machine: Machine, _ horizon: ExplorationHorizon) -> Bool

  /// Whether a message can have no effect at this node any more, in this life or a later one, that
  /// anyone could ever tell.
  /// - Parameters:
  ///   - message: one that is under way.
  ///   - machine: of the node that it goes to.
  ///   - durable: what would be made of the node's store now.
  ///   - sight: what can be seen of the world.
  func isDead(
    _ message: Machine.Message, at machine: Machine, durable: Machine, _ sight: ExploredSight
  ) -> Bool

  /// Whether a node that took a message differs from before only in answers that it will give later.
  /// What it does else must not depend on them.
  func onlyOwesMore(_ after: Machine, than before: Machine) -> Bool

  /// Whether a node that took a message differs from before only in votes that decided nothing yet,
  /// and would take the message as well after any other input, or have no use for it.
  func onlyCountsMore(_ after: Machine, than before: Machine) -> Bool

  // MARK: What must hold

  /// A machine let a message out; `durable` is what would be made of its store now.
  func sent(_ message: Machine.Message, by machine: Machine, durable: Machine) -> String?

  /// A machine took an input.
  /// - Parameters:
  ///   - before: what it was; where it crashed, what its store would make of it.
  ///   - after: what it is.
  func stepped(from before: Machine, to after: Machine) -> String?

  /// Whether the history must know of it.
  func matters(_ message: Machine.Message) -> Bool
  /// Whether the history must know of it.
  func matters(_ record: Machine.Record) -> Bool

  /// A history in which nothing has happened.
  var blank: History { get }
  /// A message that matters left.
  func note(_ message: Machine.Message, of node: Int, in history: inout History) -> String?
  /// A record that matters became durable.
  func note(_ record: Machine.Record, of node: Int, in history: inout History) -> String?
  /// What is wrong with all that happened.
  func judge(_ ledger: ExploredLedger<Self>) -> String?

  /// What a history shows that is worth telling, beside how steps ended.
  func sights(_ history: History) -> [String]

  // MARK: Symmetry

  /// Whether two nodes are set up alike but for their voters.
  func areAlike(_ a: Int, _ b: Int) -> Bool
  /// The same with two voters in each other's place.
  func swap(_ a: VoterID, _ b: VoterID, in machine: inout Machine)
  /// The same with two voters in each other's place.
  func swap(_ a: VoterID, _ b: VoterID, in message: inout Machine.Message)
  /// The same with two nodes in each other's place.
  func swap(_ a: Int, _ b: Int, in history: inout History)

  /// How a step ended, in a few words that are the same for all ends of one kind.
  func describe(_ completion: Machine.Completion) -> String
  /// What a step asks for, for people.
  func describe(_ proposal: Machine.Proposal) -> String
}

/// How a step is made before a world begins: messages arrive in the order in which they were sent. All
/// of them are on their way still when it begins, whether they arrived or not.
public struct Rehearsal: Hashable, Sendable {
  /// Nodes, a bit for each, that hear nothing.
  public var late: UInt8
  /// Messages that arrive, at the most.
  public var deliveries: Int
  /// The node whose clock reaches its next deadline where no message is left, once.
  public var waits: Int?

  /// One made of its parts.
  public init(late: UInt8 = 0, deliveries: Int = .max, waits: Int? = nil) {
    self.late = late
    self.deliveries = deliveries
    self.waits = waits
  }
}

/// Of a world that begins at its very beginning, and whose stores take their time.
extension ExploredSubject {
  /// Nothing.
  public var stored: [Int: [Machine.Record]] { [:] }
  /// None.
  public var rehearsal: [Rehearsal] { [] }
  /// Nobody.
  public var deaf: UInt8 { 0 }
  /// No.
  public var persistsAtOnce: Bool { false }
  /// As it describes itself.
  public func describe(_ proposal: Machine.Proposal) -> String { "\(proposal)" }
  /// Nothing ever is.
  @inlinable public func tickIfDue(_ machine: inout Machine) -> Bool { false }
  /// Nothing.
  @inlinable public func sights(_ history: History) -> [String] { [] }
  /// Every message is delivered.
  @inlinable public func mayWait(_ message: Machine.Message, at machine: Machine) -> Bool { false }
}

/// How much may go wrong in a world: what makes it finite.
public struct ExplorationBudget: Hashable, Sendable {
  /// Crashes of any node.
  public var crashes = 0
  /// Deadlines that the clock of any node reaches.
  public var timeOuts = 0
  /// Proposals that are cancelled.
  public var cancels = 0
  /// Stores that fail for good.
  public var failures = 0

  /// One made of its parts.
  public init(crashes: Int = 0, timeOuts: Int = 0, cancels: Int = 0, failures: Int = 0) {
    self.crashes = crashes
    self.timeOuts = timeOuts
    self.cancels = cancels
    self.failures = failures
  }
}

/// What a node may still see, and so what it need not remember.
public struct ExplorationHorizon: Hashable, Sendable {
  /// Its clock may still reach a deadline.
  public var hasTime: Bool
  /// It may still be asked to propose something.
  public var mayPropose: Bool
  /// A proposal may still be cancelled.
  public var mayCancel: Bool
  /// Nodes that will never send a request again: a bit for each.
  public var done: UInt8

  @inlinable
  init(hasTime: Bool, mayPropose: Bool, mayCancel: Bool, done: UInt8) {
    self.hasTime = hasTime
    self.mayPropose = mayPropose
    self.mayCancel = mayCancel
    self.done = done
  }

  /// Whether this voter's node is among those.
  @inlinable public func isDone(_ voter: VoterID) -> Bool {
    done & 1 << UInt8(voter.rawValue - 1) != 0
  }
}

/// What is known of a node beside its machine when messages to it are judged.
public struct ExploredSight {
  /// It proposes nothing any more.
  public var isDone: Bool
  /// The sender proposes nothing any more.
  public var senderIsDone: Bool
  /// What the node may still see.
  public var horizon: ExplorationHorizon

  @inlinable
  init(isDone: Bool, senderIsDone: Bool, horizon: ExplorationHorizon) {
    self.isDone = isDone
    self.senderIsDone = senderIsDone
    self.horizon = horizon
  }
}

/// What has happened in a world, as far as its judgement needs it.
public struct ExploredLedger<Subject: ExploredSubject>: Hashable {
  /// A step of the plan.
  public struct Step: Hashable {
    /// Whether it was started.
    public var isStarted = false
    /// How it ended; nil where it did not.
    public var completion: Subject.Machine.Completion?
    /// Its node crashed before it ended.
    public var isLost = false
    /// Steps that had ended when it was started, and where it fences, those whose node had crashed: a
    /// bit for each.
    public var after: UInt32 = 0

    @inlinable init() {}
  }

  /// By their places in the plan.
  public var steps: [Step]
  /// What the protocol keeps.
  public var history: Subject.History
  /// What may still go wrong.
  public var budget: ExplorationBudget
  /// What went wrong that must not.
  public var violation: String?

  @inlinable
  init(
    steps: [Step], history: Subject.History, budget: ExplorationBudget, violation: String?
  ) {
    self.steps = steps
    self.history = history
    self.budget = budget
    self.violation = violation
  }
}
