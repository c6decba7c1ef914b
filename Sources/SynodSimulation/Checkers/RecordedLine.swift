import Synod

/// One line of a recorded history.
struct RecordedLine {
  typealias Words = [Substring.UTF8View]
  typealias Problem = HistoryError.Problem

  var key: Bytes
  var operation: RecordedHistory.Timed

  init(key: Bytes, operation: RecordedHistory.Timed) {
    self.key = key
    self.operation = operation
  }

  init(_ words: Words) throws(Problem) {
    let arrow = words.count - 2
    guard arrow >= 5, words[arrow].elementsEqual("->".utf8) else { throw .notAnOperation }
    let client = try Self.number(words[0], "a client's number")
    let invoked = try Self.number(words[1], "the moment of a call")
    var returned: UInt64?
    if !words[2].elementsEqual("-".utf8) {
      let moment = try Self.number(words[2], "the moment of an answer, or '-'")
      if moment < invoked { throw .answeredBeforeCalled }
      returned = moment
    }
    guard let small = Int(exactly: client) else {
      throw Self.wrong(words[0], "a client's number")
    }
    key = try Self.bytes(words[3], "a key")
    let call = try Self.call(words[4..<arrow])
    let answer = try Self.answer(words[arrow + 1], to: call)
    guard (answer == .unknown) == (returned == nil) else {
      throw Self.wrong(words[arrow + 1], "an answer that goes with the moment: both or none")
    }
    operation = TimedOperation(
      client: small, operation: KeyValueOperation(call, answer), invoked: invoked,
      returned: returned)
  }

  private static func wrong(_ word: Substring.UTF8View, _ expected: String) -> Problem {
    .wrong(word: String(decoding: word.prefix(64), as: UTF8.self), expected: expected)
  }

  private static func number(
    _ word: Substring.UTF8View, _ expected: String
  ) throws(Problem) -> UInt64 {
    guard let number = UInt64(Substring(word)), word.first != UInt8(ascii: "+") else {
      throw wrong(word, expected)
    }
    return number
  }

  private static func bytes(
    _ word: Substring.UTF8View, _ expected: String
  ) throws(Problem) -> Bytes {
    guard let bytes = historyBytes(word) else { throw wrong(word, expected) }
    return bytes
  }

  private static func call(
    _ words: ArraySlice<Substring.UTF8View>
  ) throws(Problem) -> KeyValueOperation.Call {
    guard let name = words.first else { throw .notAnOperation }
    var values: [RecordedValue] = []
    for word in words.dropFirst() { values.append(RecordedValue(try bytes(word, "a value"))) }
    switch (String(Substring(name)), values.count) {
    case ("SET", 1): return .set(values[0])
    case ("GET", 0): return .get
    case ("INCR", 0): return .increment
    case ("CAS", 2): return .compareAndSet(values[0], values[1])
    case ("DEL", 0): return .delete
    default: throw wrong(name, "SET value, GET, INCR, CAS expected new or DEL")
    }
  }

  private static func answer(
    _ word: Substring.UTF8View, to call: KeyValueOperation.Call
  ) throws(Problem) -> KeyValueOperation.Answer {
    if word.elementsEqual("?".utf8) { return .unknown }
    switch call {
    case .set:
      if word.elementsEqual("OK".utf8) { return .done }
      throw wrong(word, "an answer to SET: OK or ?")
    case .get:
      if word.elementsEqual("(nil)".utf8) { return .value(nil) }
      return .value(RecordedValue(try bytes(word, "an answer to GET: a value, (nil) or ?")))
    case .increment:
      if word.elementsEqual("(refused)".utf8) { return .refused }
      guard let sum = Int64(Substring(word)) else {
        throw wrong(word, "an answer to INCR: a number, (refused) or ?")
      }
      return .number(sum)
    case .compareAndSet, .delete:
      if word.elementsEqual("0".utf8) { return .number(0) }
      if word.elementsEqual("1".utf8) { return .number(1) }
      throw wrong(word, "an answer to CAS or DEL: 0, 1 or ?")
    }
  }

  var text: String {
    let returned = operation.returned.map { "\($0)" } ?? "-"
    return "\(operation.client) \(operation.invoked) \(returned) \(historyToken(key)) "
      + operation.operation.description
  }
}

extension KeyValueOperation: CustomStringConvertible {
  /// As a line of a recorded history has it: `SET 17 -> OK`.
  public var description: String { "\(call) -> \(answer)" }
}

extension KeyValueOperation.Call: CustomStringConvertible {
  /// As a line of a recorded history has it.
  public var description: String {
    switch self {
    case .set(let value): "SET \(value)"
    case .get: "GET"
    case .increment: "INCR"
    case .compareAndSet(let expected, let new): "CAS \(expected) \(new)"
    case .delete: "DEL"
    }
  }
}

extension KeyValueOperation.Answer: CustomStringConvertible {
  /// As a line of a recorded history has it.
  public var description: String {
    switch self {
    case .unknown: "?"
    case .done: "OK"
    case .value(let value): value.map { "\($0)" } ?? "(nil)"
    case .number(let number): "\(number)"
    case .refused: "(refused)"
    }
  }
}
