import CASPaxos
import Synod
import SynodRuntime
import Testing

func decide(_ leader: Bytes, on node: Node<CASPaxos.Machine<Decide>>) async throws -> Bytes? {
  let proposal = Proposal(key: "leader", operation: .change(Decide(leader)))
  switch try await node.propose(proposal).result {
  case .applied(let decided, _): return decided
  case .notApplied, .unknown, .read, .listed, .membership: return nil
  }
}

@Test func aRegisterThatIsWrittenOnceGivesTheSameToAll() async throws {
  try await ThreeNodes<CASPaxos.Machine<Decide>>.run({
    Settings(voter: $0, configuration: $1, seed: 7)
  }) { nodes in
    let first = try await decide("one", on: nodes[0])
    let second = try await decide("two", on: nodes[1])
    #expect(first == "one" && second == "one")
  }
}
