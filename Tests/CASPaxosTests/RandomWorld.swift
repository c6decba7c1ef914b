import CASPaxos
import Synod

/// Machines, a network that loses, repeats, reorders and cuts off, stores that acknowledge late, and
/// crashes that forget what was not acknowledged: all drawn from one seed.
struct RandomWorld {
  struct InFlight {
    var from: Int
    var to: Int
    var message: Message
  }

  struct Node {
    let settings: Settings
    var machine: AppendMachine
    var store = RandomStore()
    /// Its open proposals.
    var open: Set<ProposalID> = []
    var isCut = false
    /// Its store is lost.
    var isGone = false
    /// What its store holds for certain, register by register.
    var held: [Bytes: (accepted: Ballot, version: Version)] = [:]
  }

  /// A proposal, and what became of it. Moments count calls and replies.
  struct Call {
    var node: Int
    var key: Bytes
    var operation: CASPaxos.Operation<Append>
    var began: Int
    var outcome: Outcome<Append>?
    /// When it was answered, or its node crashed.
    var ended = Int.max
    var isLost = false
    /// Another attempt at what an earlier call asked for, or one that may have others.
    var once: Once?
  }

  let shape: Shape
  var faults: Faults
  var random: SplitMix
  var nodes: [Node]
  var network: [InFlight] = []
  var now: UInt64 = 1
  var moment = 0
  /// By their identity, which counts from one and is what an append appends.
  var calls: [ProposalID: Call] = [:]
  var open = 0
  /// What each ballot was sent with.
  private var proposals: [Ballot: RegisterState] = [:]
  private(set) var violations: [String] = []
  /// What is or was watched.
  var watches: [ProposalID: Watching] = [:]
  var unfinished: [(node: Int, id: EffectID)] = []
  /// Whether faults are over, and all that is open is to end.
  private var isSettling = false
  private var ready = Ready<AppendMachine>()

  init(_ shape: Shape) {
    self.shape = shape
    faults = shape.faults
    random = SplitMix(seed: shape.seed)
    nodes = shape.settings().map { Node(settings: $0, machine: AppendMachine($0)) }
  }

  mutating func draw(_ limit: Int) -> Int { Int(random.next() % UInt64(max(limit, 1))) }

  mutating func violate(_ what: String) {
    // One cause has many effects.
    if violations.count < 8 { violations.append(what) }
  }

  var nextID: UInt64 { UInt64(calls.count) + 1 }

  @discardableResult
  mutating func propose(
    _ operation: CASPaxos.Operation<Append>, at node: Int, key: Bytes = "a",
    deadline: UInt64? = nil,
    once: Once? = nil
  ) -> ProposalID {
    let id = ProposalID(nextID)
    moment += 1
    calls[id] = Call(node: node, key: key, operation: operation, began: moment, once: once)
    nodes[node].open.insert(id)
    open += 1
    nodes[node].machine.tick(to: Ticks(now))
    nodes[node].machine.propose(
      Proposal(
        key: key, operation: operation, deadline: deadline.map { Ticks($0) }, once: once), as: id)
    drain(node)
    return id
  }

  mutating func drain(_ node: Int) {
    while nodes[node].machine.hasReady {
      nodes[node].machine.drain(into: &ready)
      if !ready.persist.isEmpty { nodes[node].store.submit(ready.persist, as: ready.batch) }
      for envelope in ready.messages { send(envelope, from: node) }
      for effect in ready.effects { take(effect, at: node) }
      for completion in ready.completed { end(completion, at: node) }
    }
    if let reason = nodes[node].machine.stopped { violate("node \(node + 1) stopped: \(reason)") }
    let count = nodes[node].machine.openProposals
    if count != nodes[node].open.count {
      violate("node \(node + 1) counts \(count) open proposals, not \(nodes[node].open.count)")
    }
  }

  private mutating func send(_ envelope: Envelope<Message>, from node: Int) {
    let message = envelope.message
    if message.kind == .accept {
      if let earlier = proposals[message.ballot], earlier != message.state {
        violate("ballot \(message.ballot) carried two states")
      }
      proposals[message.ballot] = message.state
    }
    switch envelope.to {
    case .peers:
      for peer in peers(of: node) {
        network.append(InFlight(from: node, to: peer, message: message))
      }
    case .voter(let voter):
      let place = Int(voter.rawValue) - 1
      if !nodes.indices.contains(place) || nodes[place].isGone { return }
      network.append(InFlight(from: node, to: place, message: message))
    }
  }

  /// As a transport does, which follows the configuration.
  private func peers(of node: Int) -> [Int] {
    let voters = nodes[node].machine.configuration.voters.map { Int($0.rawValue) - 1 }
    return voters.filter { $0 != node && nodes.indices.contains($0) && !nodes[$0].isGone }
  }

