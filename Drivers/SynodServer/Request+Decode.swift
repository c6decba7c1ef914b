import CASPaxos
import KeyValue
import RESP
import Synod

extension Request {
  /// Understands the command that `parser` found.
  /// - Parameter limits: how long keys and values may be.
  init(_ parser: RequestParser, limits: ValueLimits) {
    self.init(Command.named(parser.argument(0)), parser, limits: limits)
  }

  /// - Parameter command: of that name; nil where there is none.
  init(_ command: Command?, _ parser: RequestParser, limits: ValueLimits) {
    let count = parser.argumentCount
    guard let command else {
      let name = parser.text(0, limit: 8).lowercased()
      self = name == "post" || name == "host:" ? .foreign : .invalid(Request.unknownCommand(parser))
      return
    }
    guard command.allows(count) else {
      self = .invalid(Request.wrongNumber(command.name))
      return
    }
    switch command {
    case .get: self = .one(key: parser.bytes(1), .get)
    case .getdel: self = .one(key: parser.bytes(1), .getAndDelete)
    case .strlen: self = .one(key: parser.bytes(1), .length)
    case .set: self = Request.set(parser)
    case .setnx:
      let (key, value) = parser.keyAndValue()
      self = .one(key: key, .setIfMissing(value))
    case .getset:
      let (key, value) = parser.keyAndValue()
      self = .one(key: key, .set(value, .givesOldValue))
    case .append:
      let (key, value) = parser.keyAndValue()
      self = .one(key: key, .append(value))
    case .cas: self = .one(key: parser.bytes(1), .compareAndSet(parser.bytes(2), parser.bytes(3)))
    case .incr: self = .one(key: parser.bytes(1), .add(1))
    case .decr: self = .one(key: parser.bytes(1), .add(-1))
    case .incrby, .decrby: self = Request.add(parser, subtracting: command == .decrby)
    case .del where count == 2: self = .one(key: parser.bytes(1), .delete)
    case .exists where count == 2: self = .one(key: parser.bytes(1), .exists)
    case .del: self = .each(.delete, keys: 1..<count, .sum)
    case .exists: self = .each(.exists, keys: 1..<count, .sum)
    case .mget: self = .each(.get, keys: 1..<count, .array)
    case .mset, .msetnx: self = Request.setSeveral(command, parser)
    case .synodLease: self = Request.lease(parser)
    case .synodOnce: self = Request.once(parser, limits)
    case .synodForget: self = Request.forget(parser)
    case .synodSettle: self = .fence(key: parser.bytes(1), .settle)
    case .synodMembers: self = Request.members(parser)
    case .scan, .keys, .dbsize, .randomkey, .flushall, .flushdb:
      self = Request.walk(command, parser, limits: limits)
    case .ping, .echo, .quit, .select, .hello, .auth, .acl, .slowlog, .client, .command, .config,
      .info,
      .reset,
      .synodWatch, .synodUnwatch, .multi, .exec, .discard, .watch, .unwatch:
      self = .connection(command)
    }
    checkSizes(parser, limits)
  }

  /// Refuses what no node would take, before anything is proposed.
  private mutating func checkSizes(_ parser: RequestParser, _ limits: ValueLimits) {
    switch self {
    case .one(let key, let change):
      if key.count > limits.maxKey {
        self = .invalid(limits.keyTooLong(key.count))
      } else if let value = change.value, value.count > limits.maxValue {
        self = .invalid(limits.valueTooLong(value.count))
      }
    case .each(_, let keys, _):
      if let longest = keys.map({ parser.argument($0).count }).max(), longest > limits.maxKey {
        self = .invalid(limits.keyTooLong(longest))
      }
    case .fence(let key, _):
      if key.count > limits.maxKey { self = .invalid(limits.keyTooLong(key.count)) }
    // What it carries was checked already.
    case .once, .members, .walk, .connection, .invalid, .foreign: break
    case .steps(let step): if let error = limits.error(in: step) { self = .invalid(error) }
    }
  }

