import Synod
import Testing

@testable import CASPaxos

/// What goes over the wire and to disk.
@Suite struct CodecTests {
  static let full = RegisterState(
    value: "value", version: Version(ballot: b(7, 3), step: 9), lineage: [b(5, 1), b(6, 2)])
  static let aged = RegisterState(
    value: "value", version: full.version, extra: .init(forgotten: b(4, 2)))
  static let states = [
    full, aged, .blank, state(0, at: b(1, 1)), RegisterState(value: Bytes(), version: full.version),
  ]

  static let messages: [Message] =
    states.flatMap { state in
      [
        Message(.prepare, slot: 3, ballot: b(8, 2), key: "key"),
        Message(.prepare, slot: .max, ballot: b(8, 2), key: ""),
        Message(
          .promise, slot: 3, ballot: b(8, 2), accepted: b(7, 3), floor: b(2, 2), state: state),
        Message(.accept, slot: 3, ballot: b(8, 2), key: "key", state: state),
        Message(.accept, slot: 3, ballot: b(8, 2), promised: b(9, 2), key: "key", state: state),
        Message(.accepted, slot: 3, ballot: b(8, 2), promised: b(9, 2)),
        Message(
          .conflict, slot: 3, ballot: b(8, 2), promised: b(9, 3), accepted: b(7, 1), floor: b(6, 1)),
        Message(.read, slot: 3, ballot: b(8, 2), key: "key"),
        Message(.readReply, slot: 3, ballot: b(8, 2), accepted: b(7, 3), state: state),
        Message(.watch, slot: 3, ballot: b(1, 2), accepted: b(7, 3), key: "key"),
        Message(.watch, slot: 3, ballot: b(1, 2), key: "", state: RegisterState(value: "prefix")),
        Message(.observed, slot: 0, ballot: b(8, 2), promised: b(7, 3), key: "key", state: state),
        Message(.list, slot: 3, ballot: b(8, 2), state: RegisterState(value: "request")),
        Message(
          .page, slot: 3, ballot: b(8, 2), floor: b(7, 1), state: RegisterState(value: "page")),
        Message(.configuration, slot: 0, ballot: b(8, 2), state: RegisterState(value: "x")),
        Message(.behind, slot: 0, ballot: b(8, 2)),
        Message(.erase, slot: 3, ballot: b(8, 2), key: "key"),
      ]
    }

  static let records: [Record] = [
    .configuration(Settings.test(1, of: 5).configuration),
    .reserve(counter: Ballot.counterLimit),
    .promise(key: "key", ballot: b(8, 2)),
    .accept(key: "", ballot: b(8, 2), promised: b(9, 2), state: full),
    .accept(key: "key", ballot: b(8, 2), promised: b(8, 2), state: .blank),
    .membership(MembershipValueTests.initial(), isRetired: false),
    .membership(MembershipValueTests.initial(5), isRetired: true),
    .transferred(Epoch(3), hashSeed: 7, through: .max, floor: b(8, 2)),
    .membership(MembershipValueTests.concluded(b(8, 2)), isRetired: false),
    .erase(key: "key", ballot: b(8, 2), floor: b(9, 1)),
    .floor(b(8, 2)),
  ]

  func encoded(_ value: some ByteCodable) -> Bytes {
    var writer = ByteWriter()
    value.encode(into: &writer)
    return writer.finish()
  }

  func comesBack<T: ByteCodable & Equatable>(_ value: T) throws {
    let bytes = encoded(value)
    var reader = ByteReader(bytes)
    #expect(try T(from: &reader) == value)
    #expect(reader.isAtEnd)
    for length in 0..<bytes.count {
      var reader = ByteReader(bytes[0..<length])
      #expect(throws: CodingError.self) { try T(from: &reader) }
    }
  }

  @Test func everyMessageComesBackAndEveryTruncationThrows() throws {
    #expect(Set(Self.messages.map(\.kind)).count == 14)
    for message in Self.messages { try comesBack(message) }
  }

  @Test func everyRecordComesBackAndEveryTruncationThrows() throws {
    for record in Self.records { try comesBack(record) }
  }

