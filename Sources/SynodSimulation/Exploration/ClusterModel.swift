internal import Synod

/// The states of nodes, messages, events and ledgers of a protocol under numbers, and what the real
/// machines make of inputs.
final class ClusterModel<Subject: ExploredSubject>: ClusterRules {
  typealias Machine = Subject.Machine

  /// A node: its process and its store.
  struct Local: Hashable {
    var node: UInt8
    var machine: UInt32
    /// The machine that would be made of what is durable: all that a store is good for.
    var durable: UInt32
    /// Batches that are not durable yet.
    var pending: UInt32
    /// Steps of the plan that are not started.
    var left: UInt8
    var hasTime: Bool
    /// Nodes that will never send a request again.
    var done: UInt8
  }

  struct Batch: Hashable {
    var number: PersistBatch
    var records: [Machine.Record]
  }

  struct Letter: Hashable {
    var from: UInt8
    var message: Machine.Message
  }

  enum Event: Hashable {
    case started(Int)
    case ended(Int, Machine.Completion)
    case sent(Machine.Message)
    case durable(Machine.Record)
    case crashed
    case timedOut
    case cancelled
    case violation(String)
  }

  struct Events: Hashable {
    var node: UInt8
    var list: [Event]
  }

  let subject: Subject
  var locals = Interner<Local>()
  var machines = Interner<Machine>()
  var batches = Interner<[Batch]>()
  var letters = Interner<Letter>()
  var events = Interner<Events>()
  var ledgers = Interner<ExploredLedger<Subject>>()
  /// By ledger, what is wrong with it.
  var violations: [String?] = []
  private var ready = Ready<Machine>()

  init(_ subject: Subject) {
    self.subject = subject
    _ = events.intern(Events(node: 0, list: []))
    _ = batches.intern([])
  }

  var nodes: Int { subject.settings.count }
  var steps: Int { subject.plan.count }
  func node(ofStep step: Int) -> Int { subject.plan[step].node }

  var bytes: Int {
    let machine = 2 * MemoryLayout<Machine>.stride + 1_200
    return machines.count * machine + locals.count * 60 + letters.count * 600
      + ledgers.count * 1_000 + batches.count * 500
  }

  // MARK: Nodes

  func begin() -> (locals: [UInt32], ledger: UInt32) {
    let ledger = ExploredLedger<Subject>(
      steps: subject.plan.map { _ in .init() }, history: subject.blank, budget: subject.budget,
      violation: nil)
    let locals = (0..<nodes).map { node in
      var machine = Machine(subject.settings[node])
      var durable = machine
      machine.tick(to: Ticks(1))
      while machine.hasReady {
        machine.drain(into: &ready)
        for record in ready.persist { restore(record, into: &durable) }
        if !ready.persist.isEmpty { machine.persisted(through: ready.batch) }
      }
      return intern(
        node,
        Moving(
          before: machine, machine: machine, durable: durable, pending: [],
          left: subject.plan.count { $0.node == node }, hasTime: subject.budget.timeOuts > 0,
          done: 0))
    }
    return (locals, number(of: ledger))
  }

  func restore(_ record: Machine.Record, into machine: inout Machine) {
    do {
      try machine.restore(record)
    } catch {
      preconditionFailure("a store refuses its own record: \(error)")
    }
  }

  private func intern(_ place: Int, _ node: Moving) -> UInt32 {
    var (machine, durable) = (node.machine, node.durable)
    var horizon = horizon(left: node.left, hasTime: node.hasTime, done: node.done)
    let shift = subject.canonicalise(&machine, horizon)
    // What a proposer reserved is checked as long as it has something open.
    horizon.mayPropose = !subject.isDone(machine, horizon)
    _ = subject.canonicalise(&durable, horizon)
    let shifted = node.pending.map {
      Batch(number: PersistBatch($0.number.rawValue - shift), records: $0.records)
    }
    return locals.intern(
      Local(
        node: UInt8(place), machine: machines.intern(machine), durable: machines.intern(durable),
        pending: batches.intern(shifted), left: UInt8(node.left), hasTime: node.hasTime,
        done: node.done))
  }

  private func horizon(left: Int, hasTime: Bool, done: UInt8) -> ExplorationHorizon {
    ExplorationHorizon(
      hasTime: hasTime, mayPropose: left > 0, mayCancel: subject.budget.cancels > 0, done: done)
  }

