public import Synod

/// What the real machine makes of an input.
extension ClusterModel {
  /// What a process that dies leaves behind.
  @usableFromInline
  struct Crash: Hashable {
    /// Without the machine.
    @usableFromInline var left: Local
    @usableFromInline var surviving: Int

    @inlinable
    init(left: Local, surviving: Int) {
      self.left = left
      self.surviving = surviving
    }
  }

  /// A node in the middle of a move.
  @usableFromInline
  struct Moving {
    @usableFromInline var local: Local
    @usableFromInline var machine: Machine
    /// What would be made of its store; and whether that has changed.
    @usableFromInline var durable: Shared<Machine>
    @usableFromInline var isDurableNew = false
    /// Where they have changed.
    @usableFromInline var pending: [Batch]?
    @usableFromInline var hasCrashed = false
    @usableFromInline var events: [Event] = []
    @usableFromInline var sent: [(to: Int, message: UInt32)] = []

    @inlinable
    init(_ local: Local, _ machine: Machine, durable: Shared<Machine>) {
      self.local = local
      self.machine = machine
      self.durable = durable
    }

    /// Whether it is what it was, as most are whom a message comes to again.
    @inlinable
    func isStill(_ local: Local, _ machine: Shared<Machine>) -> Bool {
      !isDurableNew && pending == nil && self.local == local && self.machine == machine.value
    }
  }

  /// What comes of a crash is up to the store: processes of many kinds die over the same.
  @inlinable
  func react(_ number: UInt32, to input: LocalInput) -> LocalReaction {
    guard case .crash(let surviving) = input else { return work(out: input, at: number) }
    var left = locals[number]
    left.machine = 0
    let crash = Crash(left: left, surviving: surviving)
    if let known = crashes[crash] { return known }
    let reaction = work(out: input, at: number)
    crashes[crash] = reaction
    return reaction
  }

  @inlinable
  func work(out input: LocalInput, at number: UInt32) -> LocalReaction {
    let before = locals[number]
    let machine = machines[before.machine]
    var node = Moving(before, machine.value, durable: machines[before.durable])
    take(input, &node)
    drain(&node)
    finish(&node)
    let after =
      node.isStill(before, machine) ? number : settle(&node, from: before, machine)
    let events =
      node.events.isEmpty ? 0 : events.intern(Events(node: before.node, list: node.events))
    return LocalReaction(
      kind: kind(of: input, events, node.sent.isEmpty, before, locals[after]), local: after,
      events: events, sent: node.sent)
  }

  /// The number of what the node has become.
  @inlinable
  func settle(_ node: inout Moving, from before: Local, _ machine: Shared<Machine>) -> UInt32 {
    let was = node.hasCrashed ? node.durable : machine
    if let wrong = subject.stepped(from: was.value, to: node.machine) {
      node.events.append(.violation(wrong))
    }
    let isDurableNew =
      node.isDurableNew
      || horizon(ofStoreOf: before, machine.value) != horizon(ofStoreOf: node.local, node.machine)
    return intern(
      node.local, &node.machine, durable: isDurableNew ? node.durable : nil, pending: node.pending)
  }

  @inlinable
  func kind(
    of input: LocalInput, _ events: UInt32, _ isSilent: Bool, _ before: Local, _ after: Local
  ) -> LocalReaction.Kind {
    guard case .deliver = input, events == 0 else { return .step }
    var same = after
    same.machine = before.machine
    guard same == before else { return .step }
    if after.machine == before.machine { return .answer }
    let (now, was) = (machines[after.machine], machines[before.machine])
    if subject.onlyOwesMore(now.value, than: was.value) { return .answer }
    let mayBeVote = isSilent && !before.hasTime
    return mayBeVote && subject.onlyCountsMore(now.value, than: was.value) ? .vote : .step
  }

  @inlinable
  func take(_ input: LocalInput, _ node: inout Moving) {
    switch input {
    case .deliver(let number):
      let letter = letters[number]
      node.machine.receive(letter.message, from: voter(Int(letter.from)))
    case .persist(let count):
      let pending = batches[node.local.pending]
      keep(pending.prefix(count), &node)
      node.pending = Array(pending.dropFirst(count))
      node.machine.persisted(through: pending[count - 1].number)
    case .fail(let surviving):
      keep(batches[node.local.pending].prefix(surviving), &node)
      node.pending = []
      node.machine.storageFailed()
      node.events.append(.failed)
    case .crash(let surviving):
      keep(batches[node.local.pending].prefix(surviving), &node)
      node.pending = []
      node.machine = node.durable.value
      node.machine.tick(to: Ticks(1))
      node.hasCrashed = true
      node.events.append(.crashed)
    case .timeOut:
      if let deadline = node.machine.nextDeadline { node.machine.tick(to: deadline) }
      node.events.append(.timedOut)
    case .start(let step):
      node.local.left -= 1
      node.events.append(.started(step))
      node.machine.propose(subject.plan[step].proposal, as: ProposalID(UInt64(step)))
    case .cancel(let step):
      node.events.append(.cancelled)
      node.machine.cancel(ProposalID(UInt64(step)))
    case .timeEnds: node.local.hasTime = false
    case .othersDone(let nodes): node.local.done = nodes
    }
  }

  /// Makes batches durable.
  @inlinable
  func keep(_ batches: some Collection<Batch>, _ node: inout Moving) {
    var durable = node.durable.value
    for batch in batches {
      for record in batch.records {
        restore(record, into: &durable)
        if subject.matters(record) { node.events.append(.durable(record)) }
      }
    }
    node.durable = Shared(durable)
    node.isDurableNew = true
  }

  /// Does what a move leads to at once: what is due already, and, in some worlds, what the store has
  /// to say.
  @inlinable
  func finish(_ node: inout Moving) {
    var rounds = 0
    while true {
      if subject.tickIfDue(&node.machine) {
        rounds += 1
        precondition(rounds < 1_000, "something is due again and again")
        drain(&node)
      } else if subject.persistsAtOnce, let batch = node.pending?.first {
        keep(CollectionOfOne(batch), &node)
        node.pending?.removeFirst()
        node.machine.persisted(through: batch.number)
        drain(&node)
      } else {
        return
      }
    }
  }

  @inlinable
  func drain(_ node: inout Moving) {
    let place = Int(node.local.node)
    while node.machine.hasReady {
      node.machine.drain(into: &ready)
      for envelope in ready.messages {
        let message = envelope.message
        if let wrong = subject.sent(message, by: node.machine, durable: node.durable.value) {
          node.events.append(.violation(wrong))
        }
        if subject.matters(message) { node.events.append(.sent(message)) }
        let letter = letters.intern(Letter(from: UInt8(place), message: message))
        switch envelope.to {
        case .peers:
          for peer in 0..<nodes where peer != place { node.sent.append((peer, letter)) }
        case .voter(let voter):
          // Who has an identity need not be there.
          let peer = Int(voter.rawValue) - 1
          if peer < nodes { node.sent.append((peer, letter)) }
        }
      }
      for completion in ready.completed {
        node.events.append(.ended(Int(completion.proposal.rawValue), completion))
      }
      if !ready.persist.isEmpty {
        let batch = Batch(number: ready.batch, records: ready.persist)
        node.pending = (node.pending ?? batches[node.local.pending]) + [batch]
      }
    }
  }
}
