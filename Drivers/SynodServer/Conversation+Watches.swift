import CASPaxos
import RESP
import Synod

/// `SYNOD.WATCH` and `SYNOD.UNWATCH`. What a watch sees is pushed between replies. In RESP2, which
/// knows no pushes, the connection takes no other commands meanwhile, as with Redis's `SUBSCRIBE`.
extension Conversation {
  static let onlyWatching =
    "ERR only SYNOD.WATCH, SYNOD.UNWATCH, PING, QUIT and RESET are allowed while this connection "
    + "watches, unless it speaks RESP3 (HELLO 3)"

  /// `SYNOD.WATCH key [AFTER version]`, `SYNOD.WATCH PREFIX prefix`.
  mutating func watch(_ host: some ConversationHost) {
    guard let (subject, request) = watchRequest() else {
      return answer(
        .failure(
          .refused(
            "ERR syntax: SYNOD.WATCH key [AFTER version], or SYNOD.WATCH PREFIX prefix; a version is "
              + "one that a watch told of, as 0.6.1+1")))
    }
    guard subject.key.count <= limits.values.maxKey else {
      return answer(.failure(.refused(limits.values.keyTooLong(subject.key.count))))
    }
    let earlier = watches.number(of: subject)
    guard earlier != nil || !watches.isFull else {
      return answer(
        .failure(.refused("ERR this connection watches \(ConnectionWatches.limit) already")))
    }
    let number = watches.next()
    if let refusal = host.watch(subject.key, request, as: number) { return answer(refusal) }
    if let earlier { end(earlier, host) }
    answer { $0.simple("OK" as StaticString) }
    watches.begin(number, subject, from: queue.next)
  }

  /// `SYNOD.UNWATCH [key | PREFIX prefix]`: all where none is named. Gives how many ended.
  mutating func unwatch(_ host: some ConversationHost) {
    let subject: ConnectionWatches.Subject
    switch parser.argumentCount {
    case 1:
      let count = Int64(watches.numbers.count)
      endWatches(host)
      return answer { $0.integer(count) }
    case 2: subject = ConnectionWatches.Subject(key: parser.bytes(1), isPrefix: false)
    case 3 where parser.text(1).uppercased() == "PREFIX":
      subject = ConnectionWatches.Subject(key: parser.bytes(2), isPrefix: true)
    default: return answer(.failure(.refused("ERR syntax error")))
    }
    let number = watches.number(of: subject)
    if let number { end(number, host) }
    answer { $0.integer(number == nil ? 0 : 1) }
  }

  private mutating func end(_ number: UInt32, _ host: some ConversationHost) {
    watches.remove(number)
    host.unwatch(number)
  }

  mutating func endWatches(_ host: some ConversationHost) {
    for number in watches.numbers { end(number, host) }
  }

  private func watchRequest() -> (ConnectionWatches.Subject, WatchRequest)? {
    let key = ConnectionWatches.Subject(key: parser.bytes(1), isPrefix: false)
    switch parser.argumentCount {
    case 2: return (key, .register(after: nil))
    case 3 where parser.watchesPrefix:
      return (ConnectionWatches.Subject(key: parser.bytes(2), isPrefix: true), .prefix)
    case 4 where parser.text(2).uppercased() == "AFTER":
      return Version(parser.text(3)).map { (key, .register(after: $0)) }
    default: return nil
    }
  }

  /// Between two replies, never within one.
  mutating func renderWatches(limit: Int) {
    guard !queue.isWithinReply else { return }
    watches.render(into: &writer, limit: limit, at: queue.first)
  }
}

extension RequestParser {
  /// Whether `SYNOD.WATCH` names a prefix, and not a key.
  var watchesPrefix: Bool { argumentCount == 3 && text(1, limit: 8).uppercased() == "PREFIX" }
}

extension Request {
  /// Whether a connection that watches may ask for it in RESP2.
  var isAllowedWhileWatching: Bool {
    switch self {
    case .connection(let command):
      switch command {
      case .synodWatch, .synodUnwatch, .ping, .quit, .reset: true
      case .get, .set, .setnx, .getset, .getdel, .del, .exists, .strlen, .append, .incr, .decr,
        .incrby, .decrby, .cas, .mget, .mset, .msetnx, .multi, .exec, .discard, .watch, .unwatch,
        .synodLease, .scan, .keys, .dbsize, .randomkey, .flushall, .flushdb,
        .echo, .select, .hello, .auth, .acl, .slowlog, .client, .command, .config, .info,
        .synodOnce,
        .synodForget,
        .synodSettle, .synodMembers:
        false
      }
    case .one, .each, .once, .fence, .steps, .members, .walk: false
    case .invalid, .foreign: true
    }
  }
}