  func react(_ number: UInt32, to input: LocalInput) -> LocalReaction {
    let local = locals[number]
    var node = Moving(
      before: machines[local.machine], machine: machines[local.machine],
      durable: machines[local.durable], pending: batches[local.pending], left: Int(local.left),
      hasTime: local.hasTime, done: local.done)
    take(input, &node)
    var sent: [(to: Int, message: UInt32)] = []
    drain(&node, Int(local.node), &sent)
    if let wrong = subject.stepped(
      from: node.before, to: node.machine, crashed: node.hasCrashed, durable: node.durable)
    {
      node.events.append(.violation(wrong))
    }
    let after = intern(Int(local.node), node)
    let events =
      node.events.isEmpty ? 0 : events.intern(Events(node: local.node, list: node.events))
    return LocalReaction(
      kind: kind(of: input, events, sent.isEmpty, locals[number], locals[after]), local: after,
      events: events, sent: sent)
  }

  private func kind(
    of input: LocalInput, _ events: UInt32, _ isSilent: Bool, _ before: Local, _ after: Local
  ) -> LocalReaction.Kind {
    guard case .deliver = input, events == 0 else { return .step }
    var same = after
    same.machine = before.machine
    guard same == before else { return .step }
    let (was, now) = (machines[before.machine], machines[after.machine])
    if after.machine == before.machine || subject.onlyOwesMore(now, than: was) { return .answer }
    if isSilent && !before.hasTime && subject.onlyCountsMore(now, than: was) { return .vote }
    return .step
  }

  /// A node in the middle of a move.
  private struct Moving {
    let before: Machine
    var machine: Machine
    var durable: Machine
    var pending: [Batch]
    var left: Int
    var hasTime: Bool
    var done: UInt8
    var hasCrashed = false
    var events: [Event] = []
  }

  private func take(_ input: LocalInput, _ node: inout Moving) {
    switch input {
    case .deliver(let number):
      let letter = letters[number]
      node.machine.receive(letter.message, from: voter(Int(letter.from)))
    case .persist:
      let batch = node.pending.removeFirst()
      keep(batch, &node)
      node.machine.persisted(through: batch.number)
    case .crash(let surviving):
      for batch in node.pending.prefix(surviving) { keep(batch, &node) }
      node.pending = []
      node.machine = node.durable
      node.machine.tick(to: Ticks(1))
      node.hasCrashed = true
      node.events.append(.crashed)
    case .timeOut:
      if let deadline = node.machine.nextDeadline { node.machine.tick(to: deadline) }
      node.events.append(.timedOut)
    case .start(let step):
      node.left -= 1
      node.events.append(.started(step))
      node.machine.propose(subject.plan[step].proposal, as: ProposalID(UInt64(step)))
    case .cancel(let step):
      node.events.append(.cancelled)
      node.machine.cancel(ProposalID(UInt64(step)))
    case .timeEnds: node.hasTime = false
    case .othersDone(let nodes): node.done = nodes
    }
  }

  private func keep(_ batch: Batch, _ node: inout Moving) {
    for record in batch.records {
      restore(record, into: &node.durable)
      if subject.matters(record) { node.events.append(.durable(record)) }
    }
  }

  private func drain(
    _ node: inout Moving, _ place: Int, _ sent: inout [(to: Int, message: UInt32)]
  ) {
    while node.machine.hasReady {
      node.machine.drain(into: &ready)
      for envelope in ready.messages {
        let message = envelope.message
        if let wrong = subject.sent(message, by: node.machine, durable: node.durable) {
          node.events.append(.violation(wrong))
        }
        if subject.matters(message) { node.events.append(.sent(message)) }
        let letter = letters.intern(Letter(from: UInt8(place), message: message))
        switch envelope.to {
        case .peers: for peer in 0..<nodes where peer != place { sent.append((peer, letter)) }
        case .voter(let voter): sent.append((Int(voter.rawValue) - 1, letter))
        }
      }
      for completion in ready.completed {
        node.events.append(.ended(Int(completion.proposal.rawValue), completion))
      }
      if !ready.persist.isEmpty {
        node.pending.append(Batch(number: ready.batch, records: ready.persist))
      }
    }
  }

  func voter(_ node: Int) -> VoterID { VoterID(UInt32(node + 1)) }

  func isDone(_ local: Local) -> Bool {
    subject.isDone(
      machines[local.machine],
      horizon(left: Int(local.left), hasTime: local.hasTime, done: local.done))
  }

  func isDead(_ message: UInt32, at number: UInt32, done: UInt8) -> Bool {
    let local = locals[number]
    let letter = letters[message]
    return subject.isDead(
      letter.message,
      at: ExploredNode(
        machine: machines[local.machine], durable: machines[local.durable],
        isDone: isDone(local), senderIsDone: done & 1 << letter.from != 0,
        horizon: horizon(left: Int(local.left), hasTime: local.hasTime, done: local.done)))
  }

  func traits(ofLocal number: UInt32) -> LocalTraits {
    let local = locals[number]
    return LocalTraits(
      pending: batches[local.pending].count,
      hasDeadline: machines[local.machine].nextDeadline != nil, isDone: isDone(local))
  }
}
