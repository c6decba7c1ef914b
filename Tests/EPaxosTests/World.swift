import EPaxos
import Synod
import Testing

/// A few machines with their stores and a network, driven by hand or from a seed.
struct World {
  typealias M = ShelfMachine

  struct Parcel {
    var from: VoterID
    var to: VoterID
    var message: Message
  }

  struct Node {
    var settings: Settings
    var machine: M
    /// Durable, and told to be.
    var disk: [Record] = []
    /// Handed out, not told to be durable.
    var unsynced: [(batch: PersistBatch, records: [Record])] = []
    var isDown = false
    /// Nothing is delivered to it or from it.
    var isCutOff = false
    var effects: [Effect<Shelf>] = []
  }

  var nodes: [VoterID: Node] = [:]
  var network: [Parcel] = []
  var random: SplitMix
  var now: UInt64 = 1
  var loss: UInt64 = 0
  var duplication: UInt64 = 0
  /// What no message may be, for what a test holds back.
  var isHeldBack: (Parcel) -> Bool = { _ in false }
  var completions: [ProposalID: Outcome<Shelf>] = [:]
  /// What was decided, by all that was committed anywhere, durably.
  var ledger: [InstanceID: Value] = [:]
  var proposed: UInt64 = 0
  var problems: [String] = []
  /// All messages that were delivered, by kind and way, where a test wants them.
  var trace: [String] = []

  init(_ voters: Int, seed: UInt64 = 1, adjust: (inout Settings) -> Void = { _ in }) {
    random = SplitMix(seed: seed)
    for voter in 1...UInt32(voters) {
      var settings = Settings.test(voter, of: voters, seed: seed)
      adjust(&settings)
      nodes[VoterID(voter)] = Node(settings: settings, machine: M(settings))
    }
    for voter in self.voters { turn(voter) }
    calm()
  }

  var voters: [VoterID] { nodes.keys.sorted() }
  subscript(_ voter: UInt32) -> M { nodes[VoterID(voter)]!.machine }

  mutating func draw(_ limit: Int) -> Int { Int(random.next() % UInt64(max(limit, 1))) }
  mutating func chance(_ percent: UInt64) -> Bool { random.next() % 100 < percent }

  /// The newest that any node knows of.
  var membership: Membership {
    nodes.values.map(\.machine.membership).max { $0.revision < $1.revision }!
  }

  /// A node with an empty store, which joins; it asks the voters for the state, or whoever is named.
  mutating func join(_ voter: UInt32, asking others: Configuration? = nil) {
    var settings = nodes[voters[0]]!.settings
    settings.voter = VoterID(voter)
    settings.configuration = others ?? membership.configuration
    settings.mode = .join
    nodes[VoterID(voter)] = Node(settings: settings, machine: M(settings))
    turn(VoterID(voter))
  }

  // MARK: Machines

  /// Changes a machine, then takes what it has ready.
  mutating func with(_ voter: VoterID, _ body: (inout M) -> Void) {
    guard nodes[voter]?.isDown == false else { return }
    body(&nodes[voter]!.machine)
    take(voter)
  }

  mutating func turn(_ voter: VoterID) {
    let time = Ticks(now)
    with(voter) { $0.tick(to: time) }
  }

  private mutating func take(_ voter: VoterID) {
    var ready = Ready<M>()
    while nodes[voter]?.machine.hasReady == true {
      nodes[voter]!.machine.drain(into: &ready)
      if !ready.persist.isEmpty { nodes[voter]!.unsynced.append((ready.batch, ready.persist)) }
      for envelope in ready.messages { send(envelope, from: voter) }
      for completion in ready.completed {
        if completions[completion.proposal] != nil {
          problems.append("\(completion.proposal) ended twice")
        }
        completions[completion.proposal] = completion.result
      }
      nodes[voter]!.effects += ready.effects
    }
    if nodes[voter]!.machine.stopped == .machineStopped { problems.append("\(voter) stopped") }
  }

