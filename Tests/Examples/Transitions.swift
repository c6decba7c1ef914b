import CASPaxos
import Synod
import Testing

@Test func aVoteLeavesOnceItIsDurable() throws {
  let voters = [VoterID(1), VoterID(2), VoterID(3)]
  let configuration = try Configuration(epoch: Epoch(1), voters: voters)
  func machine(_ voter: VoterID) -> Machine<SetValue> {
    Machine(Settings(voter: voter, configuration: configuration, seed: 7))
  }
  var (proposer, acceptor) = (machine(voters[0]), machine(voters[1]))
  var ready = Ready<Machine<SetValue>>()

  proposer.propose(Proposal(key: "k", operation: .change(SetValue("v"))), as: ProposalID(1))
  proposer.drain(into: &ready)
  proposer.persisted(through: ready.batch)  // the range that its ballots come from
  proposer.drain(into: &ready)
  let prepare = try #require(ready.messages.first?.message)

  acceptor.receive(prepare, from: voters[0])
  acceptor.drain(into: &ready)
  #expect(!ready.persist.isEmpty && ready.messages.isEmpty)
  acceptor.persisted(through: ready.batch)
  acceptor.drain(into: &ready)
  #expect(ready.messages.map(\.message.kind) == [.promise])
}
