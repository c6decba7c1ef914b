import Synod

@testable import CASPaxos

/// Machines that come and go, whose messages are delivered by hand: for traces of membership.
struct MembersWorld {
  struct Letter: Equatable {
    var from: VoterID
    var to: VoterID
    var message: Message
  }

  struct Node {
    var settings: Settings
    var machine: CounterMachine
    var durable: [Record] = []
    var isUp = true
    /// Its store acknowledges nothing meanwhile.
    var isStuck = false
    var pending: [(number: PersistBatch, records: [Record])] = []
    var effects: [Effect] = []
  }

  var nodes: [VoterID: Node] = [:]
  var letters: [Letter] = []
  var ended: [ProposalID: Outcome<Counter>] = [:]
  var now: UInt64 = 1
  private var proposed: UInt64 = 0
  private let initial: Configuration
  private let adjust: (inout Settings) -> Void

  init(
    _ voters: Int = 3, quorums: QuorumSystem? = nil,
    adjust: @escaping (inout Settings) -> Void = { _ in }
  ) {
    initial = Settings.test(1, of: voters, quorums: quorums).configuration
    self.adjust = adjust
    for voter in 1...UInt32(voters) { start(voter) }
    deliverAll()
  }

  /// A node on a blank store.
  mutating func start(_ voter: UInt32) {
    var settings = Settings.test(voter)
    settings.configuration = initial
    settings.piggybackAfter = nil
    adjust(&settings)
    nodes[VoterID(voter)] = Node(settings: settings, machine: CounterMachine(settings))
    tick(voter)
  }

  subscript(_ voter: UInt32) -> CounterMachine { nodes[VoterID(voter)]!.machine }

  private mutating func tick(_ voter: UInt32) {
    nodes[VoterID(voter)]!.machine.tick(to: Ticks(now))
    drain(VoterID(voter))
  }

  /// Lets time pass.
  mutating func pass(_ ticks: UInt64) {
    now += ticks
    for voter in nodes.keys.sorted() where nodes[voter]!.isUp { tick(voter.rawValue) }
  }

  @discardableResult
  mutating func propose(
    _ operation: CASPaxos.Operation<Counter>, key: Bytes = "k", at voter: UInt32,
    once: Once? = nil
  ) -> ProposalID {
    proposed += 1
    tick(voter)
    nodes[VoterID(voter)]!.machine.propose(
      Proposal(key: key, operation: operation, once: once), as: ProposalID(proposed))
    drain(VoterID(voter))
    return ProposalID(proposed)
  }

  mutating func receive(_ message: Message, at voter: UInt32, from sender: UInt32) {
    guard nodes[VoterID(voter)]?.isUp == true else { return }
    nodes[VoterID(voter)]!.machine.receive(message, from: VoterID(sender))
    drain(VoterID(voter))
  }

  mutating func cancel(_ id: ProposalID, at voter: UInt32) {
    nodes[VoterID(voter)]!.machine.cancel(id)
    drain(VoterID(voter))
  }

  /// A watcher has what it was told of.
  mutating func finish(_ effect: EffectID, at voter: UInt32) {
    nodes[VoterID(voter)]!.machine.finished(effect)
    drain(VoterID(voter))
  }

  /// Delivers what matches, and what follows from it, until nothing is left of it.
  mutating func deliverAll(where matches: (Letter) -> Bool = { _ in true }) {
    for _ in 0..<100_000 {
      guard let place = letters.firstIndex(where: matches) else { return }
      let letter = letters.remove(at: place)
      receive(letter.message, at: letter.to.rawValue, from: letter.from.rawValue)
    }
    fatalError("it does not come to rest")
  }

  /// Delivers among these alone.
  mutating func deliver(among voters: UInt32...) {
    let some = voters.map { VoterID($0) }
    deliverAll { some.contains($0.from) && some.contains($0.to) }
  }

  /// Lets time pass and everything be delivered, among these or all.
  mutating func run(_ ticks: UInt64, step: UInt64 = 10, among voters: [UInt32]? = nil) {
    let some = voters?.map { VoterID($0) }
    for _ in 0..<(ticks / step) {
      pass(step)
      deliverAll { letter in
        some.map { $0.contains(letter.from) && $0.contains(letter.to) } ?? true
      }
    }
  }

  mutating func lose(where matches: (Letter) -> Bool = { _ in true }) {
    letters.removeAll(where: matches)
  }

  mutating func stop(_ voter: UInt32) { nodes[VoterID(voter)]!.isUp = false }

  /// Begins a new life with what is durable.
  mutating func restart(_ voter: UInt32, forgetting isWiped: Bool = false) throws {
    var node = nodes[VoterID(voter)]!
    node.machine = CounterMachine(node.settings)
    node.pending = []
    node.isUp = true
    if isWiped { node.durable = [] }
    for record in node.durable { try node.machine.restore(record) }
    nodes[VoterID(voter)] = node
    tick(voter)
  }

  mutating func setStuck(_ isStuck: Bool, _ voter: UInt32) {
    nodes[VoterID(voter)]!.isStuck = isStuck
    drain(VoterID(voter))
  }

  private mutating func drain(_ voter: VoterID) {
    guard var node = nodes[voter] else { return }
    var ready = Ready<CounterMachine>()
    while true {
      while node.machine.hasReady {
        node.machine.drain(into: &ready)
        if !ready.persist.isEmpty { node.pending.append((ready.batch, ready.persist)) }
        node.effects += ready.effects
        for completion in ready.completed { ended[completion.proposal] = completion.result }
        for envelope in ready.messages {
          switch envelope.to {
          case .voter(let other): post(envelope.message, to: other, from: voter)
          case .peers:
            for other in node.machine.configuration.voters where other != voter {
              post(envelope.message, to: other, from: voter)
            }
          }
        }
      }
      guard !node.isStuck, let last = node.pending.last?.number else { break }
      for batch in node.pending { node.durable += batch.records }
      node.pending = []
      node.machine.persisted(through: last)
    }
    nodes[voter] = node
  }

  private mutating func post(_ message: Message, to other: VoterID, from voter: VoterID) {
    var writer = ByteWriter()
    message.encode(into: &writer)
    var reader = ByteReader(writer.finish())
    letters.append(Letter(from: voter, to: other, message: try! Message(from: &reader)))
  }

  /// What a proposal ended with, everything delivered.
  mutating func result(
    _ operation: CASPaxos.Operation<Counter>, key: Bytes = "k", at voter: UInt32,
    once: Once? = nil
  ) -> Outcome<Counter>? {
    let id = propose(operation, key: key, at: voter, once: once)
    for _ in 0..<200 where ended[id] == nil { run(10) }
    return ended[id]
  }

  /// The number that a read at this node sees.
  mutating func number(_ key: Bytes = "k", at voter: UInt32) -> Int? {
    guard case .read(let register)? = result(.read, key: key, at: voter) else { return nil }
    return register.number
  }
}
