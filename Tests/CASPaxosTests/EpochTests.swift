import CASPaxos
import Synod
import Testing

/// A node that has adopted a configuration of a higher epoch, and peers that have not.
@Suite struct EpochTests {
  static let next: Configuration = try! Configuration(
    epoch: Epoch(1), voters: (1...3).map { VoterID($0) })
  /// What adopting the epoch promised on every register.
  static let floor = Ballot(epoch: Epoch(1), counter: 0, voter: .none)

  static func machine(_ voter: UInt32, restoring records: [Record] = []) throws -> CounterMachine {
    var machine = CounterMachine(.test(voter))
    for record in records { try machine.restore(record) }
    machine.tick(to: Ticks(1))
    return machine
  }

  /// What the machine says and writes; stores are prompt where `isPrompt`.
  static func drain(
    _ machine: inout CounterMachine, isPrompt: Bool = true
  ) -> (messages: [Message], records: [Record], last: PersistBatch) {
    var ready = Ready<CounterMachine>()
    var messages: [Message] = []
    var records: [Record] = []
    var last = PersistBatch.none
    while machine.hasReady {
      machine.drain(into: &ready)
      messages += ready.messages.map(\.message)
      records += ready.persist
      if !ready.persist.isEmpty {
        last = ready.batch
        if isPrompt { machine.persisted(through: last) }
      }
    }
    return (messages, records, last)
  }

  /// The first message that node 1 sends for `operation`, in the epoch that it is in.
  static func request(
    _ operation: CASPaxos.Operation<Counter>, restoring records: [Record] = []
  ) throws -> Message {
    var proposer = try machine(1, restoring: records)
    _ = drain(&proposer)
    proposer.propose(Proposal(key: "k", operation: operation), as: ProposalID(1))
    return try #require(drain(&proposer).messages.first)
  }

  @Test func aRequestOfAnOlderEpochIsRefusedByTheEpochAlone() throws {
    for operation in [Operation<Counter>.change(.add(1)), .read] {
      let request = try Self.request(operation)
      var acceptor = try Self.machine(2, restoring: [.configuration(Self.next)])
      _ = Self.drain(&acceptor)
      acceptor.receive(request, from: VoterID(1))
      let answer = Self.drain(&acceptor)
      #expect(answer.messages.map(\.kind) == [.conflict])
      #expect(answer.messages.first?.promised == Self.floor)
      #expect(answer.messages.first?.accepted == .zero)
      #expect(answer.records.isEmpty)
      #expect(acceptor.acceptorState(of: "k") == nil)
    }
  }

  @Test func aRefusalByTheEpochWaitsUntilTheEpochIsDurable() throws {
    let request = try Self.request(.change(.add(1)))
    var acceptor = try Self.machine(2, restoring: [.configuration(Self.next)])
    let last = Self.drain(&acceptor, isPrompt: false).last
    acceptor.receive(request, from: VoterID(1))
    #expect(!acceptor.hasReady)
    acceptor.persisted(through: last)
    #expect(Self.drain(&acceptor).messages.map(\.kind) == [.conflict])
  }

  @Test func anAcceptanceOfAnOlderEpochIsRefusedEvenIfItWasGrantedThen() throws {
    var proposer = try Self.machine(1)
    var acceptor = try Self.machine(2)
    var records = Self.drain(&acceptor).records
    _ = Self.drain(&proposer)
    proposer.propose(Proposal(key: "k", operation: .change(.add(1))), as: ProposalID(1))
    let prepare = try #require(Self.drain(&proposer).messages.first)
    acceptor.receive(prepare, from: VoterID(1))
    let promise = Self.drain(&acceptor)
    proposer.receive(try #require(promise.messages.first), from: VoterID(2))
    let accept = try #require(Self.drain(&proposer).messages.first)
    acceptor.receive(accept, from: VoterID(1))
    let accepted = Self.drain(&acceptor)
    #expect(accepted.messages.map(\.kind) == [.accepted])

    records += promise.records + accepted.records + [.configuration(Self.next)]
    acceptor = try Self.machine(2, restoring: records)
    _ = Self.drain(&acceptor)
    acceptor.receive(accept, from: VoterID(1))
    let answer = Self.drain(&acceptor).messages
    #expect(answer.map(\.kind) == [.conflict])
    #expect(answer.first?.promised == Self.floor)
    // What was accepted is told as it is: the refusal counts as evidence.
    #expect(answer.first?.accepted == accept.ballot)
  }

  @Test func aRequestOfAnEpochNotKnownHereIsNotAnswered() throws {
    for operation in [Operation<Counter>.change(.add(1)), .read] {
      let request = try Self.request(operation, restoring: [.configuration(Self.next)])
      #expect(request.ballot.epoch == Epoch(1))
      var acceptor = try Self.machine(2)
      _ = Self.drain(&acceptor)
      acceptor.receive(request, from: VoterID(1))
      #expect(!acceptor.hasReady)
      #expect(acceptor.acceptorState(of: "k") == nil)
    }
  }
}