  /// Stores and frames outlive programs: these forms may never change.
  @Test func theFormsOnDiskAreTheseBytes() {
    #expect(encoded(Record.reserve(counter: 5)).array == [2, 5, 0, 0, 0, 0, 0, 0, 0])
    let ballot: [UInt8] = [8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0]
    let zero = [UInt8](repeating: 0, count: 16)
    #expect(
      encoded(Record.promise(key: "k", ballot: b(8, 2))).array == [3, 1, 0, 0, 0, 0x6b] + ballot)
    let erase = Record.erase(key: "k", ballot: b(8, 2), floor: b(8, 2))
    #expect(encoded(erase).array == [6, 1, 0, 0, 0, 0x6b] + ballot + ballot)
    #expect(encoded(Record.floor(b(8, 2))).array == [7] + ballot)
    let aged = RegisterState(value: "v", extra: .init(forgotten: b(8, 2)))
    #expect(
      encoded(aged).array == [3, 0] + zero + [0, 0, 0, 0, 1] + ballot + [1, 0, 0, 0, 0x76])
    let accept = Record.accept(
      key: "k", ballot: b(8, 2), promised: b(8, 2), state: RegisterState(value: "v"))
    #expect(
      encoded(accept).array == [4, 1, 0, 0, 0, 0x6b] + ballot + ballot + [1, 0] + zero
        + [0, 0, 0, 0, 1, 0, 0, 0, 0x76])
    let prepare = Message(.prepare, slot: 3, ballot: b(8, 2), key: "k")
    #expect(encoded(prepare).array == [1, 3, 0, 0, 0] + ballot + [1, 0, 0, 0, 0x6b])
  }

  /// A store may hold how far a transfer was, of a program that asked nobody what was collected.
  @Test func aTransferOfOldTellsNothingOfWhatWasCollected() throws {
    let bytes: [UInt8] =
      [8, 3, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 255, count: 8)
    var reader = ByteReader(Bytes(bytes))
    let floor = Ballot(epoch: Epoch(3), counter: 0, voter: .none)
    #expect(
      try Record(from: &reader)
        == .transferred(Epoch(3), hashSeed: 7, through: .max, floor: floor))
  }

  @Test func anEmptyValueAndNoValueAreTwoThings() throws {
    let empty = encoded(RegisterState(value: Bytes()))
    #expect(empty != encoded(RegisterState.blank))
    var reader = ByteReader(empty)
    #expect(try RegisterState(from: &reader).value == Bytes())
  }

  @Test func nonsenseThrows() {
    func refused(_ message: Message) {
      var reader = ByteReader(encoded(message))
      #expect(throws: CodingError.self, "\(message)") { try Message(from: &reader) }
    }
    refused(Message(.prepare, slot: 0, ballot: .zero, key: "k"))
    refused(Message(.prepare, slot: 0, ballot: b(0, 1), key: "k"))
    refused(Message(.prepare, slot: 0, ballot: b(1, 0), key: "k"))
    refused(Message(.prepare, slot: 0, ballot: b(.max, 1), key: "k"))
    refused(
      Message(.prepare, slot: 0, ballot: b(1, 1), key: Bytes([UInt8](repeating: 0, count: 65537))))
    refused(Message(.accept, slot: 0, ballot: b(5, 1), promised: b(5, 1)))
    refused(Message(.accept, slot: 0, ballot: b(5, 1), promised: b(4, 1)))
    refused(Message(.accept, slot: 0, ballot: b(5, 1), promised: b(6, 2)))
    refused(
      Message(
        .accept, slot: 0, ballot: b(5, 1),
        promised: Ballot(epoch: Epoch(1), counter: 6, voter: VoterID(1))))
    let writers = (1...64 as ClosedRange<UInt32>).map { b(1, $0) }
    refused(Message(.readReply, slot: 0, ballot: b(5, 1), state: RegisterState(lineage: writers)))
    for kind in [0, 99, 255] as [UInt8] {
      var reader = ByteReader(Bytes([kind] + [UInt8](repeating: 1, count: 60)))
      #expect(throws: CodingError.self) { try Message(from: &reader) }
      reader = ByteReader(Bytes([kind] + [UInt8](repeating: 1, count: 60)))
      #expect(throws: CodingError.self) { try Record(from: &reader) }
    }
  }

  @Test func randomAndDamagedBytesNeverTrap() {
    var random = SplitMix(seed: 4)
    let forms = Self.messages.map { encoded($0).array } + Self.records.map { encoded($0).array }
    var read = 0
    for round in 0..<4000 {
      var bytes: [UInt8]
      if round % 2 == 0 {
        bytes = (0..<Int(random.next() % 90)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        if !bytes.isEmpty { bytes[0] = UInt8(random.next() % 9) }
      } else {
        bytes = forms[Int(random.next() % UInt64(forms.count))]
        let place = Int(random.next() % UInt64(bytes.count))
        bytes[place] ^= 1 << UInt8(random.next() % 8)
      }
      var reader = ByteReader(Bytes(bytes))
      if let message = try? Message(from: &reader) {
        read += 1
        // What is read can be written, and reads the same.
        var again = ByteReader(encoded(message))
        #expect((try? Message(from: &again)) == message)
      }
      reader = ByteReader(Bytes(bytes))
      if let record = try? Record(from: &reader) {
        var again = ByteReader(encoded(record))
        #expect((try? Record(from: &again)) == record)
      }
    }
    #expect(read > 500)
  }

  @Test func aStateRemembersTheLastWriteOfEveryWriter() {
    var now = RegisterState.blank
    for (counter, voter) in [(1, 2), (2, 2), (3, 1), (4, 3), (5, 1)] as [(UInt64, UInt32)] {
      now = now.written("x", at: b(counter, voter), step: 1)
    }
    #expect(now.lineage == [b(2, 2), b(4, 3)])
    for ballot in [b(2, 2), b(4, 3), b(5, 1)] { #expect(now.descends(from: ballot)) }
    for ballot in [b(6, 2), b(4, 2), b(6, 1)] { #expect(!now.descends(from: ballot)) }
  }
}
