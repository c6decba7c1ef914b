import KeyValue
import RESP
import Synod

/// What one slot of a connection's queue will be answered with.
enum Answer {
  /// Not known yet.
  case waiting
  case reply(KeyValueReply)
  case failure(Failure)
  /// A reply that was written already.
  case written(Bytes)
  /// Nothing was done, since what was watched had changed.
  case nothing

  /// Why there is no reply, and whether anything happened: that is never blurred.
  struct Failure: Hashable {
    var kind: Kind
    var text: String

    enum Kind: Hashable {
      /// The command itself is at fault; nothing happened.
      case refused
      /// Nothing happened and never will: it is safe to try again.
      case notApplied
      /// It may have happened, or may yet.
      case unknown
    }

    static func refused(_ text: String) -> Failure { Failure(kind: .refused, text: text) }
    static func notApplied(_ why: String) -> Failure {
      Failure(kind: .notApplied, text: "TRYAGAIN \(why); nothing was changed")
    }
    /// Whether an earlier attempt happened is not known; this one did nothing.
    static func retried(_ why: String) -> Failure {
      Failure(
        kind: .unknown,
        text: "UNKNOWN \(why); an earlier attempt may have made the change, or may yet make it: "
          + howToRetry)
    }
    static func unknownOnce(_ why: String) -> Failure {
      Failure(
        kind: .unknown,
        text: "UNKNOWN \(why); the change may have been made, or may yet be: " + howToRetry)
    }
    private static let howToRetry = "send it again with RETRY behind its number"
    /// Nobody will ever know; but nothing comes of it any more.
    static func forgotten(_ why: String) -> Failure {
      Failure(
        kind: .unknown,
        text: "UNKNOWN \(why); the change was made, or never will be: look at the key")
    }
    static func unknown(_ why: String) -> Failure {
      Failure(kind: .unknown, text: "UNKNOWN \(why); the change may have been made, or may yet be")
    }
  }
}

extension ReplyWriter {
  mutating func write(_ reply: KeyValueReply) {
    switch reply {
    case .ok: simple("OK" as StaticString)
    case .null: null()
    case .integer(let value): integer(value)
    case .value(let value): value.withUnsafeBytes { bulk($0) }
    case .array(let replies):
      array(replies.count)
      for reply in replies { write(reply) }
    case .refused(let why): error(why.text)
    }
  }
}
