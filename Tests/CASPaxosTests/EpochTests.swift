import Synod
import Testing

@testable import CASPaxos

/// A node that has adopted a configuration of a higher epoch, and peers that have not.
@Suite struct EpochTests {
  static let next: Configuration = try! Configuration(
    epoch: Epoch(1), voters: (1...3).map { VoterID($0) })
  /// A decided membership of that epoch.
  static let members: Record = .membership(
    try! Membership(MembershipValueTests.initial().encoded).inEpoch(next), isRetired: false)

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

  @Test func aRequestOfAnOlderEpochIsAnsweredByTheMembersAlone() throws {
    for operation in [Operation<Counter>.change(.add(1)), .read] {
      let request = try Self.request(operation)
      var acceptor = try Self.machine(2, restoring: [Self.members])
      _ = Self.drain(&acceptor)
      acceptor.receive(request, from: VoterID(1))
      let answer = Self.drain(&acceptor)
      #expect(answer.messages.map(\.kind) == [.configuration])
      #expect(answer.records.isEmpty)
      #expect(acceptor.acceptorState(of: "k") == nil)
      // Whoever has much under way is told once.
      acceptor.receive(request, from: VoterID(1))
      #expect(Self.drain(&acceptor).messages.isEmpty)
    }
  }

  @Test func whoeverIsToldOfANewerEpochBeginsAnewInIt() throws {
    var proposer = try Self.machine(1)
    var acceptor = try Self.machine(2, restoring: [Self.members])
    _ = Self.drain(&proposer)
    _ = Self.drain(&acceptor)
    proposer.propose(Proposal(key: "k", operation: .change(.add(1))), as: ProposalID(1))
    let old = try #require(Self.drain(&proposer).messages.first)
    acceptor.receive(old, from: VoterID(1))
    let answer = try #require(Self.drain(&acceptor).messages.first)
    proposer.receive(answer, from: VoterID(2))
    let said = Self.drain(&proposer)
    #expect(said.records.contains(Self.members))
    let new = try #require(said.messages.first)
    #expect(new.kind == .prepare && new.ballot.epoch == Epoch(1))
    #expect(proposer.membership.revision == 1)
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

    records += promise.records + accepted.records + [Self.members]
    acceptor = try Self.machine(2, restoring: records)
    _ = Self.drain(&acceptor)
    acceptor.receive(accept, from: VoterID(1))
    let answer = Self.drain(&acceptor).messages
    #expect(answer.map(\.kind) == [.configuration])
  }

  @Test func aRequestOfAnEpochNotKnownHereIsAskedAbout() throws {
    for operation in [Operation<Counter>.change(.add(1)), .read] {
      let request = try Self.request(operation, restoring: [Self.members])
      #expect(request.ballot.epoch == Epoch(1))
      var acceptor = try Self.machine(2)
      _ = Self.drain(&acceptor)
      acceptor.receive(request, from: VoterID(1))
      let answer = Self.drain(&acceptor)
      #expect(answer.messages.map(\.kind) == [.behind] && answer.records.isEmpty)
      #expect(acceptor.acceptorState(of: "k") == nil)
      // The proposer answers with what it knows, and the request is taken when it comes again.
      var proposer = try Self.machine(1, restoring: [Self.members])
      _ = Self.drain(&proposer)
      proposer.receive(answer.messages[0], from: VoterID(2))
      acceptor.receive(try #require(Self.drain(&proposer).messages.first), from: VoterID(1))
      #expect(acceptor.configuration == Self.next)
      acceptor.receive(request, from: VoterID(1))
      #expect([.promise, .readReply].contains(Self.drain(&acceptor).messages.last?.kind))
    }
  }
}
