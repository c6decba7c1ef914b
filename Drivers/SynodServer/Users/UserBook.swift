import Synod

/// The users of a node, as their file has them: a table each.
///
/// ```toml
/// [alice]
/// password = "$y$j9T$…"        # from `synod users entry`; a list while one is being changed
/// may = "write"                # read, write or admin
/// prefixes = ["cart:", "app:"] # leave out for all keys
/// ```
///
/// A user `default` without a password is whoever has not logged in.
struct UserBook {
  private let users: [String: User]

  /// Redis's name for whoever gives none.
  static let defaultName = "default"
  static let mostUsers = 10_000
  static let longestName = 64
  static let mostPasswords = 4
  static let mostPrefixes = 64
  static let longestPrefix = 1024

  init(_ users: [User]) {
    self.users = Dictionary(users.map { ($0.name, $0) }) { first, _ in first }
  }

  /// - Throws: a usage `Failure` that names the file and the line.
  init(file path: String) throws(Failure) {
    let text = try SettingsFile.read(path, what: "--users")
    do throws(SettingsText.Malformed) {
      try self.init(text)
    } catch {
      throw .usage("--users: \(path), \(error)")
    }
  }

  init(_ text: SettingsText) throws(SettingsText.Malformed) {
    if let stray = text.tables[0].entries.first {
      throw .init(
        line: stray.line, why: "'\(stray.key)' belongs to nobody; begin a user with [name]")
    }
    var users: [User] = []
    for table in text.tables.dropFirst() { users.append(try User(table)) }
    guard users.count <= Self.mostUsers else {
      throw .init(line: 1, why: "there are \(users.count) users, more than \(Self.mostUsers)")
    }
    self.init(users)
  }

  subscript(name: String) -> User? { users[name] }

  var count: Int { users.count }

  /// In the order of their names.
  var all: [User] { users.values.sorted { $0.name < $1.name } }

  /// Whom a connection speaks for that has not logged in.
  var initial: Access {
    guard let user = users[Self.defaultName], user.passwords.isEmpty else { return .stranger }
    return .user(user)
  }

  /// Why this is no name of a user; nil where it is one.
  static func objection(to name: String) -> String? {
    guard (1...longestName).contains(name.utf8.count),
      name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != 0x22 && $0 != 0x27 && $0 != 0x5c })
    else {
      return
        "'\(name)' is no name: 1 to \(longestName) letters, digits and signs, no blanks or quotes"
    }
    return nil
  }
}

extension User {
  fileprivate convenience init(_ table: SettingsText.Table) throws(SettingsText.Malformed) {
    if let why = UserBook.objection(to: table.name) { throw .init(line: table.line, why: why) }
    var passwords: [String] = []
    var right: Right?
    var prefixes: [Bytes]?
    for entry in table.entries {
      switch entry.key {
      case "password": passwords = try Self.passwords(entry)
      case "may": right = try Self.right(entry)
      case "prefixes": prefixes = try Self.prefixes(entry)
      default:
        throw .init(
          line: entry.line, why: "'\(entry.key)' is none of password, may and prefixes")
      }
    }
    guard let right else {
      throw .init(line: table.line, why: "[\(table.name)] has no 'may': read, write or admin")
    }
    guard !passwords.isEmpty || table.name == UserBook.defaultName else {
      throw .init(
        line: table.line,
        why: "[\(table.name)] has no password: 'synod users entry \(table.name)' makes one")
    }
    self.init(name: table.name, passwords: passwords, right: right, prefixes: prefixes)
  }

  private static func passwords(
    _ entry: SettingsText.Entry
  ) throws(SettingsText.Malformed) -> [String] {
    let hashes: [String]
    switch entry.value {
    case .text(let hash): hashes = [hash]
    case .list(let list): hashes = list
    case .number, .flag: hashes = []
    }
    guard (1...UserBook.mostPasswords).contains(hashes.count) else {
      throw .init(
        line: entry.line, why: "password is one hash, or a list of up to \(UserBook.mostPasswords)")
    }
    // What stands there may be a password in the clear: it is not repeated.
    guard hashes.allSatisfy(PasswordHash.isStrong) else {
      throw .init(
        line: entry.line,
        why: "password is no hash of a slow method; 'synod users entry' makes one")
    }
    return hashes
  }

  private static func right(_ entry: SettingsText.Entry) throws(SettingsText.Malformed) -> Right {
    guard case .text(let word) = entry.value, let right = Right(rawValue: word) else {
      throw .init(
        line: entry.line, why: "may is \"read\", \"write\" or \"admin\", not \(entry.value)")
    }
    return right
  }

  private static func prefixes(
    _ entry: SettingsText.Entry
  ) throws(SettingsText.Malformed) -> [Bytes] {
    guard case .list(let texts) = entry.value, (1...UserBook.mostPrefixes).contains(texts.count),
      texts.allSatisfy({ (1...UserBook.longestPrefix).contains($0.utf8.count) })
    else {
      throw .init(
        line: entry.line,
        why: "prefixes is a list of 1 to \(UserBook.mostPrefixes) texts, each of 1 to "
          + "\(UserBook.longestPrefix) bytes; leave it out for all keys")
    }
    return texts.map { Bytes($0) }
  }
}
