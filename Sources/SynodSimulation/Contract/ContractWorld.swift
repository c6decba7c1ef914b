internal import Synod

/// What goes wrong in the suite's cluster, and how often.
struct ContractFaults {
  /// Of a hundred deliveries.
  var loss = 0
  var duplication = 0
  /// Of a thousand steps.
  var crash = 0
  var cancel = 0
  /// Of a hundred acknowledgements.
  var lostAcknowledgement = 0
  /// Of a hundred steps with both something to deliver and something to acknowledge, how often the
  /// store waits.
  var slowStore = 50
  /// Of a hundred steps.
  var proposals = 15
  var pieces = 0
}

/// A cluster of machines with a network, stores and clients, driven from one seed. A value: a copy is
/// a fork of the run.
struct ContractWorld<Witness: ContractWitness> {
  typealias Machine = Witness.Machine

  struct Parcel {
    var id: UInt64
    var from: VoterID
    var to: VoterID
    var message: Machine.Message
  }

  /// A part of one Ready that is handled on its own.
  enum Part {
    case batch(node: Int, PersistBatch)
    case parcel(UInt64)
  }

  var witness: Witness
  var nodes: [ContractNode<Machine>]
  var network: [Parcel] = []
  var effects: [(node: Int, life: Int, id: EffectID)] = []
  var random: SplitMix
  var faults: ContractFaults
  var now: UInt64 = 1
  /// Steps of this run, without those of forks.
  var steps = 0
  /// Open proposals, in the order in which they were made.
  var open: [(id: ProposalID, node: Int)] = []
  var completions: [ProposalID: Machine.Completion] = [:]
  var lost: Set<ProposalID> = []
  var violations: [String] = []
  var hash = RunHash()
  var report = ContractReport()
  /// Proposals that steps may still make, and their number so far.
  var toPropose: Int
  var proposed: UInt64 = 0
  var parcels: UInt64 = 0
  /// The parts of the last Ready that had any, and the nodes whose stores the last step touched.
  var lastParts: [Part] = []
  var touched: Set<Int> = []

  init(_ witness: Witness, seed: UInt64, faults: ContractFaults, proposals: Int) {
    self.witness = witness
    self.faults = faults
    random = SplitMix(seed: seed)
    toPropose = proposals
    nodes = witness.voters.map {
      ContractNode(voter: $0, settings: witness.settings(of: $0))
    }
    for index in nodes.indices { turn(index) }
  }

  mutating func draw(_ limit: Int) -> Int { Int(random.next() % UInt64(max(limit, 1))) }
  mutating func chance(_ percent: Int) -> Bool { percent > 0 && draw(100) < percent }

  mutating func violate(_ what: String) { violations.append(what) }

  func index(of voter: VoterID) -> Int? { nodes.firstIndex { $0.voter == voter } }

  /// Gives a node the time, then takes what it has ready.
  mutating func turn(_ index: Int) {
    nodes[index].machine.tick(to: Ticks(now))
    drain(index)
  }

  mutating func propose(_ proposal: Machine.Proposal, at index: Int) -> ProposalID {
    proposed += 1
    let id = ProposalID(proposed)
    open.append((id, index))
    witness.proposed(proposal, as: id)
    nodes[index].machine.tick(to: Ticks(now))
    nodes[index].machine.propose(proposal, as: id)
    drain(index)
    return id
  }

  /// Takes everything that a machine has ready.
  mutating func drain(_ index: Int) {
    var ready = Ready<Machine>()
    while nodes[index].machine.hasReady {
      nodes[index].machine.drain(into: &ready)
      if ready.isEmpty { return violate("a machine that had something ready gave nothing") }
      note(ready, of: index)
      lastParts.removeAll()
      // Judged by what is durable now: nothing of this Ready is.
      for envelope in ready.messages { send(envelope, from: index) }
      for completion in ready.completed { complete(completion, at: index) }
      for effect in ready.effects { begin(effect, at: index) }
      if !ready.persist.isEmpty { append(ready.persist, as: ready.batch, at: index) }
    }
  }

  private mutating func note(_ ready: Ready<Machine>, of index: Int) {
    report.readies += 1
    hash.add(UInt64(index))
    if !ready.persist.isEmpty { hash.add(ready.batch.rawValue) }
    for record in ready.persist { hash.add(encoded: record) }
    for envelope in ready.messages {
      switch envelope.to {
      case .peers: hash.add(UInt64.max)
      case .voter(let voter): hash.add(UInt64(voter.rawValue))
      }
      hash.add(encoded: envelope.message)
    }
    for completion in ready.completed { hash.add(witness.describe(completion)) }
  }

  private mutating func append(
    _ records: [Machine.Record], as number: PersistBatch, at index: Int
  ) {
    if number <= nodes[index].issued {
      violate("batch \(number) after batch \(nodes[index].issued): numbers must rise")
    }
    nodes[index].log.append(.init(number: number, records: records))
    touched.insert(index)
    report.batches += 1
    report.mostInFlight = max(report.mostInFlight, nodes[index].inFlight.count)
    lastParts.append(.batch(node: index, number))
  }

  private mutating func send(_ envelope: Envelope<Machine.Message>, from index: Int) {
    let me = nodes[index].voter
    judge(.message(envelope), of: index)
    let recipients: [VoterID]
    switch envelope.to {
    case .peers: recipients = nodes.map(\.voter).filter { $0 != me }
    case .voter(let voter): recipients = [voter]
    }
    for voter in recipients {
      parcels += 1
      network.append(Parcel(id: parcels, from: me, to: voter, message: envelope.message))
      lastParts.append(.parcel(parcels))
    }
    report.messages += 1
  }

  private mutating func complete(_ completion: Machine.Completion, at index: Int) {
    let id = completion.proposal
    guard let place = open.firstIndex(where: { $0.id == id && $0.node == index }) else {
      return violate("\(id) ended at \(nodes[index].voter), where it was not open")
    }
    open.remove(at: place)
    completions[id] = completion
    report.completions += 1
    judge(.completion(completion), of: index)
  }

  private mutating func begin(_ effect: Machine.Effect, at index: Int) {
    judge(.effect(effect), of: index)
    if let id = witness.identity(of: effect) { effects.append((index, nodes[index].life, id)) }
  }

  /// Whether what leaves now contradicts nothing, and is borne out by what is durable now.
  private mutating func judge(_ output: ContractOutput<Machine>, of index: Int) {
    let node = nodes[index]
    nodes[index].letOut.append(output)
    if let what = witness.contradiction(of: output, by: node.voter, life: node.life) {
      violate("voter \(node.voter) let out \(output): \(what)")
    }
    if let what = unaccounted(output, of: index) {
      violate("voter \(node.voter) let out \(output) before it was durable: \(what)")
    }
  }

  func unaccounted(_ output: ContractOutput<Machine>, of index: Int) -> String? {
    witness.unaccounted(output, by: nodes[index].voter) { voter in
      guard let place = self.index(of: voter) else {
        preconditionFailure("the witness asks for a voter that it did not name")
      }
      return nodes[place].rebuilt
    }
  }
}
