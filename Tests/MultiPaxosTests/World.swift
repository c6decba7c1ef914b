import MultiPaxos
import Synod
import Testing

/// A few machines with their stores and a network, driven by hand or from a seed.
struct World {
  typealias M = CalculatorMachine

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
    /// A checkpoint that is being taken.
    var checkpoint: (records: [Record], cursor: M.Cursor?, from: PersistBatch)?
    var log: [(batch: PersistBatch, records: [Record])] = []
    var base: [Record] = []
    var effects: [Effect<Calculator>] = []
  }

  var nodes: [VoterID: Node] = [:]
  var network: [Parcel] = []
  var random: SplitMix
  var now: UInt64 = 1
  var loss: UInt64 = 0
  var duplication: UInt64 = 0
  /// What is lost as soon as it is sent.
  var isLost: (Parcel) -> Bool = { _ in false }
  /// What no message may be, for what a test holds back.
  var isHeldBack: (Parcel) -> Bool = { _ in false }
  var completions: [ProposalID: Outcome<Calculator>] = [:]
  /// What stands where, by all that was applied anywhere.
  var ledger: [UInt64: Calculator.Command] = [:]
  var checked: [VoterID: Int] = [:]
  /// The newest slot that anyone was told of, and what it was when a read was asked.
  var newest = Slot.none
  var floors: [ProposalID: Slot] = [:]
  var proposed: UInt64 = 0
  var problems: [String] = []

  init(_ all: [Settings], seed: UInt64 = 1) {
    random = SplitMix(seed: seed)
    for settings in all { add(settings) }
  }

  /// So many voters.
  init(
    _ voters: Int, window: UInt64 = 3, seed: UInt64 = 1, adjust: (inout Settings) -> Void = { _ in }
  ) {
    self.init(
      (1...UInt32(voters)).map {
        var settings = Settings.test($0, of: voters, seed: seed, window: window)
        adjust(&settings)
        return settings
      }, seed: seed)
  }

  mutating func add(_ settings: Settings) {
    nodes[settings.voter] = Node(settings: settings, machine: M(settings))
    turn(settings.voter)
  }

  var voters: [VoterID] { nodes.keys.sorted() }
  subscript(_ voter: UInt32) -> M { nodes[VoterID(voter)]!.machine }
  var leader: VoterID? {
    voters.filter { !nodes[$0]!.isDown && nodes[$0]!.machine.status.isLeading }
      .max { nodes[$0]!.machine.status.promised < nodes[$1]!.machine.status.promised }
  }

  mutating func draw(_ limit: Int) -> Int { Int(random.next() % UInt64(max(limit, 1))) }
  mutating func chance(_ percent: UInt64) -> Bool { random.next() % 100 < percent }

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
      if !ready.persist.isEmpty {
        nodes[voter]!.unsynced.append((ready.batch, ready.persist))
        nodes[voter]!.log.append((ready.batch, ready.persist))
      }
      for envelope in ready.messages { send(envelope, from: voter) }
      for completion in ready.completed { complete(completion) }
      nodes[voter]!.effects += ready.effects
    }
    check(voter)
  }

  private mutating func send(_ envelope: Envelope<Message>, from voter: VoterID) {
    switch envelope.to {
    case .peers:
      for other in voters where other != voter { send(envelope.message, from: voter, to: other) }
    case .voter(let other): send(envelope.message, from: voter, to: other)
    }
  }

  private mutating func send(_ message: Message, from voter: VoterID, to other: VoterID) {
    let parcel = Parcel(from: voter, to: other, message: message)
    if !isLost(parcel) { network.append(parcel) }
  }

  private mutating func complete(_ completion: Completion<Calculator>) {
    if completions[completion.proposal] != nil {
      problems.append("\(completion.proposal) ended twice")
    }
    completions[completion.proposal] = completion.result
    switch completion.result {
    case .applied(_, let slot), .passed(let slot): newest = max(newest, slot)
    case .answered(_, let slot):
      if let floor = floors[completion.proposal], slot < floor {
        problems.append("\(completion.proposal) read \(slot), and \(floor) was told of before")
      }
    case .membership, .lease, .transferred, .notApplied, .unknown: break
    }
  }

  /// Whatever a machine has applied, all have applied in that place.
  private mutating func check(_ voter: VoterID) {
    let history = nodes[voter]!.machine.app.history
    let from = checked[voter] ?? 0
    checked[voter] = history.count
    guard from < history.count else { return }
    for change in history[min(from, history.count)...] {
      if let known = ledger[change.position], known != change.command {
        problems.append(
          "@\(change.position) is \(known), and \(change.command) at \(voter)")
      }
      ledger[change.position] = change.command
    }
    if nodes[voter]!.machine.stopped == .machineStopped { problems.append("\(voter) stopped") }
  }

  // MARK: Clients

  @discardableResult
  mutating func propose(
    _ operation: MultiPaxos.Operation<Calculator>, at voter: UInt32, once: Once? = nil,
    deadline: UInt64? = nil, importance: Importance = .gain
  ) -> ProposalID {
    proposed += 1
    let id = ProposalID(proposed)
    let node = VoterID(voter)
    if case .query(_, let kind) = operation, kind != .stale { floors[id] = newest }
    let proposal = Proposal<Calculator>(
      operation, deadline: deadline.map { Ticks(now + $0) }, once: once, importance: importance)
    let time = Ticks(now)
    with(node) {
      $0.tick(to: time)
      $0.propose(proposal, as: id)
    }
    return id
  }

  @discardableResult
  mutating func add(_ number: Int32, at voter: UInt32) -> ProposalID {
    propose(.command(.add(number)), at: voter)
  }

  /// Proposes, and goes on until that has ended.
  mutating func end(
    _ operation: MultiPaxos.Operation<Calculator>, at voter: UInt32, ticks: UInt64 = 5000
  ) -> Outcome<Calculator>? {
    let id = propose(operation, at: voter)
    let until = now + ticks
    while completions[id] == nil && now < until { pass(5) }
    return completions[id]
  }

  // MARK: Time, network, disks

  /// Delivers what there is, and what follows from it; disks are quick.
  mutating func calm() {
    var steps = 0
    while steps < 20_000 {
      steps += 1
      for voter in voters { sync(voter) }
      guard let place = network.firstIndex(where: { !isHeldBack($0) }) else { return }
      deliver(network.remove(at: place))
    }
    problems.append("the network never calms down")
  }

  mutating func pass(_ ticks: UInt64) {
    now += ticks
    for voter in voters { turn(voter) }
    calm()
  }

  /// Until someone leads.
  mutating func elect() {
    for _ in 0..<400 where leader == nil { pass(10) }
    pass(60)
  }

  mutating func sync(_ voter: VoterID, through count: Int = .max) {
    guard let node = nodes[voter], !node.isDown, !node.unsynced.isEmpty else { return }
    let synced = node.unsynced.prefix(count)
    guard let last = synced.last else { return }
    nodes[voter]!.unsynced.removeFirst(synced.count)
    for batch in synced { nodes[voter]!.disk += batch.records }
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

  mutating func crash(_ voter: VoterID) {
    nodes[voter]!.isDown = true
    nodes[voter]!.unsynced.removeAll()
    nodes[voter]!.checkpoint = nil
  }

  /// Makes a machine anew from what its store holds, and so many of the batches in flight.
  mutating func restart(_ voter: VoterID, keeping survivors: Int = 0) {
    var node = nodes[voter]!
    for batch in node.unsynced.prefix(survivors) { node.disk += batch.records }
    node.unsynced.removeAll()
    node.machine = M(node.settings)
    node.isDown = false
    node.checkpoint = nil
    do {
      for record in node.disk { try node.machine.restore(record) }
    } catch {
      problems.append("\(voter) cannot be restored: \(error)")
    }
    node.base = node.disk
    node.log.removeAll()
    nodes[voter] = node
    checked[voter] = 0
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
  mutating func settle(_ open: [ProposalID]) {
    loss = 0
    duplication = 0
    network.removeAll { isHeldBack($0) }
    for _ in 0..<2000 where open.contains(where: { completions[$0] == nil }) { pass(10) }
    for _ in 0..<40 { pass(20) }
  }

  /// All nodes hold the same state.
  func expectAgreement(_ voters: [UInt32]? = nil) {
    let all = voters.map { $0.map { VoterID($0) } } ?? self.voters
    #expect(problems == [])
    for voter in all {
      #expect(nodes[voter]!.machine.app == nodes[all[0]]!.machine.app, "\(voter)")
      #expect(nodes[voter]!.machine.status.applied == nodes[all[0]]!.machine.status.applied)
    }
  }
}

extension Outcome<Calculator> {
  var number: Int64? {
    switch self {
    case .applied(.value(let value), _), .answered(let value, _): value
    default: nil
    }
  }
}
