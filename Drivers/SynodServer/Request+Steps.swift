import KeyValue
import RESP
import Synod

/// Commands that take several keys at one moment, and leases.
extension Request {
  static func setSeveral(_ command: Command, _ parser: RequestParser) -> Request {
    guard parser.argumentCount % 2 == 1 else { return .invalid(wrongNumber(command.name)) }
    let pairs = stride(from: 1, to: parser.argumentCount, by: 2).map {
      KeyValuePair(parser.bytes($0), parser.bytes($0 + 1))
    }
    return .steps(command == .mset ? .set(pairs) : .setIfAllMissing(pairs))
  }

  /// `SYNOD.LEASE TAKE name holder milliseconds | REFRESH name holder token milliseconds | RELEASE name
  /// holder token | GET name`
  static func lease(_ parser: RequestParser) -> Request {
    let count = parser.argumentCount
    let what = parser.text(1, limit: 16).uppercased()
    let name = parser.bytes(2)
    guard (1...longestName).contains(name.count),
      count < 4 || parser.argument(3).count <= longestName
    else { return .invalid("ERR the name of a lease must have 1 to \(longestName) bytes") }
    switch (what, count) {
    case ("GET", 3): return .steps(.lease(.get(name: name)))
    case ("TAKE", 5):
      guard let time = time(parser, 4) else { return .invalid(badTime) }
      return .steps(.lease(.take(name: name, holder: parser.bytes(3), milliseconds: time)))
    case ("REFRESH", 6):
      guard let token = token(parser, 4) else { return .invalid(badToken) }
      guard let time = time(parser, 5) else { return .invalid(badTime) }
      return .steps(
        .lease(.refresh(name: name, holder: parser.bytes(3), token: token, milliseconds: time)))
    case ("RELEASE", 5):
      guard let token = token(parser, 4) else { return .invalid(badToken) }
      return .steps(.lease(.release(name: name, holder: parser.bytes(3), token: token)))
    case ("GET", _), ("TAKE", _), ("REFRESH", _), ("RELEASE", _):
      return .invalid(wrongNumber("synod.lease|\(what.lowercased())"))
    default:
      return .invalid(
        "ERR unknown subcommand '\(parser.text(1, limit: 64))'. Try TAKE, REFRESH, RELEASE or GET.")
    }
  }

  private static let longestName = 1024

  private static func time(_ parser: RequestParser, _ index: Int) -> UInt64? {
    guard let number = parseInteger(parser.argument(index)).flatMap({ UInt64(exactly: $0) }),
      (1...LeaseStep.longestTime).contains(number)
    else { return nil }
    return number
  }

  private static func token(_ parser: RequestParser, _ index: Int) -> UInt64? {
    parseInteger(parser.argument(index)).flatMap { UInt64(exactly: $0) }
  }

  private static let badTime =
    "ERR a lease lasts 1 to \(LeaseStep.longestTime) milliseconds"
  private static let badToken = "ERR a token is the whole number that TAKE gave"
}

extension ValueLimits {
  /// What is too long in a step that was just read; nil where nothing is.
  func error(in step: KeyValueStep) -> String? {
    switch step {
    case .set(let pairs), .setIfAllMissing(let pairs):
      for pair in pairs {
        if pair.key.count > maxKey { return keyTooLong(pair.key.count) }
        if pair.value.count > maxValue { return valueTooLong(pair.value.count) }
      }
      return nil
    // Made of one key, or of arguments that were looked at already.
    case .change, .once, .forget, .get, .count, .delete, .versions, .size, .list, .deleteAll,
      .lease, .letGo, .configure:
      return nil
    }
  }
}
