import CASPaxos
import CASPaxosSimulation
import Synod
import SynodSimulation

/// A few machines that a subject watches, moved by a random driver: enough to see that the subject
/// agrees with machines that are right, and to tamper with what it is shown.
struct SmallWorld<Workload: RegisterWorkload> {
  typealias Subject = RegisterSubject<Workload>
  typealias Machine = Subject.Machine

  struct Node {
    var machine: Machine
    var durable: [Record] = []
    var pending: [(number: PersistBatch, records: [Record])] = []
    var open: Set<UInt64> = []
  }

  /// What the subject is shown instead of what happened; nil hides it.
  var tamper: (Envelope<Message>, VoterID) -> Envelope<Message>? = { envelope, _ in envelope }

  /// What the network loses of itself.
  var loses: (Message) -> Bool = { _ in false }

  var subject: Subject
  var nodes: [Node] = []
  var network: [(from: Int, to: Int, message: Message)] = []
  var now: UInt64 = 1
  var random: SplitMix
  var violation: String?
  private var asked: UInt64 = 0
  private var moment: UInt64 = 0

  init(_ plan: RunPlan) {
    // Nobody joins this small world.
    var plan = plan
    plan.spares = 0
    plan.memberPercent = 0
    random = SplitMix(seed: plan.seed)
    subject = Subject(plan, random: &random)
    for voter in 1...UInt32(plan.voters) {
      nodes.append(Node(machine: Machine(subject.settings(of: VoterID(voter)))))
      note(subject.recovered(nodes[Int(voter) - 1].machine, as: VoterID(voter)))
    }
  }

  mutating func note(_ wrong: String?) {
    if violation == nil { violation = wrong }
  }

  private mutating func draw(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }

  /// Proposes at random, delivers, loses, repeats, persists and crashes until all was asked; then lets
  /// everything end.
  mutating func run(operations: Int, loss: Int = 5, crashes: Int = 3) {
    while violation == nil && asked < operations {
      switch draw(1000) {
      case ..<100: propose(at: draw(nodes.count))
      case ..<(100 + crashes): crash(draw(nodes.count))
      case ..<400: persist(draw(nodes.count))
      case ..<900: deliver(loss: loss)
      default: tick()
      }
    }
    settle()
    for proposal in subject.closing() where violation == nil {
      propose(proposal, at: draw(nodes.count))
    }
    settle()
    guard violation == nil else { return }
    for node in nodes where !node.open.isEmpty { note("proposals \(node.open) do not end") }
    switch subject.verdict(budget: 1_000_000) {
    case .good: break
    case .violation(let what): note(what)
    case .unknown(let what): note("undecided: \(what)")
    }
  }

  mutating func settle() {
    for _ in 0..<4000 where violation == nil {
      while !network.isEmpty && violation == nil { deliver(loss: 0) }
      for node in nodes.indices { persist(node) }
      tick()
      if network.isEmpty && nodes.allSatisfy(\.open.isEmpty) { return }
    }
  }

  mutating func propose(at node: Int) {
    let proposal = subject.proposal(of: node, at: Ticks(now), random: &random)
    propose(proposal, at: node)
    if draw(20) == 0 {
      nodes[node].machine.cancel(ProposalID(asked))
      drain(node)
    }
  }

  mutating func propose(_ proposal: Subject.Machine.Proposal, at node: Int) {
    asked += 1
    moment += 1
    let id = ProposalID(asked)
    subject.invoked(proposal, as: id, of: node, at: VoterID(UInt32(node + 1)), moment: moment)
    nodes[node].open.insert(asked)
    nodes[node].machine.propose(proposal, as: id)
    drain(node)
  }

  /// What a client is told whom no machine heard.
  mutating func answer(
    _ operation: CASPaxos.Operation<Workload.C>, of key: Bytes, at node: Int,
    with outcome: Outcome<Workload.C>, after body: (inout Self) -> Void
  ) {
    asked += 1
    moment += 1
    let (id, voter) = (ProposalID(asked), VoterID(UInt32(node + 1)))
    let proposal = Proposal(key: key, operation: operation)
    subject.invoked(proposal, as: id, of: 100, at: voter, moment: moment)
    body(&self)
    moment += 1
    note(subject.ended(Completion(proposal: id, result: outcome), at: voter, moment: moment))
  }

  private mutating func tick() {
    now += UInt64(1 + draw(5))
    for node in nodes.indices {
      nodes[node].machine.tick(to: Ticks(now))
      drain(node)
    }
  }

  private mutating func persist(_ node: Int) {
    guard !nodes[node].pending.isEmpty else { return }
    let count = 1 + draw(nodes[node].pending.count)
    let batch = nodes[node].pending[count - 1].number
    for _ in 0..<count {
      let records = nodes[node].pending.removeFirst().records
      nodes[node].durable += records
      note(subject.persisted(records, by: VoterID(UInt32(node + 1))))
    }
    nodes[node].machine.persisted(through: batch)
    drain(node)
  }

  private mutating func deliver(loss: Int) {
    guard !network.isEmpty else { return }
    let place = draw(min(network.count, 12))
    let (from, to, message) = network[place]
    if draw(100) >= loss { network.remove(at: place) }
    if draw(100) < loss || loses(message) { return }
    nodes[to].machine.receive(message, from: VoterID(UInt32(from + 1)))
    drain(to)
  }

  mutating func crash(_ node: Int) {
    let voter = VoterID(UInt32(node + 1))
    let kept = draw(nodes[node].pending.count + 1)
    for batch in nodes[node].pending.prefix(kept) { nodes[node].durable += batch.records }
    nodes[node].pending = []
    for id in nodes[node].open.sorted() { subject.lost(ProposalID(id)) }
    nodes[node].open = []
    nodes[node].machine = Machine(subject.settings(of: voter))
    for record in nodes[node].durable {
      do { try nodes[node].machine.restore(record) } catch { note("\(error)") }
    }
    note(subject.recovered(nodes[node].machine, as: voter))
    nodes[node].machine.tick(to: Ticks(now))
    drain(node)
  }

  private mutating func drain(_ node: Int) {
    let voter = VoterID(UInt32(node + 1))
    var ready = Ready<Machine>()
    while nodes[node].machine.hasReady {
      nodes[node].machine.drain(into: &ready)
      for envelope in ready.messages {
        if let shown = tamper(envelope, voter) { note(subject.sent(shown, by: voter)) }
        send(envelope, from: node)
      }
      if !ready.persist.isEmpty {
        nodes[node].pending.append((ready.batch, ready.persist))
        subject.appended(ready.persist, by: voter)
      }
      for completion in ready.completed {
        moment += 1
        nodes[node].open.remove(completion.proposal.rawValue)
        note(subject.ended(completion, at: voter, moment: moment))
      }
    }
    note(subject.inspect(nodes[node].machine, of: voter))
  }

  private mutating func send(_ envelope: Envelope<Message>, from node: Int) {
    switch envelope.to {
    case .peers:
      for other in nodes.indices where other != node {
        network.append((node, other, envelope.message))
      }
    case .voter(let voter):
      network.append((node, Int(voter.rawValue) - 1, envelope.message))
    }
  }
}
