import RESP
import Testing

@Test func anArrayOfBulkStringsIsACommand() {
  #expect(parse([command("SET", "k", "v")]) == commands([["SET", "k", "v"]]))
}

@Test func anArgumentMayHoldAnyBytes() {
  #expect(parse([command("ECHO", "a\r\nb$5\r\n*\0")]) == commands([["ECHO", "a\r\nb$5\r\n*\0"]]))
  #expect(parse([command("ECHO", "")]) == commands([["ECHO", ""]]))
}

@Test func pipelinedCommandsComeInOrder() {
  let all = command("GET", "a") + bytes("PING\r\n") + command("GET", "b")
  #expect(parse([all]) == commands([["GET", "a"], ["PING"], ["GET", "b"]]))
}

@Test func emptyArraysAndEmptyLinesArePassedOver() {
  #expect(parse("*0\r\n\r\n*-1\r\n  \r\n\nPING\r\n") == commands([["PING"]]))
}

@Test func anInlineCommandIsSplitAtBlanks() {
  #expect(parse("  SET  key\tvalue \r\n") == commands([["SET", "key", "value"]]))
  #expect(parse("PING\n") == commands([["PING"]]))
}

@Test(arguments: [
  (#"SET k "a b""#, ["SET", "k", "a b"]),
  (#"SET k "\x41\n\"\\\z""#, ["SET", "k", "A\n\"\\z"]),
  (#"SET k "\xg1""#, ["SET", "k", "xg1"]),
  (#"SET k 'it\'s \n'"#, ["SET", "k", #"it's \n"#]),
  (#"SET k """#, ["SET", "k", ""]),
  (#"SET k ab"c d""#, ["SET", "k", "abc d"]),
])
func quotesOfAnInlineCommandFollowRedis(_ line: String, _ arguments: [String]) {
  #expect(parse(line + "\r\n") == commands([arguments]))
}

@Test(arguments: [#"SET k "a"#, #"SET k 'a"#, #"SET k "a"b"#, #"SET k 'a'b"#, #"SET "a\"#])
func anUnbalancedQuoteIsAnError(_ line: String) {
  #expect(parse(line + "\r\n").error == .unbalancedQuotes)
}

@Test(arguments: [
  ("*x\r\n", "ERR Protocol error: invalid multibulk length"),
  ("*\r\n", "ERR Protocol error: invalid multibulk length"),
  ("*1\n", "ERR Protocol error: invalid multibulk length"),
  ("*01\r\n", "ERR Protocol error: invalid multibulk length"),
  ("*+1\r\n", "ERR Protocol error: invalid multibulk length"),
  ("*99999999999999999999\r\n", "ERR Protocol error: invalid multibulk length"),
  (
    "*1000000\r\n",
    "ERR Protocol error: invalid multibulk length: 1000000 arguments, the limit is 64"
  ),
  ("*1\r\nPING\r\n", "ERR Protocol error: expected '$', got 'P'"),
  ("*1\r\n\u{1}", #"ERR Protocol error: expected '$', got '\x01'"#),
  ("*1\r\n$-1\r\n", "ERR Protocol error: invalid bulk length"),
  ("*1\r\n$abc\r\n", "ERR Protocol error: invalid bulk length"),
  (
    "*1\r\n$1073741824\r\n",
    "ERR Protocol error: invalid bulk length: 1073741824 bytes, the limit is 1048576"
  ),
  (
    "*1\r\n$9223372036854775807\r\n",
    "ERR Protocol error: invalid bulk length: 9223372036854775807 bytes, the limit is 1048576"
  ),
  ("*1\r\n$1\r\nabc", "ERR Protocol error: expected CR LF after a bulk string"),
  ("*" + String(repeating: "1", count: 40), "ERR Protocol error: too big mbulk count string"),
  ("*1\r\n$" + String(repeating: "1", count: 40), "ERR Protocol error: too big bulk count string"),
])
func whatIsNotACommandIsAnError(_ text: String, _ error: String) {
  let parsed = parse(text)
  #expect(parsed.error?.description == error)
  #expect(parsed.commands.isEmpty)
}

@Test func theCommandsBeforeAnErrorAreGivenOut() {
  let parsed = parse("PING\r\n*x\r\nPING\r\n")
  #expect(parsed.commands == [[bytes("PING")]])
  #expect(parsed.error == .invalidMultibulkLength(found: nil, limit: 64))
}

@Test func anErrorIsFinal() {
  var parser = RequestParser()
  var parsed = Parsed()
  for piece in ["*x\r\n", "PING\r\n"] {
    #expect(throws: ProtocolError.invalidMultibulkLength(found: nil, limit: 64)) {
      try feed(bytes(piece), to: &parser, into: &parsed)
    }
  }
  #expect(parsed.commands.isEmpty)
}

@Test func limitsHoldToTheByte() {
  let limits = RequestLimits(maxArguments: 3, maxInline: 16, maxBulk: 5, maxRequest: 32)
  func error(_ text: String) -> ProtocolError? { parse(text, limits: limits).error }
  #expect(error("*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n") == nil)
  #expect(error("*4\r\n") == .invalidMultibulkLength(found: 4, limit: 3))
  #expect(error("a b c\r\n") == nil)
  #expect(error("a b c d\r\n") == .tooManyInlineArguments(limit: 3))
  #expect(error("12345678901234\r\n") == nil)
  #expect(error("123456789012345\r\n") == .tooLongInline(limit: 16))
  #expect(error("1234567890123456") == .tooLongInline(limit: 16))
  #expect(error("*1\r\n$5\r\n12345\r\n") == nil)
  #expect(error("*1\r\n$6\r\n") == .invalidBulkLength(found: 6, limit: 5))
  #expect(error("*3\r\n$5\r\n12345\r\n$5\r\n12345\r\n$1\r\n") == .tooLargeRequest(limit: 32))
}

@Test func anAnnouncedLengthSetsNoMemoryAside() {
  let limits = RequestLimits(maxBulk: 1 << 40, maxRequest: 1 << 41)
  var parser = RequestParser(limits: limits)
  var parsed = Parsed()
  try? feed(bytes("*1\r\n$1000000000000\r\nabc"), to: &parser, into: &parsed)
  try? feed(bytes("def"), to: &parser, into: &parsed)
  #expect(parser.pendingBytes == 26)
  #expect((parser.ownedStorage?.capacity ?? 0) <= 128)
}

@Test func manyArgumentsInManyPiecesAreNotMovedEachTime() throws {
  let limits = RequestLimits(maxArguments: 1025, maxRequest: 4 << 20)
  var parser = RequestParser(limits: limits)
  var parsed = Parsed()
  let key = String(repeating: "k", count: 2000)
  try feed(bytes("*1001\r\n$4\r\nMGET\r\n"), to: &parser, into: &parsed)
  var moves = 0
  var capacity = 0
  for index in 0..<1000 {
    try feed(bytes("$2000\r\n"), to: &parser, into: &parsed)
    try feed(bytes(key + (index < 999 ? "\r\n" : "")), to: &parser, into: &parsed)
    if parser.pendingCapacity != capacity {
      moves += 1
      capacity = parser.pendingCapacity
    }
  }
  #expect(moves < 24)
  #expect(capacity < 2 * 2_020_000)
  try feed(bytes("\r\n"), to: &parser, into: &parsed)
  #expect(parsed.commands.first?.count == 1001)
}

@Test func aCommandThatStraddlesReadsCanBeKept() throws {
  var parser = RequestParser()
  let text = command("SET", "key", String(repeating: "v", count: 100_000))
  var parsed = Parsed()
  try feed(Array(text[..<50_000]), to: &parser, into: &parsed)
  let rest = Array(text[50_000...])
  var kept: RequestStorage?
  try rest.withUnsafeBytes { (bytes) throws in
    var offset = 0
    let found = try parser.next(in: bytes, from: &offset)
    #expect(found)
    #expect(offset == bytes.count)
    kept = parser.ownedStorage
    let value = parser.argument(2)
    let more = try parser.next(in: bytes, from: &offset)
    #expect(!more)
    #expect(value.count == 100_000 && value.allSatisfy { $0 == UInt8(ascii: "v") })
  }
  #expect((kept?.capacity ?? .max) < 110_000)
}
