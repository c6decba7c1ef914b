import MultiPaxos
import Synod
import Testing

/// How a state of one's own is replicated: the calculator, on three nodes.
///
/// The state is a value with commands (`Calculator`); a node is a machine made of settings. Whoever
/// drives it hands it the time, what clients propose, what peers say and what is durable, and takes
/// what is ready: here a loop over three machines and a list of messages.
@Suite struct CalculatorExampleTests {
  @Test func threeNodesCalculate() throws {
    let voters = [VoterID(1), VoterID(2), VoterID(3)]
    let configuration = try Configuration(epoch: Epoch(0), voters: voters)
    var nodes = voters.map {
      Machine<Calculator>(Settings(voter: $0, configuration: configuration, seed: 42))
    }
    var outcomes: [ProposalID: Outcome<Calculator>] = [:]
    var told: [VoterID: [Calculator.Command]] = [:]
    var ready = Ready<Machine<Calculator>>()
    var time: UInt64 = 0

    /// One turn of each node.
    func turn() {
      time += 10
      for place in nodes.indices { nodes[place].tick(to: Ticks(time)) }
      while let place = nodes.indices.first(where: { nodes[$0].hasReady }) {
        nodes[place].drain(into: &ready)
        let handled = ready
        // A real node writes this to its log; several batches may be under way.
        if !handled.persist.isEmpty { nodes[place].persisted(through: handled.batch) }
        for envelope in handled.messages {
          for other in nodes.indices where other != place {
            if case .voter(let voter) = envelope.to, voter != voters[other] { continue }
            nodes[other].receive(envelope.message, from: voters[place])
          }
        }
        for completion in handled.completed { outcomes[completion.proposal] = completion.result }
        for case .event(let change, _) in handled.effects {
          told[voters[place], default: []].append(change.command)
        }
      }
    }

    func calculate(_ command: Calculator.Command, at place: Int, as id: UInt64) -> Int64? {
      nodes[place].propose(Proposal(.command(command)), as: ProposalID(id))
      for _ in 0..<200 where outcomes[ProposalID(id)] == nil { turn() }
      return outcomes[ProposalID(id)]?.number
    }

    #expect(calculate(.add(10), at: 0, as: 1) == 10)
    #expect(calculate(.multiply(7), at: 1, as: 2) == 70)
    #expect(calculate(.divide(5), at: 2, as: 3) == 14)
    #expect(calculate(.divide(0), at: 0, as: 4) == nil)
    #expect(outcomes[ProposalID(4)] == .applied(.dividedByZero, at: Slot(4)))
    for _ in 0..<20 { turn() }
    for place in nodes.indices {
      #expect(nodes[place].app.value == 14)
      #expect(told[voters[place]] == [.add(10), .multiply(7), .divide(5), .divide(0)])
    }
  }
}
