public import EPaxos
public import Synod
public import SynodSimulation

/// A few machines and a few commands, walked through in every way that their messages, stores and
/// clocks may take.
public struct InstanceExploration: ExploredSubject, Sendable {
  /// The machine that ships.
  public typealias Machine = EPaxos.Machine<Scrolls>

  /// By node.
  public let settings: [EPaxos.Settings]
  /// What is asked, in each node's order.
  public var plan: [(node: Int, proposal: Proposal<Scrolls>)]
  /// See `ExploredSubject`.
  public var stored: [Int: [EPaxos.Record]] = [:]
  /// How much goes wrong.
  public var budget: ExplorationBudget
  /// See `ExploredSubject`.
  public var groups = false
  /// Voters are told apart: a recovery's ballot, and an instance's row, are of one.
  public let isSymmetric = false
  /// See `ExploredSubject`.
  public var persistsAtOnce: Bool
  /// See `ExploredSubject`.
  public var rehearsal: [Rehearsal] = []
  /// See `ExploredSubject`.
  public var deaf: UInt8 = 0

  /// - Parameters:
  ///   - voters: how many there are.
  ///   - writes: who writes which keys (a bit for each), in order.
  ///   - budget: what may go wrong.
  ///   - persistsAtOnce: whether what is written is durable at once.
  public init(
    voters: Int = 3, writes: [(node: Int, keys: UInt16)],
    budget: ExplorationBudget = ExplorationBudget(), persistsAtOnce: Bool = true
  ) {
    settings = (1...UInt32(voters)).map { Self.settings(VoterID($0), of: voters) }
    plan = writes.enumerated().map { place, write in
      (write.node, Self.write(UInt64(place + 1), write.keys))
    }
    self.budget = budget
    self.persistsAtOnce = persistsAtOnce
  }

  /// A write of these keys, a bit for each.
  static func write(_ item: UInt64, _ keys: UInt16) -> Proposal<Scrolls> {
    Proposal(.command(.init(item: item, writes: keys, reads: 0)))
  }

  /// Timers that make recoveries come soon, and nothing be sent again.
  private static func settings(_ voter: VoterID, of voters: Int) -> EPaxos.Settings {
    let all = (1...UInt32(voters)).map { VoterID($0) }
    guard let configuration = try? Configuration(epoch: Epoch(0), voters: all) else {
      preconditionFailure("a world has 1 to \(QuorumSystem.maxVoters) voters")
    }
    var settings = EPaxos.Settings(voter: voter, configuration: configuration, seed: 1)
    settings.slowPathAfter = 1
    settings.askAfter = 1
    settings.recoverAfter = 1
    settings.recoverSpread = 0
    settings.retransmitAfter = EPaxos.Settings.never
    settings.attemptLasts = 1 << 20
    settings.barrierEvery = nil
    settings.tellAfter = nil
    settings.numberBlock = 2
    settings.maxBatch = 1
    return settings
  }

  // MARK: What can be told apart

  /// None is.
  public func canonicalise(_ machine: inout Machine, _ horizon: ExplorationHorizon) -> UInt64 { 0 }

  /// Differs from process to process; nothing that is told depends on it.
  public func digest(_ machine: Machine) -> UInt64 {
    UInt64(bitPattern: Int64(machine.hashValue))
  }

  /// It may always be asked for what it holds.
  public func isDone(_ machine: Machine, _ horizon: ExplorationHorizon) -> Bool { false }

  /// What is decided here, for good, is asked for in vain.
  public func isDead(
    _ message: Message, at machine: Machine, durable: Machine, _ sight: ExploredSight
  ) -> Bool {
    func isDecided(_ id: InstanceID) -> Bool {
      machine.isCommitted(id) && durable.isCommitted(id)
    }
    switch message {
    case .commit(let committed): return committed.allSatisfy { isDecided($0.id) }
    case .preAccepted(let id, _), .accepted(_, let id), .holding(_, let id, _),
      .refused(_, let id, _), .validated(_, let id, _):
      return isDecided(id)
    case .preAccept, .accept, .recover, .validate, .waiting, .fetch, .standing, .executed,
      .fetchPiece, .piece:
      return false
    }
  }

  /// Not looked into.
  public func onlyOwesMore(_ after: Machine, than before: Machine) -> Bool { false }

  /// Not looked into.
  public func onlyCountsMore(_ after: Machine, than before: Machine) -> Bool { false }

  /// None does: what became void is proposed again.
  public func isFence(_ step: Int) -> Bool { false }

  /// How a step ended.
  public func describe(_ completion: Completion<Scrolls>) -> String {
    switch completion.result {
    case .applied: "applied"
    case .answered: "answered"
    case .passed: "passed"
    case .changed: "changed"
    case .notApplied: "not applied"
    case .unknown: "unknown"
    }
  }

  // MARK: Symmetry

  /// None are.
  public func areAlike(_ a: Int, _ b: Int) -> Bool { false }
  /// Never asked.
  public func swap(_ a: VoterID, _ b: VoterID, in machine: inout Machine) {}
  /// Never asked.
  public func swap(_ a: VoterID, _ b: VoterID, in message: inout Message) {}
  /// Never asked.
  public func swap(_ a: Int, _ b: Int, in history: inout InstanceHistory) {}
}

/// What was decided in a world.
public struct InstanceHistory: Hashable, Sendable {
  struct Place: Hashable, Sendable {
    var node: Int
    var id: InstanceID
  }

  var decided: [InstanceID: Value] = [:]
  /// What each node holds.
  var held: [Place: Batch] = [:]
  /// What is worth telling.
  var sights: Set<String> = []
}
