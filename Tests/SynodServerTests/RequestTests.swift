import CASPaxos
import KeyValue
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
  ("SYNOD.ONCE me 1 INCR", "ERR wrong number of arguments for 'synod.once' command"),
  ("SYNOD.ONCE me x INCR k", "ERR the number of a change must be a whole number from 0"),
  ("SYNOD.ONCE me -1 INCR k", "ERR the number of a change must be a whole number from 0"),
  ("SYNOD.ONCE me 1 RETRY INCR", "ERR wrong number of arguments for 'incr' command"),
  ("SYNOD.ONCE me 1 MGET a b", "ERR SYNOD.ONCE takes a command on one key"),
  ("SYNOD.ONCE me 1 PING a", "ERR SYNOD.ONCE takes a command on one key"),
  ("SYNOD.ONCE me 1 SYNOD.ONCE me 2 INCR k", "ERR SYNOD.ONCE takes a command on one key"),
  (
    "SYNOD.ONCE me 1 GET 12345678901234567",
    "ERR key is 17 bytes long, over the limit of 16; nothing was changed"
  ),
  (
    "SYNOD.SETTLE 12345678901234567",
    "ERR key is 17 bytes long, over the limit of 16; nothing was changed"
  ),
  ("SYNOD.SETTLE", "ERR wrong number of arguments for 'synod.settle' command"),
  ("SYNOD.FORGET me k", "ERR wrong number of arguments for 'synod.forget' command"),
  ("SYNOD.WHAT a", "ERR unknown command 'SYNOD.WHAT', with args beginning with: 'a' "),
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
