import CASPaxos
import Synod

/// A small world, all of whose runs can be walked: a few machines, one register, a network that keeps
/// every message for ever (so that losing, repeating and reordering need no moves of their own),
/// stores that acknowledge when they like, and a few crashes and time-outs to spend.
struct ExplorerWorld: Hashable {
  struct InFlight: Hashable {
    var from: VoterID
    var to: VoterID
    var message: Message
  }

  struct Batch: Hashable {
    var number: PersistBatch
    var records: [Record]
  }

  /// A proposal of the plan.
  struct Step: Hashable {
    var node: Int
    var operation: CASPaxos.Operation<Counter>
    var isStarted = false
    var outcome: Outcome<Counter>?
    /// Steps that had ended before this one was started.
    var after: Set<Int> = []
    /// Its node crashed before it ended.
    var isLost = false
  }

  enum Move: Hashable {
    case start(Int)
    case deliver(InFlight)
    case persist(Int)
    case crash(Int, surviving: Int)
    case timeOut(Int)
    case cancel(Int)
  }

  /// Every message ever sent, in the order of sending, which does not tell two worlds apart.
  struct Network: Hashable {
    private(set) var messages: [InFlight] = []
    private var known: Set<InFlight> = []

    mutating func insert(_ message: InFlight) {
      if known.insert(message).inserted { messages.append(message) }
    }

    mutating func removeAll() { self = Network() }

    static func == (a: Network, b: Network) -> Bool { a.known == b.known }
    func hash(into hasher: inout Hasher) { hasher.combine(known) }
  }

  var machines: [CounterMachine]
  var network = Network()
  var pending: [[Batch]]
  var durable: [[Record]]
  var plan: [Step]
  var crashes: Int
  var timeOuts: Int
  var cancels: Int
  /// Whether stores acknowledge at once: fewer worlds, where durability is not what is attacked.
  var isPrompt: Bool
  /// Per node, the ballots that it has durably accepted; and every ballot's state.
  var accepted: [Set<Ballot>]
  var states: [Ballot: RegisterState] = [:]
  var violation: String?

  init(
    settings: [Settings], plan: [Step], crashes: Int = 0, timeOuts: Int = 0, cancels: Int = 0,
    isPrompt: Bool = false
  ) {
    machines = settings.map { CounterMachine($0) }
    pending = settings.map { _ in [] }
    durable = settings.map { _ in [] }
    accepted = settings.map { _ in [] }
    self.plan = plan
    self.crashes = crashes
    self.timeOuts = timeOuts
    self.cancels = cancels
    self.isPrompt = isPrompt
    for node in machines.indices {
      machines[node].tick(to: Ticks(1))
      drain(node)
      while !pending[node].isEmpty { persist(node) }
    }
  }

  var moves: [Move] {
    var moves: [Move] = network.messages.map { .deliver($0) }
    for (index, step) in plan.enumerated() {
      // The steps of one node are started in order; they may be open together.
      let isNext = !plan[..<index].contains { $0.node == step.node && !$0.isStarted }
      if !step.isStarted && isNext { moves.append(.start(index)) }
      if step.isStarted && step.outcome == nil && !step.isLost && cancels > 0 {
        moves.append(.cancel(index))
      }
    }
    for node in machines.indices {
      if !pending[node].isEmpty { moves.append(.persist(node)) }
      if crashes > 0 {
        for count in 0...pending[node].count { moves.append(.crash(node, surviving: count)) }
      }
      if timeOuts > 0, machines[node].nextDeadline != nil { moves.append(.timeOut(node)) }
    }
    return moves
  }

  mutating func make(_ move: Move) {
    switch move {
    case .start(let index): start(index)
    case .deliver(let item):
      let node = Int(item.to.rawValue) - 1
      machines[node].receive(item.message, from: item.from)
      drain(node)
    case .persist(let node): persist(node)
    case .crash(let node, let surviving):
      crashes -= 1
      crash(node, surviving: surviving)
    case .timeOut(let node):
      timeOuts -= 1
      if let deadline = machines[node].nextDeadline { machines[node].tick(to: deadline) }
      drain(node)
    case .cancel(let index):
      cancels -= 1
      machines[plan[index].node].cancel(ProposalID(UInt64(index)))
      drain(plan[index].node)
    }
    if violation == nil { check() }
  }

  private mutating func start(_ index: Int) {
    plan[index].isStarted = true
    plan[index].after = Set(plan.indices.filter { plan[$0].outcome != nil })
    let node = plan[index].node
    machines[node].propose(
      Proposal(key: "k", operation: plan[index].operation), as: ProposalID(UInt64(index)))
    drain(node)
  }

  private mutating func drain(_ node: Int) {
    var ready = Ready<CounterMachine>()
    while machines[node].hasReady {
      machines[node].drain(into: &ready)
      let me = VoterID(UInt32(node + 1))
      for envelope in ready.messages {
        let message = envelope.message
        if message.kind == .accept { note(message) }
        switch envelope.to {
        case .peers:
          for peer in machines.indices where peer != node {
            network.insert(InFlight(from: me, to: VoterID(UInt32(peer + 1)), message: message))
          }
        case .voter(let voter):
          network.insert(InFlight(from: me, to: voter, message: message))
        }
      }
      for completion in ready.completed {
        let index = Int(completion.proposal.rawValue)
        if plan[index].outcome != nil { violation = "step \(index) ended twice" }
        plan[index].outcome = completion.result
      }
      if !ready.persist.isEmpty {
        pending[node].append(Batch(number: ready.batch, records: ready.persist))
        if isPrompt { persist(node) }
      }
    }
  }

