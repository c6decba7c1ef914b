import MultiPaxos
import Synod

/// Machines of a log and messages on their way, moved by commands: what the golden scripts run on.
///
/// - `nodes N [window=W] [joining=J] [retained=K] [lease=TICKS]`: begins, with N voters and J nodes on
///   blank stores
/// - `propose NODE add N | read | follower | lease | remove VOTER | admit VOTER | transfer VOTER`
/// - `persist NODE [COUNT]`: acknowledges all batches of a machine, or the next ones
/// - `deliver FROM TO`, `lose FROM TO`: the oldest message of a link; `cut NODE`, `heal NODE`: all of
///   a node's messages are lost, until it is healed
/// - `tick NODE TICK`, `crash NODE`
/// - `run`: delivers and acknowledges everything until nothing is left
struct LogStage {
  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  private struct Node {
    var machine: CalculatorMachine
    var settings: Settings
    var durable: [Record] = []
    var pending: [(number: PersistBatch, records: [Record])] = []
    var isCut = false
  }

  private var nodes: [Node] = []
  private var network: [(from: Int, to: Int, message: Message)] = []
  private var times: [UInt64] = []
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
    case "lose": network.remove(at: try find(from: number(1) - 1, to: number(2) - 1))
    case "cut", "heal": nodes[try number(1) - 1].isCut = words[0] == "cut"
    case "tick": try tick(number(1) - 1, to: UInt64(number(2)))
    case "crash": try crash(number(1) - 1)
    case "run": try run()
    default: throw Failure(description: "\(command): not a command")
    }
    return output
  }

  private mutating func begin(_ count: Int, options: ArraySlice<String>) throws {
    var values: [String: UInt64] = [:]
    for option in options {
      let parts = option.split(separator: "=")
      guard parts.count == 2, let value = UInt64(parts[1]) else {
        throw Failure(description: "\(option): not an option")
      }
      values[String(parts[0])] = value
    }
    let joining = Int(values["joining"] ?? 0)
    for voter in 1...UInt32(count + joining) {
      var settings = Settings.test(voter, of: count, seed: 1, window: values["window"] ?? 3)
      settings.decorations.asksBeforeStanding = values["probes"] == 1
      if voter > UInt32(count) {
        settings.mode = .join
        settings.store = Identity128(high: 1, low: UInt64(voter))
      }
      if let retained = values["retained"] { settings.maxRetained = Int(retained) }
      settings.leaseDuration = values["lease"]
      nodes.append(Node(machine: CalculatorMachine(settings), settings: settings))
      times.append(0)
    }
    for node in nodes.indices { tick(node, to: 1) }
  }

  private mutating func propose(at node: Int, _ words: [String]) throws {
    let number = words.count > 3 ? Int32(words[3]) : nil
    let operation: MultiPaxos.Operation<Calculator>
    switch (words.count > 2 ? words[2] : "", number) {
    case ("add", let number?): operation = .command(.add(number))
    case ("read", nil): operation = .query(.value, .leader)
    case ("follower", nil): operation = .query(.value, .follower)
    case ("lease", nil): operation = .query(.value, .lease)
    case ("remove", let voter?):
      operation = .changeMembership(MembershipChange([.remove(VoterID(UInt32(voter)))]))
    case ("admit", let voter?):
      operation = .changeMembership(
        MembershipChange([.add(MembershipTests.member(UInt32(voter)))]))
    case ("transfer", let voter?): operation = .transferLeadership(to: VoterID(UInt32(voter)))
    default: throw Failure(description: "\(words): not a proposal")
    }
    proposed += 1
    nodes[node].machine.propose(Proposal(operation), as: ProposalID(proposed))
    drain(node)
  }

  private mutating func tick(_ node: Int, to time: UInt64) {
    times[node] = time
    nodes[node].machine.tick(to: Ticks(time))
    drain(node)
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

  private mutating func deliver(from: Int, to: Int) throws {
    let message = network.remove(at: try find(from: from, to: to)).message
    nodes[to].machine.receive(message, from: nodes[from].settings.voter)
    drain(to)
  }

  private mutating func crash(_ node: Int) throws {
    nodes[node].pending = []
    nodes[node].machine = CalculatorMachine(nodes[node].settings)
    for record in nodes[node].durable { try nodes[node].machine.restore(record) }
    tick(node, to: times[node])
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
    var ready = Ready<CalculatorMachine>()
    while nodes[node].machine.hasReady {
      nodes[node].machine.drain(into: &ready)
      if !ready.persist.isEmpty {
        nodes[node].pending.append((ready.batch, ready.persist))
        for record in ready.persist {
          output.append("\(node + 1) persist \(ready.batch) \(record.line)")
        }
      }
      for envelope in ready.messages { send(envelope, from: node) }
      for completion in ready.completed {
        output.append("\(node + 1) ends \(completion.proposal.rawValue) \(completion.result.line)")
      }
      for effect in ready.effects {
        if let line = effect.line { output.append("\(node + 1) \(line)") }
      }
    }
  }

  private mutating func send(_ envelope: Envelope<Message>, from node: Int) {
    let line = envelope.message.line
    let targets: [Int]
    switch envelope.to {
    case .peers:
      output.append("\(node + 1) -> peers \(line)")
      // As a driver would: those that the machine's own schedule names.
      let members = nodes[node].machine.schedule.items.flatMap { $0.membership.members }
      targets = nodes.indices.filter { other in
        other != node && members.contains { $0.voter == nodes[other].settings.voter }
      }
    case .voter(let voter):
      output.append("\(node + 1) -> \(voter) \(line)")
      targets = [Int(voter.rawValue) - 1]
    }
    for target in targets where !nodes[node].isCut && !nodes[target].isCut {
      network.append((node, target, envelope.message))
    }
  }
}
