import Synod
import SynodSimulation
import Testing

/// Recorded histories as text.
@Suite struct CheckersTextTests {
  @Test func aHistoryIsReadAsItWasWritten() throws {
    var history = RecordedHistory()
    for seed in 0..<20 as Range<UInt64> {
      var generator = HistoryGenerator(seed: seed, operations: 50)
      for one in generator.generate().history {
        history.append(one.timed, of: Bytes("key \(seed)"))
      }
    }
    let again = try RecordedHistory(history.text)
    #expect(again.count == history.count && again.unknownCount == history.unknownCount)
    #expect(history.unknownCount > 0)
    for (one, other) in zip(history.keys, again.keys) {
      #expect(one.name == other.name)
      #expect(one.operations == other.operations)
    }
    #expect(again.text == history.text)
  }

  @Test(arguments: [
    "", " ", "()", "(nil)", "?", "->", "%", "a b", "(x", "\u{0}\u{ff}", "007", "-0", "+1", "12",
    "9223372036854775807", "9223372036854775808", "#", "-",
  ])
  func anyValueCanBeWritten(_ value: String) throws {
    var history = RecordedHistory()
    let operation = KeyValueOperation(.get, .value(RecordedValue(Bytes(value))))
    history.append(
      TimedOperation(client: 1, operation: operation, invoked: 1, returned: 2), of: Bytes(value))
    let again = try RecordedHistory(history.text)
    #expect(again.keys.first?.name == Bytes(value))
    #expect(again.keys.first?.operations.first?.operation == operation)
  }

  @Test func numbersAreThoseThatCanBeCounted() {
    #expect(RecordedValue("12") == .number(12))
    #expect(RecordedValue("-7") == .number(-7))
    for text in ["012", "+1", "-0", "1.0", "", "9223372036854775808"] {
      #expect(RecordedValue(Bytes(text)) == .text(Bytes(text)))
    }
  }

  @Test(arguments: ["", "1 2 3 k GET -> a", "synod-history 2", "synod-history"])
  func aHistoryNeedsItsFirstLine(_ text: String) {
    #expect(throws: HistoryError(line: 1, problem: .noHeader)) { try RecordedHistory(text) }
  }

  @Test(arguments: [
    ("x 1 2 k GET -> a", "'x' is not a client's number"),
    ("-1 1 2 k GET -> a", "'-1' is not a client's number"),
    ("1 1", "this is no operation"),
    ("1 1 2 k GET a", "this is no operation"),
    ("1 1.5 2 k GET -> a", "'1.5' is not the moment of a call"),
    ("1 2 1 k GET -> a", "answered before it was called"),
    ("1 1 soon k GET -> a", "'soon' is not the moment of an answer"),
    ("1 1 - k GET -> a", "'a' is not an answer that goes with the moment"),
    ("1 1 2 k GET -> ?", "'?' is not an answer that goes with the moment"),
    ("1 1 2 k SET -> OK", "'SET' is not SET value, GET"),
    ("1 1 2 k SET a b -> OK", "'SET' is not SET value, GET"),
    ("1 1 2 k PUSH a -> OK", "'PUSH' is not SET value, GET"),
    ("1 1 2 k SET a -> 1", "'1' is not an answer to SET"),
    ("1 1 2 k INCR -> one", "'one' is not an answer to INCR"),
    ("1 1 2 k CAS a b -> 2", "'2' is not an answer to CAS or DEL"),
    ("1 1 2 %4 GET -> a", "'%4' is not a key"),
    ("1 1 2 k SET (x -> OK", "'(x' is not a value"),
  ])
  func aWrongLineIsNamedWithWhatIsWrong(_ line: String, _ expected: String) throws {
    let text = "\n# a remark\nsynod-history 1\r\n1 1 2 k GET -> a\r\n" + line + "\n"
    let error = try #require(throws: HistoryError.self) { try RecordedHistory(text) }
    #expect(error.line == 5)
    #expect(error.description.contains(expected), "\(error)")
  }

  @Test func hostileBytesGiveAnErrorOrAHistory() {
    var random = SplitMix(seed: 3)
    let good = Array("synod-history 1\n1 10 20 k CAS a %20b -> 1\n2 30 - k SET x -> ?\n".utf8)
    for _ in 0..<3000 {
      var bytes = good
      for _ in 0...(random.next() % 3) {
        bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
      }
      if let history = try? RecordedHistory(String(decoding: bytes, as: UTF8.self)) {
        #expect(history.count <= 2)
      }
    }
  }
}
