import CASPaxos
import RESP
import Synod
import Testing

@testable import SynodServer

private let limits = ValueLimits(maxKey: 16, maxValue: 32)

/// What an inline command is understood as.
private func request(_ line: String) throws -> Request {
  var parser = RequestParser()
  return try Array((line + "\r\n").utf8).withUnsafeBytes { (bytes) throws in
    var offset = 0
    let found = try parser.next(in: bytes, from: &offset)
    try #require(found)
    return Request(parser, limits: limits)
  }
}

private func error(_ line: String) throws -> String? {
  if case .invalid(let error) = try request(line) { return error }
  return nil
}

/// Runs the one change that a line asks for.
private func reply(_ line: String, on value: Bytes?) throws -> KeyValueReply? {
  guard case .one("k", let change) = try request(line) else { return nil }
  switch change.apply(to: .init(value: value)) {
  case .write(_, let reply), .keep(let reply): return reply
  case .reject: return nil
  }
}

@Test(
  arguments: [
    ("GET k", KeyValueReply.value("5")), ("sEt k v", .ok), ("SET k v NX", .null),
    ("SET k v xx get", .value("5")), ("SETNX k v", .integer(0)), ("GETSET k v", .value("5")),
    ("GETDEL k", .value("5")), ("DEL k", .integer(1)), ("EXISTS k", .integer(1)),
    ("STRLEN k", .integer(1)), ("APPEND k 67", .integer(3)), ("INCR k", .integer(6)),
    ("DECR k", .integer(4)), ("INCRBY k 10", .integer(15)), ("DECRBY k 10", .integer(-5)),
    ("CAS k 5 6", .integer(1)),
  ] as [(String, KeyValueReply)])
func aCommandIsUnderstood(_ line: String, _ expected: KeyValueReply) throws {
  #expect(try reply(line, on: "5") == expected)
}

@Test func severalKeysAreAskedForEachOnItsOwn() throws {
  for (line, sum) in [("DEL a b", true), ("EXISTS a b", true), ("MGET a b", false)] {
    guard case .each(_, let keys, let combination) = try request(line) else {
      Issue.record("\(line) is for several keys")
      continue
    }
    #expect(keys == 1..<3)
    #expect((combination == .sum) == sum)
  }
}

@Test(arguments: [
  ("get", "ERR wrong number of arguments for 'get' command"),
  ("GET a b", "ERR wrong number of arguments for 'get' command"),
  ("SET a", "ERR wrong number of arguments for 'set' command"),
  ("CAS a b", "ERR wrong number of arguments for 'cas' command"),
  ("DEL", "ERR wrong number of arguments for 'del' command"),
  ("SET a b XX NX", "ERR syntax error"),
  ("SET a b WHAT", "ERR syntax error"),
  ("SET a b EX 10", "ERR SET option 'EX' is not supported: keys do not expire here"),
  ("SET a b EX", "ERR syntax error"), ("SET a b KEEPTTL EX 10", "ERR syntax error"),
  ("SET a b EX 10 PX 10", "ERR syntax error"),
  ("INCRBY a 1.5", "ERR value is not an integer or out of range"),
  ("DECRBY a -9223372036854775808", "ERR decrement would overflow"),
  ("LPUSH a b", "ERR unknown command 'LPUSH', with args beginning with: 'a' 'b' "),
  ("x", "ERR unknown command 'x', with args beginning with: "),
  (
    "GET 12345678901234567",
    "ERR key is 17 bytes long, over the limit of 16; nothing was changed"
  ),
  (
    "MGET a 12345678901234567",
    "ERR key is 17 bytes long, over the limit of 16; nothing was changed"
  ),
  (
    "SET a 123456789012345678901234567890123",
    "ERR value is 33 bytes long, over the limit of 32 (--max-value); nothing was changed"
  ),
])
func aWrongCommandIsToldWhy(_ line: String, _ expected: String) throws {
  #expect(try error(line) == expected)
}

@Test func theNameInAnErrorIsCutShort() throws {
  let error = try #require(try error(String(repeating: "x", count: 1000) + " y"))
  #expect(error.utf8.count < 300)
}
