public import Synod

/// How a world begins.
extension ClusterModel {
  /// The nodes' states, what is on its way to each, and the ledger.
  @usableFromInline
  struct Beginning {
    @usableFromInline var locals: [UInt32]
    @usableFromInline var mailboxes: [[UInt32]]
    @usableFromInline var ledger: UInt32

    @inlinable
    init(locals: [UInt32], mailboxes: [[UInt32]], ledger: UInt32) {
      self.locals = locals
      self.mailboxes = mailboxes
      self.ledger = ledger
    }
  }

  @inlinable
  func begin() -> Beginning {
    let ledger = ExploredLedger<Subject>(
      steps: subject.plan.map { _ in .init() }, history: subject.blank, budget: subject.budget,
      violation: nil)
    var beginning = Beginning(
      locals: [], mailboxes: Array(repeating: [], count: nodes), ledger: number(of: ledger))
    var letters: [(to: Int, message: UInt32)] = []
    for node in 0..<nodes { letters += start(node, &beginning) }
    for (step, how) in subject.rehearsal.enumerated() {
      letters += make(.start(step), at: subject.plan[step].node, &beginning)
      rehearse(how, &letters, &beginning)
      if let node = how.waits {
        letters += make(.timeOut, at: node, &beginning)
        rehearse(how, &letters, &beginning)
      }
      letters = []
    }
    if subject.budget.timeOuts > 0, ledgers[beginning.ledger].budget.timeOuts == 0 {
      for node in 0..<nodes { _ = make(.timeEnds, at: node, &beginning) }
    }
    return beginning
  }

  @inlinable
  func rehearse(
    _ how: Rehearsal, _ letters: inout [(to: Int, message: UInt32)], _ beginning: inout Beginning
  ) {
    var left = how.deliveries
    while left > 0, let index = letters.firstIndex(where: { how.late & 1 << UInt8($0.to) == 0 }) {
      left -= 1
      let (to, message) = letters.remove(at: index)
      letters += make(.deliver(message), at: to, &beginning)
    }
  }

  @inlinable
  func start(
    _ node: Int, _ beginning: inout Beginning
  ) -> [(to: Int, message: UInt32)] {
    var machine = Machine(subject.settings[node])
    for record in subject.stored[node] ?? [] { restore(record, into: &machine) }
    let local = Local(
      node: UInt8(node), machine: 0, durable: 0, pending: 0,
      left: UInt8(subject.plan.count { $0.node == node }), hasTime: subject.budget.timeOuts > 0,
      done: 0)
    var moving = Moving(local, machine, durable: Shared(machine))
    moving.pending = []
    moving.machine.tick(to: Ticks(1))
    drain(&moving)
    while let batch = moving.pending?.first {
      keep([batch], &moving)
      moving.pending?.removeFirst()
      moving.machine.persisted(through: batch.number)
      drain(&moving)
    }
    // What it does by itself when it starts is no part of what happens.
    let number = intern(
      moving.local, &moving.machine, durable: moving.durable, pending: moving.pending)
    beginning.locals.append(number)
    for (to, message) in moving.sent { beginning.mailboxes[to].append(message) }
    return moving.sent
  }

  /// A move of the rehearsal, with all that it leads to at its node.
  @inlinable
  func make(
    _ input: LocalInput, at node: Int, _ beginning: inout Beginning
  ) -> [(to: Int, message: UInt32)] {
    var sent: [(to: Int, message: UInt32)] = []
    var next: LocalInput? = input
    while let input = next {
      let reaction = react(beginning.locals[node], to: input)
      beginning.locals[node] = reaction.local
      if reaction.events != 0 {
        beginning.ledger = ledger(beginning.ledger, after: reaction.events)
      }
      for (to, message) in reaction.sent { beginning.mailboxes[to].append(message) }
      sent += reaction.sent
      let pending = locals[reaction.local].pending
      next = batches[pending].isEmpty ? nil : .persist(count: 1)
    }
    return sent
  }
}