  private mutating func note(_ message: Message) {
    if let other = states[message.ballot], other != message.state {
      violation = "ballot \(message.ballot) carries two states"
    }
    states[message.ballot] = message.state
  }

  private mutating func persist(_ node: Int) {
    let batch = pending[node].removeFirst()
    keep(batch, of: node)
    machines[node].persisted(through: batch.number)
    drain(node)
  }

  private mutating func keep(_ batch: Batch, of node: Int) {
    if crashes > 0 { durable[node] += batch.records }
    for record in batch.records {
      if case .accept(_, let ballot, _, _) = record { accepted[node].insert(ballot) }
    }
  }

  private mutating func crash(_ node: Int, surviving: Int) {
    crashes += 1
    for batch in pending[node].prefix(surviving) { keep(batch, of: node) }
    crashes -= 1
    pending[node].removeAll()
    for index in plan.indices
    where plan[index].node == node && plan[index].isStarted && plan[index].outcome == nil {
      plan[index].isLost = true
    }
    machines[node] = CounterMachine(machines[node].settings)
    for record in durable[node] { try! machines[node].restore(record) }
    machines[node].tick(to: Ticks(1))
    drain(node)
    // What a rebuilt machine says first only restates and reserves.
    while !pending[node].isEmpty { persist(node) }
  }
}

extension ExplorerWorld {
  /// Ballots that an accept quorum has durably accepted, lowest first.
  var chosen: [Ballot] {
    let quorum = machines[0].configuration.quorums.accept
    return states.keys.filter { ballot in
      accepted.count { $0.contains(ballot) } >= quorum
    }.sorted()
  }

  /// Every `add` of a plan adds its own power of ten: a digit says how often it took effect.
  static func digit(_ index: Int, of state: RegisterState) -> Int {
    var number = state.register.number
    for _ in 0..<index { number /= 10 }
    return number % 10
  }

  mutating func check() {
    if machines.contains(where: { $0.stopped != nil }) { violation = "a machine stopped" }
    let chosen = chosen.compactMap { states[$0] }
    for (index, step) in plan.enumerated() {
      guard case .change(.add) = step.operation else { continue }
      let digits = chosen.map { Self.digit(index, of: $0) }
      if digits.contains(where: { $0 > 1 }) { violation = "step \(index) took effect twice" }
      if zip(digits, digits.dropFirst()).contains(where: { $0 > $1 }) {
        violation = "step \(index) took effect and was lost"
      }
      switch step.outcome {
      case .applied where digits.last != 1: violation = "step \(index) was applied and is not there"
      case .notApplied where digits.contains(1): violation = "step \(index) was said not to apply"
      case .applied, .notApplied, .unknown, .read, nil: break
      }
    }
    if violation == nil && !isLinearizable { violation = "not linearizable" }
  }

  /// Whether what clients were told is explained by some order of the steps that respects which ended
  /// before which began.
  var isLinearizable: Bool {
    let certain = plan.indices.filter { index in
      switch plan[index].outcome {
      case .applied, .read, .notApplied(.rejected): true
      case .notApplied, .unknown, nil: false
      }
    }
    let possible = plan.indices.filter { index in
      switch plan[index].outcome {
      case .unknown: true
      case nil: plan[index].isStarted
      case .applied, .read, .notApplied: false
      }
    }
    return canOrder(certain: Set(certain), possible: Set(possible), number: 0)
  }

  private func canOrder(certain: Set<Int>, possible: Set<Int>, number: Int) -> Bool {
    if certain.isEmpty { return true }
    for index in certain.union(possible) where plan[index].after.isDisjoint(with: certain) {
      guard let next = effect(of: index, on: number) else { continue }
      if canOrder(
        certain: certain.subtracting([index]), possible: possible.subtracting([index]), number: next
      ) {
        return true
      }
    }
    return false
  }

  /// The number after a step; nil where the step was told something that contradicts it.
  private func effect(of index: Int, on number: Int) -> Int? {
    let seen: Int? =
      switch plan[index].outcome {
      case .applied(_, let register), .read(let register): register.number
      case .notApplied(.rejected(_, let register)): register.number
      case .notApplied, .unknown, nil: nil
      }
    let next: Int
    switch plan[index].operation {
    case .read, .barrierRead, .change(.get): next = number
    case .change(.add(let amount)): next = number + amount
    case .change(.swap(let old, let new)):
      if case .notApplied(.rejected)? = plan[index].outcome {
        if number == old { return nil }
        next = number
      } else {
        if number != old { return plan[index].outcome == nil ? number : nil }
        next = new
      }
    case .change(.delete): next = 0
    }
    if let seen, seen != next { return nil }
    return next
  }
}
