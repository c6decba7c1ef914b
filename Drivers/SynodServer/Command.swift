/// The commands that the server knows, and how many arguments each takes.
enum Command: CaseIterable {
  case get, set, setnx, getset, getdel, del, exists, strlen, append, incr, decr, incrby, decrby
  case cas, mget, mset, msetnx
  case multi, exec, discard, watch, unwatch
  case scan, keys, dbsize, randomkey, flushall, flushdb
  case ping, echo, quit, select, hello, auth, acl, client, command, config, info, reset, slowlog
  case synodWatch, synodUnwatch, synodOnce, synodForget, synodSettle, synodMembers
  case synodLease

  /// As Redis counts: the name included; negative where it is a minimum.
  var arity: Int {
    switch self {
    case .get, .getdel, .strlen, .incr, .decr, .echo, .select: 2
    case .setnx, .getset, .append, .incrby, .decrby: 3
    case .cas: 4
    case .set: -3
    case .del, .exists, .mget, .client, .config, .auth, .acl, .slowlog: -2
    case .ping, .hello, .command, .info, .flushall, .flushdb: -1
    case .scan: -2
    case .mset, .msetnx: -3
    case .multi, .exec, .discard, .unwatch: 1
    case .watch: -2
    case .synodLease: -3
    case .keys: 2
    case .dbsize, .randomkey: 1
    case .quit: -1
    case .reset: 1
    case .synodWatch: -2
    case .synodUnwatch, .synodMembers: -1
    case .synodOnce: -5
    case .synodForget: 4
    case .synodSettle: 2
    }
  }

  /// In lower case, as error replies have it.
  var name: String {
    switch self {
    case .synodWatch: "synod.watch"
    case .synodUnwatch: "synod.unwatch"
    case .synodOnce: "synod.once"
    case .synodForget: "synod.forget"
    case .synodSettle: "synod.settle"
    case .synodMembers: "synod.members"
    case .synodLease: "synod.lease"
    case .get, .set, .setnx, .getset, .getdel, .del, .exists, .strlen, .append, .incr, .decr,
      .incrby, .decrby, .cas, .mget, .mset, .msetnx, .multi, .exec, .discard, .watch, .unwatch,
      .scan, .keys, .dbsize, .randomkey, .flushall, .flushdb, .ping, .echo, .quit, .select, .hello,
      .auth, .acl, .client, .command, .config, .info, .reset, .slowlog:
      "\(self)"
    }
  }

  func allows(_ arguments: Int) -> Bool { arity < 0 ? arguments >= -arity : arguments == arity }

  /// The command of this name, in whatever case.
  static func named(_ name: UnsafeRawBufferPointer) -> Command? {
    packed(name).flatMap { byName[$0] } ?? ownNamed(name)
  }

  /// Those that Redis does not have begin with this.
  private static let ownPrefix = "synod."

  private static func ownNamed(_ name: UnsafeRawBufferPointer) -> Command? {
    let length = ownPrefix.utf8.count
    guard name.count > length,
      zip(name, ownPrefix.utf8).allSatisfy({ $0 | 0x20 == $1 })
    else { return nil }
    return packed(UnsafeRawBufferPointer(rebasing: name[length...])).flatMap { ownByName[$0] }
  }

  private static let ownByName: [UInt64: Command] = {
    var table: [UInt64: Command] = [:]
    for command in allCases where command.name.hasPrefix(ownPrefix) {
      var name = String(command.name.dropFirst(ownPrefix.utf8.count))
      if let key = name.withUTF8({ packed(UnsafeRawBufferPointer($0)) }) { table[key] = command }
    }
    return table
  }()

  private static let byName: [UInt64: Command] = {
    var table: [UInt64: Command] = [:]
    for command in allCases {
      var name = command.name
      if let key = name.withUTF8({ packed(UnsafeRawBufferPointer($0)) }) { table[key] = command }
    }
    return table
  }()

  /// Up to twelve letters, in lower case, as one number; nil where it is no such word.
  private static func packed(_ name: UnsafeRawBufferPointer) -> UInt64? {
    guard (1...12).contains(name.count) else { return nil }
    var word: UInt64 = 0
    for byte in name {
      let lower = byte | 0x20
      guard lower >= UInt8(ascii: "a"), lower <= UInt8(ascii: "z") else { return nil }
      word = word << 5 | UInt64(lower & 0x1f)
    }
    return word
  }
}
