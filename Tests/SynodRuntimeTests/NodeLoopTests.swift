import Synod
import Testing
import UV

@testable import SynodRuntime

/// The face of a node that a server on its loop uses, over a storage and a transport that do what
/// the test says.
@Suite struct NodeLoopTests {
  struct Rig {
    let loop: Loop
    let storage = StubStorage()
    let transport = StubTransport()

    init() throws { loop = try Loop() }

    func node(
      peers: [VoterID] = [VoterID(2)], padding: Int = 0
    ) throws(NodeError) -> Node<Ledger> {
      try Node(
        Ledger.Settings(voter: VoterID(1), peers: peers, padding: padding, retellAfter: 1_000_000),
        loop: loop, storage: storage, transport: transport)
    }
  }

  static func answer(_ number: UInt64) -> Bytes {
    var writer = ByteWriter()
    Ledger.Message(isAnswer: true, number: number, padding: Bytes()).encode(into: &writer)
    return writer.finish()
  }

  @Test func aTurnGathersRecordsMessagesAndCompletions() throws {
    let rig = try Rig()
    let node = try rig.node()
    var completions: [Ledger.Completion] = []
    var turnsEnded = 0
    node.onCompletion = { completions.append($0) }
    node.atEndOfTurn = { turnsEnded += 1 }
    rig.loop.soon {
      for i in UInt64(1)...5 { #expect(node.submit(.init(amount: 1), as: ProposalID(i))) }
      rig.loop.soon {
        // One payload for all five, one batch of five records.
        #expect(rig.transport.sent.count == 1)
        #expect(rig.storage.appended.count == 1)
        #expect(rig.storage.appended.first?.count == 5 * 16)
        #expect(completions.isEmpty)
        rig.storage.events?.persisted(rig.storage.last)
        for i in UInt64(0)..<5 { rig.transport.events?.received(Self.answer(i), VoterID(2)) }
        rig.loop.soon { node.requestStop() }
      }
    }
    try node.run()
    #expect(completions.map(\.proposal.rawValue) == [1, 2, 3, 4, 5])
    #expect(completions.allSatisfy { $0.outcome == .applied(total: 5) })
    #expect(turnsEnded > 0)
    #expect(node.counters.messagesReceived == 5)
  }

  @Test func whoeverWasAnsweredOnceIsNotRemembered() {
    let transport = StubTransport()
    let outbox = NodeOutbox(transport)
    for voter in UInt32(1)...1_000 {
      outbox.add(
        Ledger.Message(isAnswer: true, number: 1, padding: Bytes()), to: .voter(VoterID(voter)))
      outbox.send()
    }
    #expect(transport.sent.count == 1_000)
    #expect(outbox.toOne.count <= NodeOutbox.mostKept)
  }

  @Test func aCompletionsHandlerMaySubmitAndAStorageMayAnswerAtOnce() throws {
    let rig = try Rig()
    let node = try rig.node(peers: [])
    rig.storage.answersAtOnce = true
    var totals: [Ledger.Completion.Outcome] = []
    node.onCompletion = {
      totals.append($0.outcome)
      if totals.count < 100 {
        #expect(node.submit(.init(amount: 1), as: ProposalID(UInt64(totals.count) + 1)))
      } else {
        node.requestStop()
      }
    }
    rig.loop.soon { #expect(node.submit(.init(amount: 1), as: ProposalID(1))) }
    try node.run()
    #expect(totals == (1...100).map { .applied(total: $0) })
  }

  @Test func payloadsKeepToTheirLimitAndWhatIsLongerIsDropped() throws {
    let rig = try Rig()
    rig.transport.maxPayload = 1_000
    let node = try rig.node(padding: 300)
    rig.loop.soon {
      for i in UInt64(1)...10 { #expect(node.submit(.init(amount: 1), as: ProposalID(i))) }
      rig.loop.soon { node.requestStop() }
    }
    try node.run()
    #expect(rig.transport.sent.allSatisfy { $0.payload.count <= 1_000 })
    var numbers: [UInt64] = []
    for (payload, voter) in rig.transport.sent {
      #expect(voter == nil)
      var reader = ByteReader(payload)
      while !reader.isAtEnd { numbers.append(try Ledger.Message(from: &reader).number) }
    }
    #expect(numbers == Array(0..<10))

    let small = try Rig()
    small.transport.maxPayload = 200
    let other = try small.node(padding: 300)
    small.loop.soon {
      #expect(other.submit(.init(amount: 1), as: ProposalID(1)))
      small.loop.soon { other.requestStop() }
    }
    try other.run()
    #expect(small.transport.sent.isEmpty)
    #expect(other.counters.messagesTooLarge == 1)
  }

  @Test func whatIsNotAMessageIsRefusedAndTheNodeGoesOn() throws {
    let rig = try Rig()
    let node = try rig.node()
    var completions = 0
    node.onCompletion = { _ in completions += 1 }
    rig.loop.soon {
      #expect(node.submit(.init(amount: 1), as: ProposalID(1)))
      rig.loop.soon {
        rig.storage.events?.persisted(rig.storage.last)
        for garbage in ["x", "\u{1}\u{2}", "\u{0}aaaaaaaa\u{7f}\u{7f}\u{7f}\u{7f}"] as [Bytes] {
          rig.transport.events?.received(garbage, VoterID(2))
        }
        rig.transport.events?.received(Bytes(), VoterID(2))
        rig.transport.events?.received(Self.answer(0), VoterID(2))
        rig.loop.soon { node.requestStop() }
      }
    }
    try node.run()
    #expect(rig.transport.refused == [VoterID(2), VoterID(2), VoterID(2)])
    #expect(node.counters.payloadsRefused == 3)
    #expect(completions == 1)
  }

  /// Memory is not the place for what a slow disk has not taken.
  @Test func whileTooMuchWaitsProposalsAndPeersRequestsAreNotTaken() throws {
    let rig = try Rig()
    rig.storage.queuedBytes = Node<Ledger>.mostQueuedBytes
    let node = try rig.node()
    func told(_ number: UInt64) -> Bytes {
      var writer = ByteWriter()
      Ledger.Message(isAnswer: false, number: number, padding: Bytes()).encode(into: &writer)
      return writer.finish()
    }
    var completions = 0
    node.onCompletion = { _ in completions += 1 }
    rig.loop.soon {
      #expect(node.submit(.init(amount: 1), as: ProposalID(1)))
      rig.transport.events?.received(told(7), VoterID(2))
      rig.storage.queuedBytes += 1
      rig.loop.soon {
        #expect(rig.transport.sent.count == 2)
        #expect(!node.submit(.init(amount: 1), as: ProposalID(2)))
        #expect(node.submit(.init(amount: 0), as: ProposalID(3), needsSpace: false))
        rig.transport.events?.received(told(8), VoterID(2))
        // What ends a proposal of its own is heard.
        rig.transport.events?.received(Self.answer(0), VoterID(2))
        rig.transport.events?.received(Self.answer(1), VoterID(2))
        rig.loop.soon {
          #expect(node.counters.requestsDropped == 1)
          rig.storage.events?.persisted(rig.storage.last)
          rig.storage.queuedBytes = 0
          rig.loop.soon {
            #expect(completions == 2)
            #expect(node.submit(.init(amount: 1), as: ProposalID(4)))
            node.requestStop()
          }
        }
      }
    }
    try node.run()
  }

  @Test func whileSpaceIsLowOnlyWhatWritesNothingIsTaken() async throws {
    let rig = try Rig()
    rig.storage.isLowOnSpace = true
    let node = try rig.node(peers: [])
    try node.start()
    await #expect {
      _ = try await node.add(1)
    } throws: {
      if case NodeError.lowOnSpace = $0 { true } else { false }
    }
    let task = Task { try await node.propose(Ledger.Proposal(amount: 0), needsSpace: false) }
    task.cancel()
    #expect(try await task.value.outcome == .cancelled)
    await node.stop()
  }

  @Test func aTransportThatCannotListenIsAnErrorAndTheNodeEnds() async throws {
    struct Trouble: Error {}
    let rig = try Rig()
    rig.transport.startError = Trouble()
    let node = try rig.node()
    #expect {
      try node.start()
    } throws: {
      if case NodeError.transport(let error) = $0 { error is Trouble } else { false }
    }
    #expect(rig.loop.isClosed)
    await node.stop()
  }

  @Test func aRecordOfAnotherMachineIsAnError() throws {
    let rig = try Rig()
    rig.storage.recovered = [Bytes([1, 2, 3])]
    #expect {
      _ = try rig.node()
    } throws: {
      if case NodeError.record(let error) = $0 { error is CodingError } else { false }
    }
    var writer = ByteWriter()
    Ledger.Record(number: 0, amount: .max).encode(into: &writer)
    rig.storage.recovered = [writer.finish()]
    #expect {
      _ = try rig.node()
    } throws: {
      if case NodeError.record(let error) = $0 { error is RestoreError } else { false }
    }
    struct Damage: Error {}
    rig.storage.recovered = []
    rig.storage.recoverError = Damage()
    #expect {
      _ = try rig.node()
    } throws: {
      if case NodeError.storage(let error) = $0 { error is Damage } else { false }
    }
  }

  @Test func aStoppedNodeIsFreed() throws {
    weak var held: Node<Ledger>?
    do {
      let rig = try Rig()
      let node = try rig.node()
      held = node
      node.onStopping = { _ = node }
      node.onCompletion = { _ in _ = node }
      node.requestStop()
      try node.run()
      rig.storage.events = nil
      rig.transport.events = nil
    }
    #expect(held == nil)
  }
}