  /// Agreement.
  private mutating func check(_ id: InstanceID, at voter: VoterID) {
    guard let instance = nodes[voter]!.machine.instance(id), let cmd = instance.cmd else { return }
    let value = Value(cmd, instance.dep)
    if let known = ledger[id], known != value {
      problems.append("\(id) is \(known) and, at \(voter), \(value)")
    }
    ledger[id] = value
  }

  private mutating func send(_ envelope: Envelope<Message>, from voter: VoterID) {
    switch envelope.to {
    case .peers:
      for other in voters where other != voter {
        network.append(Parcel(from: voter, to: other, message: envelope.message))
      }
    case .voter(let other):
      network.append(Parcel(from: voter, to: other, message: envelope.message))
    }
  }

  // MARK: Clients

  @discardableResult
  mutating func propose(
    _ operation: EPaxos.Operation<Shelf>, at voter: UInt32, once: Once? = nil,
    deadline: UInt64? = nil
  ) -> ProposalID {
    proposed += 1
    let id = ProposalID(proposed)
    let proposal = Proposal<Shelf>(
      operation, deadline: deadline.map { Ticks(now + $0) }, once: once)
    let time = Ticks(now)
    with(VoterID(voter)) {
      $0.tick(to: time)
      $0.propose(proposal, as: id)
    }
    return id
  }

  @discardableResult
  mutating func add(_ number: Int32, to keys: [UInt8] = [0], at voter: UInt32) -> ProposalID {
    propose(.command(.add(number, keys)), at: voter)
  }

  // MARK: Time, network, disks

  /// Delivers what there is, and what follows from it; disks are quick.
  mutating func calm() {
    var steps = 0
    while steps < 50_000 {
      steps += 1
      for voter in voters { sync(voter) }
      if let place = network.firstIndex(where: { !isHeldBack($0) }) {
        deliver(network.remove(at: place))
      } else if nodes.values.allSatisfy({ $0.isDown || $0.unsynced.isEmpty }) {
        return
      }
    }
    problems.append("the network never calms down")
  }

  mutating func pass(_ ticks: UInt64) {
    now += ticks
    for voter in voters { turn(voter) }
    calm()
  }

  mutating func sync(_ voter: VoterID, through count: Int = .max) {
    guard let node = nodes[voter], !node.isDown, !node.unsynced.isEmpty else { return }
    let synced = node.unsynced.prefix(count)
    guard let last = synced.last else { return }
    nodes[voter]!.unsynced.removeFirst(synced.count)
    for batch in synced {
      nodes[voter]!.disk += batch.records
      for record in batch.records {
        if case .committed(let id, _, _) = record { check(id, at: voter) }
      }
    }
    with(voter) { $0.persisted(through: last.batch) }
  }

  mutating func deliver(_ parcel: Parcel) {
    guard let node = nodes[parcel.to], !node.isDown, !node.isCutOff,
      nodes[parcel.from]?.isCutOff != true
    else { return }
    let time = Ticks(now)
    with(parcel.to) {
      $0.tick(to: time)
      $0.receive(parcel.message, from: parcel.from)
    }
  }

  /// Delivers the first message that is under way from one to another and fits.
  @discardableResult
  mutating func deliver(
    from: UInt32, to: UInt32, keeping: Bool = false, where fits: (Message) -> Bool = { _ in true }
  ) -> Bool {
    let place = network.firstIndex {
      $0.from == VoterID(from) && $0.to == VoterID(to) && fits($0.message)
    }
    guard let place else { return false }
    let parcel = network[place]
    if !keeping { network.remove(at: place) }
    deliver(parcel)
    return true
  }

  mutating func crash(_ voter: UInt32) {
    nodes[VoterID(voter)]!.isDown = true
    nodes[VoterID(voter)]!.unsynced.removeAll()
    network.removeAll { $0.from == VoterID(voter) }
  }

