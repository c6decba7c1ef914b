import RESP
import Testing

private func written(_ version: RESPVersion, _ body: (inout ReplyWriter) -> Void) -> String {
  var writer = ReplyWriter(version: version, capacity: 64)
  body(&writer)
  return String(decoding: writer.written.bytes, as: UTF8.self)
}

@Test(arguments: [RESPVersion.resp2, .resp3]) func bothVersionsShareTheseReplies(_ v: RESPVersion) {
  #expect(written(v) { $0.simple("OK" as StaticString) } == "+OK\r\n")
  #expect(written(v) { $0.error("ERR no\r\n+OK") } == "-ERR no  +OK\r\n")
  #expect(written(v) { $0.integer(.min) } == ":-9223372036854775808\r\n")
  #expect(written(v) { $0.integer(0) } == ":0\r\n")
  #expect(written(v) { $0.bulk("é\r\n") } == "$4\r\né\r\n\r\n")
  #expect(written(v) { $0.bulk("") } == "$0\r\n\r\n")
  #expect(written(v) { $0.array(2) } == "*2\r\n")
}

@Test func whatRESP3AddsHasAnOlderForm() {
  let all: [((inout ReplyWriter) -> Void, String, String)] = [
    ({ $0.null() }, "$-1\r\n", "_\r\n"),
    ({ $0.nullArray() }, "*-1\r\n", "_\r\n"),
    ({ $0.map(2) }, "*4\r\n", "%2\r\n"),
    ({ $0.set(2) }, "*2\r\n", "~2\r\n"),
    ({ $0.push(2) }, "*2\r\n", ">2\r\n"),
    ({ $0.boolean(true) }, ":1\r\n", "#t\r\n"),
    ({ $0.boolean(false) }, ":0\r\n", "#f\r\n"),
    ({ $0.double(1.5) }, "$3\r\n1.5\r\n", ",1.5\r\n"),
    ({ $0.double(-.infinity) }, "$4\r\n-inf\r\n", ",-inf\r\n"),
    ({ $0.verbatim("a b") }, "$3\r\na b\r\n", "=7\r\ntxt:a b\r\n"),
  ]
  for (body, resp2, resp3) in all {
    #expect(written(.resp2, body) == resp2)
    #expect(written(.resp3, body) == resp3)
  }
}

@Test func aLargeReplyGrowsTheBufferAndAResetShrinksIt() {
  var writer = ReplyWriter(capacity: 64)
  let value = String(repeating: "x", count: 5000)
  writer.bulk(value)
  writer.integer(7)
  #expect(String(decoding: writer.written.bytes, as: UTF8.self) == "$5000\r\n\(value)\r\n:7\r\n")
  writer.reset()
  #expect(writer.isEmpty)
  writer.integer(8)
  #expect(String(decoding: writer.written.bytes, as: UTF8.self) == ":8\r\n")
}

@Test func memoryThatIsStillBeingSentIsLeftAlone() {
  var writer = ReplyWriter()
  writer.integer(1)
  let (owner, bytes) = writer.written
  writer.reset()
  writer.integer(2)
  #expect(withExtendedLifetime(owner) { String(decoding: bytes, as: UTF8.self) } == ":1\r\n")
}

@Test func memoryThatWasSentIsUsedAgain() {
  var writer = ReplyWriter()
  writer.integer(1)
  let before = writer.written.bytes.baseAddress
  writer.reset()
  writer.integer(2)
  #expect(writer.written.bytes.baseAddress == before)
}

@Test(
  arguments: [
    ("0", 0), ("-1", -1), ("9223372036854775807", Int64.max), ("-9223372036854775808", Int64.min),
  ] as [(String, Int64)])
func anIntegerHasOneForm(_ text: String, _ value: Int64) {
  #expect(bytes(text).withUnsafeBytes { parseInteger($0) } == value)
  #expect(withDecimal(value) { String(decoding: $0, as: UTF8.self) } == text)
}

@Test(arguments: [
  "", "-", "+1", "01", "-0", " 1", "1 ", "1.0", "9223372036854775808", "-9223372036854775809",
  "99999999999999999999", "123456789012345678901",
])
func anythingElseIsNoInteger(_ text: String) {
  #expect(bytes(text).withUnsafeBytes { parseInteger($0) } == nil)
}