  private static func set(_ parser: RequestParser) -> Request {
    var options: KeyValueChange.SetOptions = []
    var expiry: String?
    var keepsExpiry = false
    var index = 3
    while index < parser.argumentCount {
      let option = parser.text(index).uppercased()
      switch option {
      case "NX": options.insert(.ifMissing)
      case "XX": options.insert(.ifPresent)
      case "GET": options.insert(.givesOldValue)
      // No key expires, so there is nothing to keep.
      case "KEEPTTL": keepsExpiry = true
      case "EX", "PX", "EXAT", "PXAT":
        guard expiry == nil, index + 1 < parser.argumentCount else {
          return .invalid("ERR syntax error")
        }
        expiry = option
        index += 1
      default: return .invalid("ERR syntax error")
      }
      index += 1
    }
    if let expiry {
      return .invalid(
        keepsExpiry
          ? "ERR syntax error"
          : "ERR SET option '\(expiry)' is not supported: keys do not expire here")
    }
    if options.isSuperset(of: [.ifMissing, .ifPresent]) { return .invalid("ERR syntax error") }
    let (key, value) = parser.keyAndValue()
    return .one(key: key, .set(value, options))
  }

  private static func add(_ parser: RequestParser, subtracting: Bool) -> Request {
    guard let delta = parseInteger(parser.argument(2)) else {
      return .invalid(KeyValueRejection.notAnInteger.text)
    }
    // There is no positive twin of the smallest number.
    if subtracting && delta == .min { return .invalid("ERR decrement would overflow") }
    return .one(key: parser.bytes(1), .add(subtracting ? -delta : delta))
  }

  static func wrongNumber(_ command: String) -> String {
    "ERR wrong number of arguments for '\(command)' command"
  }

  /// As Redis words it: at most 128 bytes of the name, and of what follows.
  private static func unknownCommand(_ parser: RequestParser) -> String {
    var beginning = ""
    for index in 1..<max(1, parser.argumentCount) where beginning.utf8.count < 128 {
      beginning += "'\(parser.text(index, limit: 128 - beginning.utf8.count))' "
    }
    return "ERR unknown command '\(parser.text(0, limit: 128))', with args beginning with: "
      + beginning
  }
}

/// How long keys and values may be, in bytes.
struct ValueLimits {
  var maxKey: Int
  var maxValue: Int
  /// Whether a client may delete everything at once.
  var allowsFlush = false

  func keyTooLong(_ size: Int) -> String {
    "ERR key is \(size) bytes long, over the limit of \(maxKey); nothing was changed"
  }

  func valueTooLong(_ size: Int) -> String {
    "ERR value is \(size) bytes long, over the limit of \(maxValue) (--max-value); "
      + "nothing was changed"
  }
}

extension RequestParser {
  /// An argument to keep. The memory in which a straddling command was gathered is taken over where
  /// the argument is most of it, and copied from else, so that no short key pins a long value.
  func bytes(_ index: Int) -> Bytes {
    let argument = argument(index)
    if let storage = ownedStorage, let start = argument.baseAddress, argument.count >= 1024,
      argument.count > storage.capacity / 2
    {
      return Bytes(owner: storage, start: start, count: argument.count)
    }
    return Bytes(copying: argument)
  }

  /// The first two arguments behind the name, copied at once, with the few bytes between them: one
  /// allocation a command. Whoever keeps one of them for long compacts it.
  func keyAndValue() -> (Bytes, Bytes) {
    let (key, value) = (argument(1), argument(2))
    guard ownedStorage == nil, let start = key.baseAddress, let second = value.baseAddress else {
      return (bytes(1), bytes(2))
    }
    let offset = second - start
    let both = Bytes(copying: UnsafeRawBufferPointer(start: start, count: offset + value.count))
    return (both[0..<key.count], both[offset..<(offset + value.count)])
  }

  /// An argument as text for people; what is not UTF-8 is replaced.
  func text(_ index: Int, limit: Int = 256) -> String {
    String(decoding: argument(index).prefix(limit), as: UTF8.self)
  }
}
