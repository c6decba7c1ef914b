import Synod

/// What a user may do; each includes those before it.
enum Right: String, CaseIterable, Comparable {
  /// To look at keys.
  case read
  /// To change them.
  case write
  /// What concerns all: the members, other clients, deleting everything.
  case admin

  static func < (left: Right, right: Right) -> Bool { left.rank < right.rank }

  private var rank: Int {
    switch self {
    case .read: 0
    case .write: 1
    case .admin: 2
    }
  }
}

/// Someone who may use a node. Connections hold it, so it is an object; it never changes.
final class User: Sendable {
  let name: String
  /// Hashes: any of their passwords will do. Nobody can log in where there is none.
  let passwords: [String]
  let right: Right
  /// What the keys of this user begin with; any key where nil.
  let prefixes: [Bytes]?

  init(name: String, passwords: [String], right: Right, prefixes: [Bytes]?) {
    self.name = name
    self.passwords = passwords
    self.right = right
    self.prefixes = prefixes
  }

  /// Whether it has a part in all keys that begin so, and so in a key of that name.
  func hasAll(beginningWith prefix: UnsafeRawBufferPointer) -> Bool {
    guard let prefixes else { return true }
    return prefixes.contains { $0.isPrefix(of: prefix) }
  }

  func has(_ key: Bytes) -> Bool {
    guard prefixes != nil else { return true }
    return key.withUnsafeBytes { hasAll(beginningWith: $0) }
  }

  /// Whether both are the same in everything.
  func isSame(as other: User) -> Bool {
    name == other.name && passwords == other.passwords && right == other.right
      && prefixes == other.prefixes
  }
}

extension Bytes {
  func isPrefix(of bytes: UnsafeRawBufferPointer) -> Bool {
    guard count <= bytes.count else { return false }
    return withUnsafeBytes { $0.elementsEqual(bytes.prefix(count)) }
  }
}

/// Whom a connection speaks for.
enum Access {
  /// No users are known here: everyone may do everything.
  case open
  /// Nobody yet.
  case stranger
  case user(User)

  var isStranger: Bool { if case .stranger = self { true } else { false } }

  var user: User? { if case .user(let user) = self { user } else { nil } }
}
