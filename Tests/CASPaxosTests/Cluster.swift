import Synod

@testable import CASPaxos

/// A whole cluster in which everything that is sent arrives at once, in order, but for what a test
/// lets get lost. Voters and nodes are numbered from 1.
struct Cluster<C: Change> {
  struct Parcel {
    var from: UInt32
    var to: UInt32
    var message: Message

    func isBetween(_ voters: UInt32...) -> Bool { voters.contains(from) && voters.contains(to) }
  }

  private struct Node {
    let settings: Settings
    var machine: Machine<C>
    var durable: [Record] = []
    var pending: [(number: PersistBatch, records: [Record])] = []
  }

  /// What is not lost.
  var arrives: (Parcel) -> Bool = { _ in true }
  /// Nodes whose stores acknowledge nothing for now.
  var stalled: Set<UInt32> = []
  /// All that was ever sent, lost or not, in its order.
  private(set) var sent: [Parcel] = []
  private(set) var outcomes: [ProposalID: Outcome<C>] = [:]
  private(set) var now: UInt64 = 1
  private var nodes: [Node]
  private var network: [Parcel] = []
  private var proposed: UInt64 = 0

  init(of voters: Int = 3, adjust: (inout Settings) -> Void = { _ in }) {
    nodes = (1...UInt32(voters)).map { voter in
      var settings = Settings.test(voter, of: voters)
      settings.piggybackAfter = nil
      adjust(&settings)
      return Node(settings: settings, machine: Machine(settings))
    }
    wait(0)
  }

  /// The requests that a node has sent, each once.
  func requests(of node: UInt32, _ kind: Message.Kind) -> [Message] {
    var requests: [Message] = []
    for parcel in sent where parcel.from == node && parcel.message.kind == kind {
      if !requests.contains(parcel.message) { requests.append(parcel.message) }
    }
    return requests
  }

  /// Proposes, and lets happen what comes of it.
  @discardableResult
  mutating func propose(
    _ operation: CASPaxos.Operation<C>, at node: UInt32, key: Bytes = "k", once: Once? = nil
  ) -> ProposalID {
    proposed += 1
    let id = ProposalID(proposed)
    nodes[Int(node) - 1].machine.propose(
      Proposal(key: key, operation: operation, once: once), as: id)
    run()
    return id
  }

  /// As `propose`, with time passing until it has ended. Nil where it does not end.
  mutating func decide(
    _ operation: CASPaxos.Operation<C>, at node: UInt32, key: Bytes = "k", once: Once? = nil
  ) -> Outcome<C>? {
    let id = propose(operation, at: node, key: key, once: once)
    for _ in 0..<100 where outcomes[id] == nil { wait(10) }
    return outcomes[id]
  }

  /// The state that a read at a node gives.
  mutating func read(at node: UInt32, key: Bytes = "k") -> Register? {
    guard case .read(let register)? = decide(.read, at: node, key: key) else { return nil }
    return register
  }

  mutating func cancel(_ id: ProposalID, at node: UInt32) {
    nodes[Int(node) - 1].machine.cancel(id)
    run()
  }

  /// Lets time pass.
  mutating func wait(_ ticks: UInt64) {
    now += ticks
    for node in nodes.indices { nodes[node].machine.tick(to: Ticks(now)) }
    run()
  }

  /// Forgets all that is not durable, and begins anew with what is.
  mutating func restart(_ node: UInt32) throws {
    let place = Int(node) - 1
    nodes[place].pending = []
    nodes[place].machine = Machine(nodes[place].settings)
    for record in nodes[place].durable { try nodes[place].machine.restore(record) }
    nodes[place].machine.tick(to: Ticks(now))
    run()
  }

  private mutating func run() {
    repeat {
      for node in nodes.indices {
        drain(node)
        if !stalled.contains(UInt32(node + 1)) { persist(node) }
      }
      let parcels = network
      network = []
      for parcel in parcels where arrives(parcel) {
        nodes[Int(parcel.to) - 1].machine.receive(parcel.message, from: VoterID(parcel.from))
      }
    } while nodes.contains { $0.machine.hasReady } || !network.isEmpty
  }

  private mutating func persist(_ node: Int) {
    for batch in nodes[node].pending {
      nodes[node].durable += batch.records
      nodes[node].machine.persisted(through: batch.number)
    }
    nodes[node].pending = []
  }

  private mutating func drain(_ node: Int) {
    var ready = Ready<Machine<C>>()
    while nodes[node].machine.hasReady {
      nodes[node].machine.drain(into: &ready)
      if !ready.persist.isEmpty { nodes[node].pending.append((ready.batch, ready.persist)) }
      for envelope in ready.messages { send(envelope, from: node) }
      for completion in ready.completed { outcomes[completion.proposal] = completion.result }
    }
  }

  private mutating func send(_ envelope: Envelope<Message>, from node: Int) {
    let from = UInt32(node + 1)
    let receivers: [UInt32] =
      switch envelope.to {
      case .peers: nodes.indices.map { UInt32($0 + 1) }.filter { $0 != from }
      case .voter(let voter): [voter.rawValue]
      }
    for to in receivers {
      let parcel = Parcel(from: from, to: to, message: envelope.message)
      sent.append(parcel)
      network.append(parcel)
    }
  }
}
