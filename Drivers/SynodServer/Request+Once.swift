import CASPaxos
import RESP
import Synod

/// `SYNOD.ONCE client number [RETRY] command key …` makes a change once, however often it is sent;
/// `SYNOD.FORGET client number key` says that none up to that number will be sent again; `SYNOD.SETTLE key` gives the value, and
/// sees to it that nothing comes any more of changes that were given up.
extension Request {
  /// Bytes.
  private static let longestClient = 128

  static func forget(_ parser: RequestParser) -> Request {
    guard let client = client(parser) else { return .invalid(badClient) }
    guard let number = number(parser) else { return .invalid(badNumber) }
    return .fence(key: parser.bytes(3), .forget(client, through: number))
  }

  static func once(_ parser: RequestParser, _ limits: ValueLimits) -> Request {
    guard let client = client(parser) else { return .invalid(badClient) }
    guard let number = number(parser) else { return .invalid(badNumber) }
    var inner = parser
    inner.dropFirst(3)
    let isRetry = inner.text(0, limit: 8).uppercased() == "RETRY"
    if isRetry { inner.dropFirst(1) }
    var limits = limits
    // Another node may have taken what this one would not, and the key knows.
    if isRetry { limits.maxValue = .max }
    switch Request(inner, limits: limits) {
    case .one(let key, let change):
      return .once(Once(client, number, isRetry: isRetry), key: key, change)
    case .invalid(let error): return .invalid(error)
    case .each, .once, .fence, .steps, .members, .walk, .connection, .foreign:
      return .invalid("ERR SYNOD.ONCE takes a command on one key")
    }
  }

  /// What a client calls itself, as the machine knows it.
  private static func client(_ parser: RequestParser) -> Identity128? {
    let name = parser.argument(1)
    guard (1...longestClient).contains(name.count) else { return nil }
    let bytes = Bytes(copying: name)
    return Identity128(
      high: SipHash(key: (0x73796e6f642d6f6e, 1)).hash(bytes),
      low: SipHash(key: (0x73796e6f642d6f6e, 2)).hash(bytes))
  }

  private static func number(_ parser: RequestParser) -> UInt64? {
    parseInteger(parser.argument(2)).flatMap { UInt64(exactly: $0) }
  }

  private static let badNumber = "ERR the number of a change must be a whole number from 0"
  private static let badClient =
    "ERR the name of a client must have 1 to \(longestClient) bytes; draw it at random"
}
