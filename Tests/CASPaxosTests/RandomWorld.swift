import CASPaxos
import Synod

/// Machines, a network that loses, repeats and reorders, stores that acknowledge late, and crashes
/// that forget what was not acknowledged: all drawn from one seed.
struct RandomWorld {
  struct Faults {
    var loss = 0
    var duplication = 0
    /// Of a thousand steps.
    var crash = 0
    var slowStore = 50
  }

  struct InFlight {
    var from: VoterID
    var to: VoterID
    var message: Message
  }

  struct Node {
    var machine: CounterMachine
    var settings: Settings
    /// Records known to be durable, and batches issued since.
    var durable: [Record] = []
    var pending: [(PersistBatch, [Record])] = []
    var life = 0
  }

  var nodes: [Node]
  var network: [InFlight] = []
  var random: SplitMix
  var faults: Faults
  var now: UInt64 = 1
  var completions: [ProposalID: Completion<Counter>] = [:]
  /// Open proposals, with the node and its life that hold them.
  var open: [ProposalID: (node: Int, life: Int)] = [:]
  var lost: Set<ProposalID> = []
  var proposed: UInt64 = 0
  /// When each proposal was made and when it ended, in steps.
  var spans: [ProposalID: (start: Int, end: Int)] = [:]
  var writers: Set<ProposalID> = []
  var steps = 0
  /// What each ballot was sent with.
  var proposals: [Ballot: RegisterState] = [:]
  var violations: [String] = []
  private var ready = Ready<CounterMachine>()

  init(
    seed: UInt64, nodes count: Int = 3, faults: Faults = Faults(),
    adjust: (inout Settings) -> Void = { _ in }
  ) {
    random = SplitMix(seed: seed)
    self.faults = faults
    nodes = (1...UInt32(count)).map { voter in
      var settings = Settings.test(voter, of: count, seed: seed)
      adjust(&settings)
      return Node(machine: CounterMachine(settings), settings: settings)
    }
  }

  mutating func draw(_ limit: Int) -> Int { Int(random.next() % UInt64(max(limit, 1))) }

  @discardableResult
  mutating func propose(
    _ operation: CASPaxos.Operation<Counter>, at node: Int, key: Bytes = "k", deadline: UInt64? = nil
  ) -> ProposalID {
    proposed += 1
    let id = ProposalID(proposed)
    open[id] = (node, nodes[node].life)
    spans[id] = (steps, .max)
    if case .change(let change) = operation, !change.isReadOnly { writers.insert(id) }
    nodes[node].machine.tick(to: Ticks(now))
    nodes[node].machine.propose(
      Proposal(key: key, operation: operation, deadline: deadline.map { Ticks($0) }), as: id)
    drain(node)
    return id
  }

  mutating func drain(_ index: Int) {
    if let reason = nodes[index].machine.stopped { violations.append("a machine stopped: \(reason)") }
    while nodes[index].machine.hasReady {
      nodes[index].machine.drain(into: &ready)
      if !ready.persist.isEmpty { nodes[index].pending.append((ready.batch, ready.persist)) }
      let me = nodes[index].settings.voter
      for envelope in ready.messages {
        note(envelope.message)
        for voter in recipients(of: envelope.to, from: me) {
          network.append(InFlight(from: me, to: voter, message: envelope.message))
        }
      }
      for completion in ready.completed {
        if completions.updateValue(completion, forKey: completion.proposal) != nil {
          violations.append("\(completion.proposal) completed twice")
        }
        open[completion.proposal] = nil
        spans[completion.proposal]?.end = steps
      }
    }
  }

  func recipients(of destination: Destination, from me: VoterID) -> [VoterID] {
    switch destination {
    case .peers: nodes.map(\.settings.voter).filter { $0 != me }
    case .voter(let voter): [voter]
    }
  }

  /// One ballot carries one value.
  mutating func note(_ message: Message) {
    guard message.kind == .accept else { return }
    if let earlier = proposals[message.ballot], earlier != message.state {
      violations.append("ballot \(message.ballot) carried two states")
    }
    proposals[message.ballot] = message.state
  }

