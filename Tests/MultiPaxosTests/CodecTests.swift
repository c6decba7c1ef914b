import MultiPaxos
import Synod
import Testing

/// Bytes on the wire and on disk.
@Suite struct CodecTests {
  static let ballot = Ballot(epoch: Epoch(0), counter: 7, voter: VoterID(2))
  static let entries: [Entry] = [
    .filler,
    Entry(.command, id: EntryID(origin: VoterID(1), number: 9), payload: "set"),
    Entry(
      .command, id: EntryID(origin: VoterID(3), number: 1),
      once: Once(Identity128(high: 5, low: 6), 4), payload: "once"),
    Entry(
      .barrier, id: EntryID(origin: VoterID(3), number: 2), slots: Slot(4)...Slot(9)),
    Entry(.lease, id: EntryID(origin: VoterID(2), number: 2), payload: "lease"),
  ]

  static let messages: [Message] = [
    .probe(round: 3, chosen: Slot(9)),
    .probed(round: 3, misses: true, promised: .zero),
    .prepare(ballot, from: Slot(4)),
    .promise(
      .init(
        ballot: ballot, from: Slot(4), part: 0, parts: 1, content: 7,
        accepted: [.init(slot: Slot(5), ballot: ballot, entry: entries[2])])),
    .refused(ballot, promised: ballot),
    .accept(.init(ballot: ballot, chosen: Slot(3), first: Slot(4), entries: entries)),
    .accepted(ballot, first: Slot(1), last: Slot(4)),
    .heartbeat(ballot, chosen: Slot(2), round: 77),
    .echo(ballot, round: 77, applied: Slot(1), granted: 5),
    .fetch(from: Slot(8)), .entries(first: Slot(8), entries, chosen: Slot(20)),
    .compacted(through: Slot(6)), .fetchPiece(slot: Slot(6), index: 2),
    .piece(.init(slot: Slot(6), index: 2, isLast: true, digest: 9, bytes: ["a", ""])),
    .forward(entries),
    .notLeading(VoterID(3)), .notLeading(nil), .askIndex(round: 2), .index(round: 2, Slot(3)),
    .takeOver(ballot, round: 9), .digest(Slot(3), 99), .diverged(Slot(3)),
    .returned, .acknowledged(promised: ballot, slot: Slot(4)), .askKnown, .known(Slot(7)),
    .release(ballot, round: 9),
  ]

  static let records: [Record] = [
    .begun(
      Schedule(
        Membership(try! Configuration(epoch: Epoch(1), voters: [VoterID(1), VoterID(2)])),
        window: 3), store: Identity128(high: 1, low: 2), isFounder: true),
    .reserve(counter: 3, number: 4, read: 5), .promise(ballot),
    .accept(ballot, first: Slot(1), entries),
    .learned(first: Slot(2), entries), .chosen(through: Slot(3)), .stateBegins(Slot(4)),
    .statePiece(2, "piece"), .installed(Slot(4)), .grants(30),
    .gaveUp(.diverged), .gaveUp(.rolledBack),
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

  @Test func changesOfTheMembersAreReadAsTheyWereWritten() throws {
    try check(
      MembershipChange(
        [
          .add(Member(voter: VoterID(4), role: .learner, address: "here")), .promote(VoterID(4)),
          .add(Member(voter: VoterID(6), role: .learner, replaces: VoterID(2))),
          .add(Member(voter: VoterID(7), role: .observer)),
          .pin(VoterID(2), Identity128(high: 3, low: 4)), .remove(VoterID(1)),
          .setAddress(VoterID(2), "there"),
          .replace(
            VoterID(3),
            by: Member(
              voter: VoterID(5), role: .voter, store: Identity128(high: 1, low: 1), address: "x")),
        ], quorums: try QuorumSystem(voters: 3, prepare: 2, accept: 2), expected: Epoch(3)))
  }
}
