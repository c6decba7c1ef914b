@testable import EPaxos
import Synod
import Testing

/// Bytes on the wire and on disk.
@Suite struct CodecTests {
  static let ballot = Ballot(epoch: Epoch(0), counter: 7, voter: VoterID(2))
  static let batch = Batch([
    Entry(.command, payload: "set"),
    Entry(.command, once: Once(Identity128(high: 5, low: 6), 4), since: 9, payload: "once"),
    Entry(.read, payload: ""),
  ])
  static let value = Value(batch, deps(at(1, 3), at(2, 9)))

  static let holdings: [Holding] = [
    Holding(
      phase: .preaccepted, abal: .zero, cmd: batch, dep: deps(at(1, 3)), initDep: deps(at(1, 3))),
    Holding(
      phase: .accepted, abal: ballot, cmd: .nop, dep: Dependencies(), initDep: Dependencies()),
    Holding(
      phase: .initial, abal: .zero, cmd: nil, dep: Dependencies(), initDep: Dependencies()),
  ]

  static let messages: [Message] =
    [
      .preAccept(at(1, 4), value), .preAccepted(at(1, 4), deps(at(3, 1))),
      .accept(.zero, at(1, 4), value), .accept(ballot, at(1, 4), .nop), .accepted(.zero, at(1, 4)),
      .accepted(ballot, at(1, 4)), .commit([.init(at(1, 4), value), .init(at(2, 1), .nop)]),
      .recover(ballot, at(1, 4)), .refused(ballot, at(1, 4), promised: ballot),
      .refused(.zero, at(1, 4), promised: ballot), .validate(ballot, at(1, 4), value),
      .validated(ballot, at(1, 4), []),
      .validated(
        ballot, at(1, 4),
        [Objection(at(2, 2), isCommitted: true), Objection(at(2, 3), isCommitted: false)]),
      .waiting(at(1, 4), unchanged: 2), .fetch([at(1, 1), at(3, 8)]), .fetch([]),
      .standing(
        Standing(epoch: Epoch(0), truncated: deps(at(1, 4)), seen: deps(at(1, 5), at(2, 2))),
        asks: true),
      .standing(
        Standing(epoch: Epoch(7), began: at(1, 3), truncated: deps(), seen: deps()), asks: true),
      .standing(Standing(epoch: Epoch(7), truncated: deps(), seen: deps()), asks: false),
      .executed(at(2, 7), asks: true),
      .executed(at(2, 7), asks: false), .fetchPiece(snapshot: 3, index: 2),
      .piece(.init(snapshot: 6, index: 2, isLast: true, digest: 9, bytes: ["a", ""])),
    ] + holdings.map { .holding(ballot, at(1, 4), $0) }

  static let membership = try! Membership(
    try! Configuration(epoch: Epoch(3), voters: [VoterID(1), VoterID(2)])
  ).applying(
    MembershipChange([
      .add(Member(voter: VoterID(9), role: .learner, address: "there")),
      .pin(VoterID(2), Identity128(high: 3, low: 4)), .remove(VoterID(1)),
    ]))

  static let records: [Record] = [
    .begun(
      try! Configuration(epoch: Epoch(0), voters: [VoterID(1), VoterID(2)]),
      store: Identity128(high: 1, low: 2), joins: false),
    .begun(try! Configuration(epoch: Epoch(0), voters: [VoterID(1)]), store: nil, joins: true),
    .entered(membership, by: at(1, 4)),
    .reserve(at(1, 1).row, 4), .preaccepted(at(1, 4), value, held: deps(at(3, 3))),
    .promised(at(1, 4), ballot), .accepted(at(1, 4), .zero, batch, deps()),
    .accepted(at(1, 4), ballot, nil, deps(at(2, 2))), .validated(at(1, 4), value),
    .committed(at(1, 4), nil, deps(at(2, 2))), .committed(at(1, 4), .nop, deps()),
    .truncated(deps(at(1, 2))), .stateBegins(4), .statePiece("piece"), .installed(4),
  ]

  func check<Value: ByteCodable & Hashable>(_ value: Value) throws {
    var writer = ByteWriter()
    value.encode(into: &writer)
    let bytes = writer.finish()
    var reader = ByteReader(bytes)
    #expect(try Value(from: &reader) == value)
    #expect(reader.isAtEnd)
    for count in 0..<bytes.count {
      var short = ByteReader(bytes[0..<count])
      #expect(throws: CodingError.self) { try Value(from: &short) }
    }
    // Whatever one byte is changed into, reading ends, and what it gives can be written.
    for place in 0..<bytes.count {
      for byte in [0, 1, 0x7f, 0x80, 0xff] as [UInt8] {
        var changed = bytes.array
        changed[place] = byte
        var reader = ByteReader(Bytes(changed))
        guard let other = try? Value(from: &reader) else { continue }
        var writer = ByteWriter()
        other.encode(into: &writer)
        #expect(writer.count <= bytes.count)
      }
    }
  }

  @Test(arguments: messages) func messagesAreReadAsTheyWereWritten(_ message: Message) throws {
    try check(message)
  }

  @Test(arguments: records) func recordsAreReadAsTheyWereWritten(_ record: Record) throws {
    try check(record)
  }

  /// Every instance that a run makes, among them both ballots of each (B10).
  @Test func instancesAreReadAsTheyWereWritten() throws {
    var world = World(3)
    for step in 0..<300 {
      if step % 20 == 0 { world.add(Int32(step), at: UInt32(1 + step % 3)) }
      world.loss = 20
      world.step()
    }
    for voter in 1...3 as ClosedRange<UInt32> {
      #expect(!world[voter].instances.isEmpty)
      for (id, instance) in world[voter].instances {
        var writer = ByteWriter()
        Record.instance(id, instance).encode(into: &writer)
        let bytes = writer.finish()
        var reader = ByteReader(bytes)
        guard case .instance(id, let read) = try Record(from: &reader) else {
          Issue.record("another record")
          continue
        }
        #expect(reader.isAtEnd)
        #expect(read.phase == instance.phase && read.bal == instance.bal)
        #expect(read.abal == instance.abal && read.cmd == instance.cmd && read.dep == instance.dep)
        #expect(read.initCmd == instance.initCmd && read.initDep == instance.initDep)
      }
    }
  }

  /// A machine takes whatever a peer says without a trap, and without memory that it did not send.
  @Test(arguments: 1...20) func hostilePeersDoNotStopAMachine(_ seed: UInt64) {
    var random = SplitMix(seed: seed)
    var world = World(3, seed: seed)
    for _ in 0..<400 {
      let template = Self.messages[Int(random.next() % UInt64(Self.messages.count))]
      var writer = ByteWriter()
      template.encode(into: &writer)
      var bytes = writer.finish().array
      for _ in 0...(random.next() % 3) {
        bytes[Int(random.next() % UInt64(bytes.count))] =
          [0, 1, 2, 3, 0x7f, 0xff][Int(random.next() % 6)]
      }
      var reader = ByteReader(Bytes(bytes))
      guard let message = try? Message(from: &reader) else { continue }
      let sender = VoterID(UInt32(random.next() % 5))
      world.with(VoterID(1)) {
        $0.receive(message, from: sender)
      }
      world.network.removeAll()
      world.sync(VoterID(1))
    }
    #expect(world[1].instances.count < 400)
  }
}