  /// One step: something is delivered, persisted, crashed, or time passes.
  mutating func step() {
    steps += 1
    if draw(1000) < faults.crash { return crash(draw(nodes.count)) }
    let stores = nodes.indices.filter { !nodes[$0].pending.isEmpty }
    if !stores.isEmpty, draw(100) >= faults.slowStore || network.isEmpty {
      return persist(stores[draw(stores.count)])
    }
    if !network.isEmpty && draw(100) < 95 { return deliver(draw(network.count)) }
    now += 1 + UInt64(draw(8))
    for index in nodes.indices {
      nodes[index].machine.tick(to: Ticks(now))
      drain(index)
    }
  }

  mutating func deliver(_ place: Int) {
    let item = network[place]
    if draw(100) >= faults.duplication {
      network.swapAt(place, network.count - 1)
      network.removeLast()
    }
    if draw(100) < faults.loss { return }
    let index = nodes.firstIndex { $0.settings.voter == item.to }!
    var writer = ByteWriter()
    item.message.encode(into: &writer)
    var reader = ByteReader(writer.finish())
    let message = try! Message(from: &reader)
    if message != item.message || !reader.isAtEnd { violations.append("\(message) changed") }
    nodes[index].machine.receive(message, from: item.from)
    drain(index)
  }

  mutating func persist(_ index: Int) {
    let count = 1 + draw(nodes[index].pending.count)
    for (_, records) in nodes[index].pending.prefix(count) { nodes[index].durable += records }
    let batch = nodes[index].pending[count - 1].0
    nodes[index].pending.removeFirst(count)
    nodes[index].machine.persisted(through: batch)
    drain(index)
  }

  /// Forgets everything but what is durable, and by chance some of what was on its way there.
  mutating func crash(_ index: Int) {
    let survived = draw(nodes[index].pending.count + 1)
    for (_, records) in nodes[index].pending.prefix(survived) { nodes[index].durable += records }
    nodes[index].pending.removeAll()
    for (id, owner) in open where owner.node == index && owner.life == nodes[index].life {
      lost.insert(id)
    }
    for id in lost { open[id] = nil }
    nodes[index].life += 1
    nodes[index].machine = CounterMachine(nodes[index].settings)
    for record in nodes[index].durable { try! nodes[index].machine.restore(record) }
    nodes[index].machine.tick(to: Ticks(now))
    drain(index)
  }

  /// Lets everything open end, without faults. False where something did not.
  mutating func settle(steps: Int = 200_000) -> Bool {
    faults = Faults(slowStore: 20)
    for _ in 0..<steps {
      if open.isEmpty && nodes.allSatisfy({ $0.pending.isEmpty }) { return true }
      step()
    }
    return false
  }
}

extension RandomWorld {
  /// The version that a client was told of, and whether it is of its own write.
  func version(of completion: Completion<Counter>) -> (Version, wrote: Bool)? {
    switch completion.result {
    case .applied(_, let register): (register.version, writers.contains(completion.proposal))
    case .read(let register), .notApplied(.rejected(_, let register)): (register.version, false)
    case .notApplied, .unknown: nil
    }
  }

  /// Versions are the order in which a register was written. What ended before something began must
  /// not be told a newer version than that; two writes never share one.
  func orderViolations() -> [String] {
    var told: [(id: ProposalID, start: Int, end: Int, version: Version, wrote: Bool)] = []
    for (id, completion) in completions {
      guard let (version, wrote) = version(of: completion), let span = spans[id] else {
        continue
      }
      told.append((id, span.start, span.end, version, wrote))
    }
    told.sort { $0.start != $1.start ? $0.start < $1.start : $0.id.rawValue < $1.id.rawValue }
    var found: [String] = []
    for (index, later) in told.enumerated() {
      for earlier in told where earlier.end < later.start {
        if later.version < earlier.version {
          found.append("\(later.id) was told \(later.version), \(earlier.id) before it \(earlier.version)")
        }
        if later.wrote && later.version == earlier.version {
          found.append("\(later.id) wrote the version that \(earlier.id) had seen before it")
        }
      }
      for other in told[..<index] where other.wrote && later.wrote && other.version == later.version {
        found.append("\(later.id) and \(other.id) wrote one version")
      }
    }
    return found
  }
}
