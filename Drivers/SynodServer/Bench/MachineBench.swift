import Synod

/// The machines of one cluster in one thread, without disks and without a network: what the protocol
/// itself costs. Every record is durable at once, every message takes one tick.
struct MachineBench<Machine: ConsensusMachine> {
  /// What a run came to.
  struct Result {
    var commands = 0
    var messages = 0
    var records = 0
    var microseconds: UInt64 = 0
  }

  private var machines: [Machine]
  private let propose: (_ node: Int, _ number: UInt64) -> Machine.Proposal
  private let isDone: (Machine.Completion) -> Bool
  /// By node and sender.
  private var inboxes: [[[Machine.Message]]]
  private var waiting: [Int]
  private var ready = Ready<Machine>()
  private var now: UInt64 = 0
  private var number: UInt64 = 0
  private var result = Result()

  /// - Parameters:
  ///   - machines: of the voters 1, 2 and so on.
  ///   - propose: the command with a number, through a node.
  ///   - isDone: whether a proposal was carried out; else it is made anew.
  init(
    _ machines: [Machine], propose: @escaping (_ node: Int, _ number: UInt64) -> Machine.Proposal,
    isDone: @escaping (Machine.Completion) -> Bool
  ) {
    self.machines = machines
    self.propose = propose
    self.isDone = isDone
    let row: [[Machine.Message]] = Array(repeating: [], count: machines.count)
    inboxes = Array(repeating: row, count: machines.count)
    waiting = Array(repeating: 0, count: machines.count)
  }

  /// Keeps so many commands under way through every node, for as long as said, behind a quarter of that
  /// which does not count.
  mutating func run(microseconds: UInt64, depth: Int) -> Result {
    round(for: microseconds / 4, depth)
    result = Result()
    let start = monotonicMicroseconds()
    round(for: microseconds, depth)
    result.microseconds = max(monotonicMicroseconds() - start, 1)
    return result
  }

  private mutating func round(for microseconds: UInt64, _ depth: Int) {
    let end = monotonicMicroseconds() + microseconds
    repeat {
      now += 1
      for node in machines.indices {
        machines[node].tick(to: Ticks(now))
        takeMessages(node)
        offer(node, depth)
        drain(node)
      }
    } while monotonicMicroseconds() < end
  }

  private mutating func takeMessages(_ node: Int) {
    for sender in machines.indices where !inboxes[node][sender].isEmpty {
      var messages: [Machine.Message] = []
      swap(&messages, &inboxes[node][sender])
      machines[node].receive(messages, from: VoterID(UInt32(sender + 1)))
      messages.removeAll(keepingCapacity: true)
      swap(&messages, &inboxes[node][sender])
    }
  }

  private mutating func offer(_ node: Int, _ depth: Int) {
    guard waiting[node] < depth else { return }
    var proposals: [(proposal: Machine.Proposal, id: ProposalID)] = []
    while waiting[node] < depth {
      waiting[node] += 1
      number += 1
      proposals.append((propose(node, number), ProposalID(number)))
    }
    machines[node].propose(proposals)
  }

  private mutating func drain(_ node: Int) {
    while machines[node].hasReady {
      machines[node].drain(into: &ready)
      for envelope in ready.messages { deliver(envelope, from: node) }
      for completion in ready.completed {
        waiting[node] -= 1
        if isDone(completion) { result.commands += 1 }
      }
      guard !ready.persist.isEmpty else { continue }
      result.records += ready.persist.count
      machines[node].persisted(through: ready.batch)
    }
  }

  private mutating func deliver(_ envelope: Envelope<Machine.Message>, from node: Int) {
    switch envelope.to {
    case .voter(let voter):
      let other = Int(voter.rawValue) - 1
      guard machines.indices.contains(other) else { return }
      result.messages += 1
      inboxes[other][node].append(envelope.message)
    case .peers:
      for other in machines.indices where other != node {
        result.messages += 1
        inboxes[other][node].append(envelope.message)
      }
    }
  }
}