  private mutating func end(_ completion: Completion<Append>, at node: Int) {
    let id = completion.proposal
    moment += 1
    guard nodes[node].open.remove(id) != nil else {
      return violate("\(id) ended twice, or at a node where it was never open")
    }
    if watches[id] != nil { return endWatch(id, completion.result) }
    open -= 1
    calls[id]?.outcome = completion.result
    calls[id]?.ended = moment
    if let what = unsettled(completion) { violate(what) }
  }

  /// One step: something is delivered, persisted, goes wrong, or time passes.
  mutating func step() {
    if draw(1000) < faults.crash { return crash(draw(nodes.count)) }
    if !unfinished.isEmpty && draw(100) >= faults.slowWatcher { finishObservation() }
    if draw(100) < faults.cut { nodes[draw(nodes.count)].isCut.toggle() }
    if draw(100) < faults.checkpoint {
      let node = draw(nodes.count)
      nodes[node].store.goOn(of: nodes[node].machine, limit: 1 + draw(200))
    }
    let stores = nodes.indices.filter {
      !nodes[$0].store.pending.isEmpty && !nodes[$0].isGone
    }
    if !stores.isEmpty, draw(100) >= faults.slowStore || network.isEmpty {
      return persist(stores[draw(stores.count)])
    }
    if !network.isEmpty && draw(1000) < (isSettling ? 990 : 900) {
      return deliver(draw(network.count))
    }
    now += 1 + UInt64(draw(6))
    for node in nodes.indices where !nodes[node].isGone {
      nodes[node].machine.tick(to: Ticks(now))
      drain(node)
    }
  }

  private mutating func deliver(_ place: Int) {
    let item = network[place]
    if draw(100) >= faults.duplication {
      network.swapAt(place, network.count - 1)
      network.removeLast()
    }
    if draw(100) < faults.loss || nodes[item.from].isCut || nodes[item.to].isCut { return }
    var writer = ByteWriter()
    item.message.encode(into: &writer)
    var reader = ByteReader(writer.finish())
    guard let message = try? Message(from: &reader), message == item.message, reader.isAtEnd else {
      return violate("\(item.message) did not survive its bytes")
    }
    nodes[item.to].machine.receive(message, from: VoterID(UInt32(item.from + 1)))
    drain(item.to)
  }

  private mutating func persist(_ node: Int) {
    let batch = keep(1 + draw(nodes[node].store.pending.count), of: node)
    if let batch { nodes[node].machine.persisted(through: batch) }
    drain(node)
  }

  /// Makes batches durable; gives the last one's number.
  private mutating func keep(_ count: Int, of node: Int) -> PersistBatch? {
    let batches = nodes[node].store.keep(count)
    for batch in batches {
      for case .accept(let key, let ballot, _, let state) in batch.records {
        let known = nodes[node].held[key]?.version ?? .zero
        nodes[node].held[key] = (ballot, max(known, state.version))
      }
    }
    return batches.last?.number
  }

  /// Forgets everything but what is durable, and by chance some of what was on its way there.
  private mutating func crash(_ node: Int) {
    if nodes[node].isGone { return }
    moment += 1
    _ = keep(draw(nodes[node].store.pending.count + 1), of: node)
    nodes[node].store.forget()
    abandonCalls(of: node)
    nodes[node].machine = AppendMachine(nodes[node].settings)
    for record in nodes[node].store.records {
      do {
        try nodes[node].machine.restore(record)
      } catch {
        violate("node \(node + 1) cannot be restored: \(error)")
      }
    }
    nodes[node].machine.tick(to: Ticks(now))
    drain(node)
  }

  /// Nobody will answer them any more.
  mutating func abandonCalls(of node: Int) {
    for id in nodes[node].open {
      calls[id]?.isLost = true
      calls[id]?.ended = moment
    }
    open -= nodes[node].open.count { watches[$0] == nil }
    loseWatches(of: node)
    nodes[node].open.removeAll()
  }

  /// Cancels a proposal, which must end by that.
  mutating func cancel(_ id: ProposalID) {
    guard let node = calls[id]?.node, nodes[node].open.contains(id) else { return }
    nodes[node].machine.tick(to: Ticks(now))
    nodes[node].machine.cancel(id)
    drain(node)
    if nodes[node].open.contains(id) { violate("\(id) was cancelled and is open still") }
  }

  /// Lets everything that is open end, without faults. False where something did not.
  mutating func settle(steps: Int = 60_000) -> Bool {
    faults = Faults(slowStore: 20)
    isSettling = true
    for node in nodes.indices { nodes[node].isCut = false }
    // A heap of old messages would only take time.
    while network.count > 300 {
      network.swapAt(draw(network.count), network.count - 1)
      network.removeLast()
    }
    for _ in 0..<steps where open > 0 {
      step()
      if !violations.isEmpty { return false }
    }
    return open == 0
  }
}
