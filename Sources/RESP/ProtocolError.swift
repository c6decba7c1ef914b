/// Why a client's bytes are not a command. The connection cannot go on after one, since nothing
/// says where the next command would begin.
public enum ProtocolError: Error, Hashable, Sendable {
  /// The count after `*` is not a number, or over the limit (`found` is nil where it is no number).
  case invalidMultibulkLength(found: Int64?, limit: Int)
  /// The length after `$` is not a number, negative, or over the limit (bytes).
  case invalidBulkLength(found: Int64?, limit: Int)
  /// An argument does not begin with `$`.
  case expectedBulk(found: UInt8)
  /// A count's line does not end within its limit.
  case tooLongMultibulkCount
  /// A length's line does not end within its limit.
  case tooLongBulkCount
  /// An inline command does not end within its limit (bytes).
  case tooLongInline(limit: Int)
  /// An inline command has more arguments than allowed.
  case tooManyInlineArguments(limit: Int)
  /// A quote in an inline command is not closed, or more follows right behind it.
  case unbalancedQuotes
  /// What follows an argument's bytes is not CR LF.
  case expectedLineEnd
  /// The command is over the limit on the whole of it (bytes).
  case tooLargeRequest(limit: Int)
}

extension ProtocolError: CustomStringConvertible {
  /// The text of the error reply, as Redis words it, with the figures behind it.
  public var description: String {
    switch self {
    case .invalidMultibulkLength(let found, let limit):
      "ERR Protocol error: invalid multibulk length"
        + Self.figures(found, "arguments", limit)
    case .invalidBulkLength(let found, let limit):
      "ERR Protocol error: invalid bulk length" + Self.figures(found, "bytes", limit)
    case .expectedBulk(let found):
      "ERR Protocol error: expected '$', got '\(Self.printable(found))'"
    case .tooLongMultibulkCount: "ERR Protocol error: too big mbulk count string"
    case .tooLongBulkCount: "ERR Protocol error: too big bulk count string"
    case .tooLongInline(let limit):
      "ERR Protocol error: too big inline request: over the limit of \(limit) bytes"
    case .tooManyInlineArguments(let limit):
      "ERR Protocol error: too big inline request: over the limit of \(limit) arguments"
    case .unbalancedQuotes: "ERR Protocol error: unbalanced quotes in request"
    case .expectedLineEnd: "ERR Protocol error: expected CR LF after a bulk string"
    case .tooLargeRequest(let limit):
      "ERR Protocol error: too big request: over the limit of \(limit) bytes"
    }
  }

  private static func figures(_ found: Int64?, _ unit: String, _ limit: Int) -> String {
    guard let found, found >= 0 else { return "" }
    return ": \(found) \(unit), the limit is \(limit)"
  }

  /// The byte as a character that cannot break the line of an error reply.
  private static func printable(_ byte: UInt8) -> String {
    byte >= 0x20 && byte < 0x7f
      ? String(Unicode.Scalar(byte)) : "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
  }
}
