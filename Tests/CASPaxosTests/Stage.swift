import Synod

@testable import CASPaxos

/// Machines and messages on their way, moved by commands: what the golden scripts run on.
///
/// - `nodes N [piggyback=K] [block=K]`: begins, with N machines
/// - `propose NODE KEY add N | swap N M | get | delete | read | barrier | list N [by TICK]`
/// - `persist NODE [COUNT]`: acknowledges all batches of a machine, or the next ones
/// - `deliver FROM TO`, `repeat FROM TO`, `lose FROM TO`: the oldest message of a link
/// - `tick TICK`, `cancel NODE PROPOSAL`, `crash NODE`, `storage-failed NODE`
/// - `run`: delivers and acknowledges everything until nothing is left
struct Stage {
  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  private struct Node {
    var machine: CounterMachine
    var settings: Settings
    var durable: [Record] = []
    var pending: [(number: PersistBatch, records: [Record])] = []
  }

  private var nodes: [Node] = []
  private var network: [(from: Int, to: Int, message: Message)] = []
  private var now: UInt64 = 1
  private var proposed: UInt64 = 0
  private var output: [String] = []

  /// Carries a command out and says what came of it, a line for each thing.
  mutating func perform(_ command: String) throws -> [String] {
    output = []
    let words = command.split(separator: " ").map(String.init)
    func number(_ place: Int) throws -> Int {
      guard place < words.count, let number = Int(words[place]) else {
        throw Failure(description: "\(command): no number in place \(place)")
      }
      return number
    }
    switch words.first {
    case "nodes": try begin(number(1), options: words.dropFirst(2))
    case "propose": try propose(at: number(1) - 1, words)
    case "persist":
      let node = try number(1) - 1
      try persist(node, words.count > 2 ? number(2) : nodes[node].pending.count)
    case "deliver": try deliver(from: number(1) - 1, to: number(2) - 1)
    case "repeat": try deliver(from: number(1) - 1, to: number(2) - 1, keeping: true)
    case "lose": network.remove(at: try find(from: number(1) - 1, to: number(2) - 1))
    case "tick": try tick(to: UInt64(number(1)))
    case "cancel":
      try nodes[number(1) - 1].machine.cancel(ProposalID(UInt64(number(2))))
      try drain(number(1) - 1)
    case "crash": try crash(number(1) - 1)
    case "storage-failed":
      try nodes[number(1) - 1].machine.storageFailed()
      try drain(number(1) - 1)
    case "run": try run()
    default: throw Failure(description: "\(command): not a command")
    }
    return output
  }

  private mutating func begin(_ count: Int, options: ArraySlice<String>) throws {
    for voter in 1...UInt32(count) {
      var settings = Settings.test(voter, of: count)
      settings.piggybackAfter = nil
      for option in options {
        let parts = option.split(separator: "=")
        guard parts.count == 2, let value = UInt64(parts[1]) else {
          throw Failure(description: "\(option): not an option")
        }
        switch parts[0] {
        case "piggyback": settings.piggybackAfter = UInt8(value)
        case "block": settings.counterBlock = value
        default: throw Failure(description: "\(option): not an option")
        }
      }
      nodes.append(Node(machine: CounterMachine(settings), settings: settings))
    }
    tick(to: 1)
  }

  private mutating func propose(at node: Int, _ words: [String]) throws {
    var words = words
    var deadline: Ticks?
    if words.count > 2, words[words.count - 2] == "by" {
      deadline = UInt64(words[words.count - 1]).map { Ticks($0) }
      words.removeLast(2)
    }
    let numbers = words.dropFirst(4).compactMap { Int($0) }
    let operation: CASPaxos.Operation<Counter>
    switch (words.count > 3 ? words[3] : "", numbers.count) {
    case ("add", 1): operation = .change(.add(numbers[0]))
    case ("swap", 2): operation = .change(.swap(numbers[0], for: numbers[1]))
    case ("get", 0): operation = .change(.get)
    case ("delete", 0): operation = .change(.delete)
    case ("read", 0): operation = .read
    case ("barrier", 0): operation = .barrierRead
    case ("list", 1): operation = .list(after: nil, limit: numbers[0])
    default: throw Failure(description: "\(words): not a proposal")
    }
    proposed += 1
    nodes[node].machine.propose(
      Proposal(key: Bytes(words[2]), operation: operation, deadline: deadline),
      as: ProposalID(proposed))
    drain(node)
  }

  private mutating func tick(to time: UInt64) {
    now = time
    for node in nodes.indices {
      nodes[node].machine.tick(to: Ticks(time))
      drain(node)
    }
  }

  private mutating func persist(_ node: Int, _ count: Int) throws {
    guard count > 0, count <= nodes[node].pending.count else {
      throw Failure(description: "there are \(nodes[node].pending.count) batches")
    }
    let batch = nodes[node].pending[count - 1].number
    nodes[node].durable += nodes[node].pending.prefix(count).flatMap(\.records)
    nodes[node].pending.removeFirst(count)
    nodes[node].machine.persisted(through: batch)
    drain(node)
  }

  private func find(from: Int, to: Int) throws -> Int {
    guard let place = network.firstIndex(where: { $0.from == from && $0.to == to }) else {
      throw Failure(description: "nothing is on its way from \(from + 1) to \(to + 1)")
    }
    return place
  }

  private mutating func deliver(from: Int, to: Int, keeping: Bool = false) throws {
    let place = try find(from: from, to: to)
    let message = network[place].message
    if !keeping { network.remove(at: place) }
    nodes[to].machine.receive(message, from: nodes[from].settings.voter)
    drain(to)
  }

  private mutating func crash(_ node: Int) throws {
    nodes[node].pending = []
    nodes[node].machine = CounterMachine(nodes[node].settings)
    for record in nodes[node].durable { try nodes[node].machine.restore(record) }
    nodes[node].machine.tick(to: Ticks(now))
    drain(node)
  }

  private mutating func run() throws {
    for _ in 0..<10_000 {
      if let node = nodes.indices.first(where: { !nodes[$0].pending.isEmpty }) {
        try persist(node, nodes[node].pending.count)
      } else if let next = network.first {
        try deliver(from: next.from, to: next.to)
      } else {
        return
      }
    }
    throw Failure(description: "it does not come to rest")
  }

  /// Takes what a machine has ready and writes it down.
  private mutating func drain(_ node: Int) {
    var ready = Ready<CounterMachine>()
    while nodes[node].machine.hasReady {
      nodes[node].machine.drain(into: &ready)
      if !ready.persist.isEmpty {
        nodes[node].pending.append((ready.batch, ready.persist))
        for record in ready.persist {
          output.append("\(node + 1) persist \(ready.batch) \(record)")
        }
      }
      for envelope in ready.messages {
        switch envelope.to {
        case .peers:
          output.append("\(node + 1) -> peers \(envelope.message)")
          for other in nodes.indices where other != node {
            network.append((node, other, envelope.message))
          }
        case .voter(let voter):
          output.append("\(node + 1) -> \(voter) \(envelope.message)")
          network.append((node, Int(voter.rawValue) - 1, envelope.message))
        }
      }
      for completion in ready.completed { output.append("\(node + 1) ends \(completion.line)") }
    }
  }
}
