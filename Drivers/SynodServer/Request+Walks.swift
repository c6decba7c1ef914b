import KeyValue
import RESP
import Synod

/// The commands that go through the keys.
extension Request {
  static func walk(_ command: Command, _ parser: RequestParser, limits: ValueLimits) -> Request {
    switch command {
    case .scan: return scan(parser)
    case .keys:
      return pattern(parser, 1).map { .walk(.keys, $0) } ?? .invalid(patternTooLong)
    case .dbsize: return .walk(.count, nil)
    case .randomkey: return .walk(.random(from: .random(in: 0...(.max >> 1))), nil)
    case .flushall, .flushdb: return flush(command, parser, limits)
    case .get, .set, .setnx, .getset, .getdel, .del, .exists, .strlen, .append, .incr, .decr,
      .incrby, .decrby, .cas, .mget, .mset, .msetnx, .multi, .exec, .discard, .watch, .unwatch,
      .ping, .echo, .quit, .select, .hello, .auth, .acl, .slowlog, .client, .command,
      .config, .info, .reset, .synodWatch, .synodUnwatch, .synodOnce, .synodForget, .synodSettle,
      .synodMembers, .synodLease:
      preconditionFailure("\(command) does not go through the keys")
    }
  }

  private static func scan(_ parser: RequestParser) -> Request {
    guard let cursor = UInt64(parser.text(1)) else { return .invalid("ERR invalid cursor") }
    var count: Int64 = 10
    var pattern: Glob?
    var isOfAnyType = true
    var index = 2
    while index < parser.argumentCount {
      guard index + 1 < parser.argumentCount else { return .invalid("ERR syntax error") }
      switch parser.text(index).uppercased() {
      case "MATCH":
        guard let found = Self.pattern(parser, index + 1) else { return .invalid(patternTooLong) }
        pattern = found
      case "COUNT":
        guard let number = parseInteger(parser.argument(index + 1)) else {
          return .invalid(KeyValueRejection.notAnInteger.text)
        }
        guard number > 0 else { return .invalid("ERR syntax error") }
        count = number
      // Every value is a string.
      case "TYPE": isOfAnyType = parser.text(index + 1).lowercased() == "string"
      default: return .invalid("ERR syntax error")
      }
      index += 2
    }
    let after = cursor == 0 ? nil : cursor - 1
    return .walk(
      .scan(after: after, count: Int(min(count, 4096)), isOfAnyType: isOfAnyType), pattern)
  }

  private static func pattern(_ parser: RequestParser, _ index: Int) -> Glob? {
    let bytes = parser.argument(index)
    return bytes.count <= Glob.maxLength ? Glob(bytes) : nil
  }

  private static let patternTooLong =
    "ERR the pattern is longer than \(Glob.maxLength) bytes"

  private static func flush(
    _ command: Command, _ parser: RequestParser, _ limits: ValueLimits
  ) -> Request {
    let isPlain = parser.argumentCount == 1
    let mode = isPlain ? "" : parser.text(1).uppercased()
    guard isPlain || parser.argumentCount == 2 && (mode == "SYNC" || mode == "ASYNC") else {
      return .invalid("ERR syntax error")
    }
    guard limits.allowsFlush else {
      return .invalid(
        "ERR \(command.name.uppercased()) deletes every key, and is not enabled on this node "
          + "(--enable-flush); nothing was changed")
    }
    return .walk(.flush, nil)
  }
}