  /// Makes a machine anew from what its store holds, and so many of the batches in flight.
  mutating func restart(_ voter: VoterID, keeping survivors: Int = 0) {
    var node = nodes[voter]!
    for batch in node.unsynced.prefix(survivors) { node.disk += batch.records }
    node.unsynced.removeAll()
    node.machine = M(node.settings)
    node.isDown = false
    do {
      for record in node.disk { try node.machine.restore(record) }
    } catch {
      problems.append("\(voter) cannot be restored: \(error)")
    }
    nodes[voter] = node
    turn(voter)
  }

  /// Restates a machine into its store, as a checkpoint does.
  mutating func compact(_ voter: VoterID) {
    var records: [Record] = []
    var cursor: M.Cursor?
    repeat {
      cursor = nodes[voter]!.machine.restate(after: cursor, limit: 64, into: &records)
    } while cursor != nil
    nodes[voter]!.disk = records
  }

  // MARK: Chaos

  /// One thing happens.
  mutating func step(crash: UInt64 = 0) {
    if crash > 0, random.next() % 1000 < crash {
      let voter = voters[draw(voters.count)]
      // Who is down lost its store.
      if nodes[voter]!.isDown { return }
      if chance(30), nodes[voter]!.unsynced.isEmpty { compact(voter) }
      restart(voter, keeping: draw(nodes[voter]!.unsynced.count + 1))
      return
    }
    if chance(8) {
      now += 1 + random.next() % 12
      for voter in voters { turn(voter) }
      return
    }
    let busy = voters.filter { !nodes[$0]!.unsynced.isEmpty }
    if !busy.isEmpty, network.isEmpty || chance(50) {
      let voter = busy[draw(busy.count)]
      return sync(voter, through: 1 + draw(nodes[voter]!.unsynced.count))
    }
    guard !network.isEmpty else {
      now += 5
      for voter in voters { turn(voter) }
      return
    }
    let place = draw(network.count)
    let parcel = network[place]
    if !chance(duplication) {
      network.swapAt(place, network.count - 1)
      network.removeLast()
    }
    if chance(loss) { return }
    deliver(parcel)
  }

  /// Lets everything end without faults.
  mutating func settle(_ ticks: UInt64 = 3000) {
    loss = 0
    duplication = 0
    isHeldBack = { _ in false }
    let until = now + ticks
    while now < until { pass(20) }
  }

  /// Visibility, and equal states.
  func expectAgreement(_ voters: [UInt32]? = nil) {
    let all = voters.map { $0.map { VoterID($0) } } ?? self.voters
    #expect(problems == [])
    for (a, x) in ledger where !x.batch.isNop {
      for (b, y) in ledger
      where a < b && a.row.epoch == b.row.epoch && !y.batch.isNop && x.interferes(with: y) {
        #expect(x.dep.contains(b) || y.dep.contains(a), "\(a) \(x.dep) and \(b) \(y.dep)")
      }
    }
    for voter in all {
      #expect(nodes[voter]!.machine.app == nodes[all[0]]!.machine.app, "\(voter)")
      #expect(
        nodes[voter]!.machine.status.executedThrough
          == nodes[all[0]]!.machine.status.executedThrough, "\(voter)")
      #expect(
        nodes[voter]!.machine.status.executedThrough == nodes[voter]!.machine.status.seen,
        "\(voter)")
    }
  }
}

extension Value {
  /// By what their commands touch.
  func interferes(with other: Value) -> Bool {
    footprint.map { mine in other.footprint.map { mine.interferes(with: $0) } ?? true } ?? true
  }

  private var footprint: Footprint? {
    var all: [Footprint] = []
    for entry in batch.entries {
      var reader = ByteReader(entry.payload)
      switch entry.kind {
      case .command:
        guard let command = try? Shelf.Command(from: &reader) else { return nil }
        all.append(command.footprint)
      case .read:
        guard let footprint = try? Footprint(from: &reader) else { return nil }
        all.append(footprint)
      case .barrier, .membership: return nil
      }
    }
    return .union(all)
  }
}

extension Outcome<Shelf> {
  var number: Int64? {
    switch self {
    case .applied(let number, _): number.value
    case .answered(let reading): reading.number
    default: nil
    }
  }
}
