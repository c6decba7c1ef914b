public import EPaxos
internal import Synod
internal import SynodSimulation

/// A few commands that interfere, a few voters, and a network that loses, repeats and reorders as it
/// likes: a run of a few hundred steps, drawn from a seed, in which little happens but recoveries that
/// meet each other. Whole runs (`InstanceSubject`) seldom come to where those are; thousands of these
/// take a second.
///
/// Clocks are each node's own: a step may lead one of them to its next deadline.
public struct Skirmish {
  /// The machine that ships.
  public typealias Machine = EPaxos.Machine<Scrolls>

  struct Node {
    var machine: Machine
    var now = Ticks(1)
    /// Durable.
    var disk: [Record] = []
    /// Handed out, and not known to be durable.
    var unsynced: [(batch: PersistBatch, records: [Record])] = []
    var isDead = false
  }

  struct Parcel {
    var from: Int
    var to: Int
    var message: Message
  }

  /// How a run is drawn.
  public struct Plan: Hashable, Sendable {
    /// The run is a function of it, and of what follows.
    public var seed: UInt64
    /// 1 to 7.
    public var voters: Int
    /// Commands, all on one key or on two.
    public var commands: Int
    /// Nodes that may be away at once, and in the end.
    public var dead: Int
    /// Steps with faults.
    public var steps = 300
    /// Of a hundred messages, how many are lost.
    public var lossPercent: UInt64
    /// How many stay under way when they are delivered.
    public var repeatPercent: UInt64
    /// Of a thousand steps, how many crash somebody.
    public var crashPerMille: UInt64
    /// Of a hundred ways from one node to another, how many are cut; drawn anew now and then.
    public var cutPercent: UInt64
    /// Whether owners crash soon after they were asked, and perhaps before that is durable.
    public var isAimed: Bool
    /// Of a hundred steps, how many ask for the next command.
    public var askPercent: UInt64
    /// Of how many nodes.
    public var askers: Int
    /// Of a hundred steps, how many lead a clock to its next deadline.
    public var timePercent: UInt64
    /// Keys in use.
    public var keys: UInt64
    /// Whether owners ask no more voters than they need.
    public var isThrifty: Bool
    /// After how many executed instances one proposes a barrier; nil for never.
    public var barrierEvery: UInt64?
    /// Bytes of a piece of a snapshot, about.
    public var maxPieceBytes: Int

    /// A plan drawn from a seed.
    public init(seed: UInt64) {
      var random = SplitMix(seed: seed ^ 0x736b_6972_6d69)
      func one<T>(of choices: [T]) -> T { choices[Int(random.next() % UInt64(choices.count))] }
      self.seed = seed
      voters = one(of: [3, 5, 5, 5, 7])
      commands = one(of: [2, 2, 3, 4])
      dead = one(of: [0, 1, (voters - 1) / 2, (voters - 1) / 2])
      lossPercent = one(of: [0, 10, 30, 50])
      repeatPercent = one(of: [0, 10, 30])
      crashPerMille = one(of: [0, 5, 20])
      cutPercent = one(of: [0, 0, 20, 50])
      isAimed = one(of: [false, true])
      askPercent = one(of: [5, 10, 40])
      askers = one(of: [1, 2, voters, voters])
      timePercent = one(of: [2, 5, 10])
      keys = one(of: [1, 1, 2])
      isThrifty = one(of: [false, true])
      barrierEvery = one(of: [nil, nil, nil, 1, 3])
      maxPieceBytes = one(of: [30, 1 << 16])
      if barrierEvery != nil {
        // What is forgotten must be worth a snapshot.
        commands = one(of: [4, 12])
        steps = one(of: [300, 600])
      }
    }
  }

  let plan: Plan
  var nodes: [Node] = []
  var network: [Parcel] = []
  /// By sender, a bit for each node that hears nothing of it.
  var cuts: [UInt8] = []
  var random: SplitMix
  var ledger: InstanceLedger
  var asked = 0
  var past = Statistics()
  /// Takes what happens, for people. Nothing is written for it where it is nil.
  public var record: ((String) -> Void)?
  private var ready = Ready<Machine>()

  /// A run before its first step.
  public init(_ plan: Plan) {
    self.plan = plan
    random = SplitMix(seed: plan.seed)
    let settings = Self.settings(plan)
    ledger = InstanceLedger(settings)
    for voter in settings.configuration.voters {
      var settings = settings
      settings.voter = voter
      nodes.append(Node(machine: Machine(settings)))
    }
    for node in nodes.indices {
      tick(node)
      sync(node)
    }
    cuts = nodes.map { _ in 0 }
  }

  /// Timers that make recoveries come soon.
  private static func settings(_ plan: Plan) -> EPaxos.Settings {
    let voters = (1...UInt32(max(plan.voters, 1))).map { VoterID($0) }
    guard let configuration = try? Configuration(epoch: Epoch(0), voters: voters) else {
      preconditionFailure("a plan has 1 to \(QuorumSystem.maxVoters) voters")
    }
    var settings = EPaxos.Settings(voter: voters[0], configuration: configuration, seed: plan.seed)
    settings.slowPathAfter = 1
    settings.retransmitAfter = 40
    settings.askAfter = 20
    settings.recoverAfter = 80
    settings.recoverSpread = 0
    settings.attemptLasts = 120
    settings.numberBlock = 2
    settings.maxBatch = 1
    settings.barrierEvery = plan.barrierEvery
    settings.maxPieceBytes = plan.maxPieceBytes
    settings.isThrifty = plan.isThrifty
    return settings
  }

  mutating func below(_ limit: Int) -> Int { Int(random.next() % UInt64(max(limit, 1))) }
  mutating func percent(_ percent: UInt64) -> Bool { random.next() % 100 < percent }

  /// What each row of recovery's tables came to in this run.
  public var rows: (recovery: [UInt64], validation: [UInt64], waiting: [UInt64]) {
    var all = past
    for node in nodes { all.add(node.machine.statistics) }
    return (all.recoveryRows, all.validationRows, all.waitingRows)
  }

  /// Runs to its end.
  /// - Returns: what is wrong; nil where all is well.
  public mutating func run() -> String? {
    for _ in 0..<plan.steps where ledger.violation == nil { step() }
    if ledger.violation == nil { end() }
    return ledger.violation
  }

  // MARK: Machines

  mutating func tick(_ node: Int) {
    let now = nodes[node].now
    with(node) { $0.tick(to: now) }
  }

  mutating func with(_ node: Int, _ body: (inout Machine) -> Void) {
    guard !nodes[node].isDead else { return }
    body(&nodes[node].machine)
    take(node)
  }

  private mutating func take(_ node: Int) {
    let voter = VoterID(UInt32(node + 1))
    while nodes[node].machine.hasReady {
      nodes[node].machine.drain(into: &ready)
      ledger.chronicle.appended(ready.persist, by: voter)
      if !ready.persist.isEmpty { nodes[node].unsynced.append((ready.batch, ready.persist)) }
      for record in ready.persist { tell(node, "writes", InstanceWords.describe(record)) }
      for completion in ready.completed { tell(node, "ends \(completion)") }
      for envelope in ready.messages {
        tell(node, "to \(envelope.to)", InstanceWords.describe(envelope.message))
        ledger.sent(envelope.message, by: voter)
        for other in nodes.indices where other != node {
          if case .voter(let to) = envelope.to, to != VoterID(UInt32(other + 1)) { continue }
          network.append(Parcel(from: node, to: other, message: envelope.message))
        }
      }
    }
    if let why = nodes[node].machine.stopped { ledger.violate("voter \(voter) stopped: \(why)") }
    if let wrong = ledger.chronicle.look(at: nodes[node].machine, of: voter) {
      ledger.violate(wrong)
    }
  }

  private func tell(_ node: Int, _ what: String, _ text: @autoclosure () -> TraceText) {
    guard record != nil else { return }
    let text = text()
    let fields = text.fields.map { "\($0.name) \($0.value)" }.joined(separator: ", ")
    tell(node, "\(what): \(text.title) \(text.ballot.map { "\($0) " } ?? "")\(fields)")
  }

  func tell(_ node: Int, _ what: @autoclosure () -> String) {
    record?("voter \(node + 1) at \(nodes[node].now): \(what())")
  }

  /// What was handed out is durable.
  mutating func sync(_ node: Int) {
    while let first = nodes[node].unsynced.first {
      nodes[node].unsynced.removeFirst()
      nodes[node].disk += first.records
      ledger.persisted(first.records, by: VoterID(UInt32(node + 1)))
      with(node) { $0.persisted(through: first.batch) }
    }
  }

  mutating func crash(_ node: Int) {
    tell(node, "crashes")
    let survivors = below(nodes[node].unsynced.count + 1)
    for batch in nodes[node].unsynced.prefix(survivors) { nodes[node].disk += batch.records }
    nodes[node].unsynced.removeAll()
    nodes[node].isDead = true
    past.add(nodes[node].machine.statistics)
    nodes[node].machine = Machine(nodes[node].machine.settings)
  }

  mutating func restart(_ node: Int) {
    nodes[node].isDead = false
    ledger.chronicle.begin(VoterID(UInt32(node + 1)))
    tell(node, "comes back")
    do {
      for record in nodes[node].disk { try nodes[node].machine.restore(record) }
    } catch {
      ledger.violate("voter \(node + 1) refuses its own records: \(error)")
    }
    let machine = nodes[node].machine
    ledger.recovered(
      as: VoterID(UInt32(node + 1)), in: machine.knownEpoch, machine.instances,
      reserved: machine.reserved, forgotten: machine.status.truncated, holding: .init(machine))
    tick(node)
    sync(node)
  }
}
