import KeyValue
import RESP
import Synod

/// `HELLO`, `AUTH` and `ACL`, and what becomes of a connection when someone logs in.
extension Conversation {
  /// A password that is being looked at.
  struct Login {
    /// The place of its reply.
    var number: UInt64
    /// What `HELLO` asked for beside; nil for `AUTH`.
    var greeting: Greeting?
  }

  /// What `HELLO` asks for.
  struct Greeting {
    var version: RESPVersion
    var name: String?
  }

  static let wrongUser = "WRONGPASS invalid username-password pair or user is disabled."

  // MARK: - Commands

  mutating func authenticate(_ host: some ConversationHost) {
    guard parser.argumentCount <= 3 else { return refuse("ERR syntax error") }
    let isNamed = parser.argumentCount == 3
    if case .open = access {
      // There are no passwords, so Redis's default user may give any, and there is nobody else.
      guard isNamed else {
        return refuse(
          "ERR AUTH <password> called without any password configured for the default user. Are you "
            + "sure your configuration is correct?")
      }
      guard parser.text(1) == UserBook.defaultName else { return refuse(Self.wrongUser) }
      return answer { $0.simple("OK" as StaticString) }
    }
    logIn(name: isNamed ? 1 : nil, password: isNamed ? 2 : 1, nil, host)
  }

  mutating func hello(_ host: some ConversationHost) {
    var greeting = Greeting(version: version)
    var credentials: Int?
    if parser.argumentCount > 1 {
      guard let number = parseInteger(parser.argument(1)) else {
        return refuse("ERR Protocol version is not an integer or out of range")
      }
      guard let known = Int(exactly: number).flatMap(RESPVersion.init) else {
        return refuse("NOPROTO unsupported protocol version")
      }
      greeting.version = known
    }
    var index = 2
    while index < parser.argumentCount {
      let option = parser.text(index, limit: 16).uppercased()
      if option == "AUTH", index + 2 < parser.argumentCount {
        credentials = index + 1
        index += 3
        continue
      }
      guard option == "SETNAME", index + 1 < parser.argumentCount else {
        return refuse("ERR Syntax error in HELLO option '\(parser.text(index))'")
      }
      guard let found = plain(index + 1) else { return refuse(Self.badName("Client names")) }
      greeting.name = found
      index += 2
    }
    switch (access, credentials) {
    case (.open, let place?) where parser.text(place) != UserBook.defaultName:
      refuse(Self.wrongUser)
    case (.open, _), (.user, nil): greet(greeting, host)
    case (.stranger, nil): refuse(Self.helloOfStranger)
    case (_, let place?): logIn(name: place, password: place + 1, greeting, host)
    }
  }

  private static let helloOfStranger =
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> "
    + "AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol "
    + "version at the same time"

  mutating func accessControl() {
    switch (parser.text(1, limit: 128).uppercased(), parser.argumentCount) {
    case ("WHOAMI", 2):
      let name = access.user?.name ?? UserBook.defaultName
      answer { $0.bulk(name) }
    case ("HELP", 2): help("ACL", ["WHOAMI", "    Who has logged in."])
    case ("WHOAMI", _), ("HELP", _):
      refuse(Request.wrongNumber("acl|\(parser.text(1).lowercased())"))
    default: refuseSubcommand("ACL")
    }
  }

  /// Refuses what this user may not do; a transaction that it was to be part of is refused, too.
  mutating func deny(_ error: String) {
    lane?.transaction == nil ? refuse(error) : breakTransaction(error)
  }

  /// Who asks on and on without logging in costs the others more than it may.
  static let mostOfStranger = 64

  var isUnwelcome: Bool { commandsOfStranger > Self.mostOfStranger }

  mutating func turnAway() {
    refuse("NOAUTH Authentication required; that was asked too often without it.")
    end()
  }

  // MARK: - Logging in

  private mutating func logIn(
    name: Int?, password: Int, _ greeting: Greeting?, _ host: some ConversationHost
  ) {
    let name = name.map { parser.text($0, limit: UserBook.longestName + 1) }
    guard parser.argument(password).count <= PasswordHash.longestPassword else {
      return refuse(Self.wrongUser)
    }
    let password = parser.text(password, limit: PasswordHash.longestPassword)
    let number = queue.next
    queue.appendWaiting(keys: 1, .sum, .readOnly, cost: 256, version, isMeasured: false)
    login = Login(number: number, greeting: greeting)
    if let known = host.logIn(name ?? UserBook.defaultName, password) { loggedIn(known, host) }
  }

  /// The password was looked at.
  mutating func loggedIn(_ answer: PasswordGate.Answer, _ host: some ConversationHost) {
    guard let login else { return }
    self.login = nil
    switch answer {
    case .wrong: queue.answer(login.number, with: .failure(.refused(Self.wrongUser)))
    case .crowded:
      queue.answer(
        login.number,
        with: .failure(.notApplied("too many passwords wait to be looked at, try later")))
    case .granted(let user):
      become(.user(user), host)
      if let greeting = login.greeting {
        take(greeting, behind: login.number, host)
        fill(login.number) { Self.write(greeting, id: host.facts.id, into: &$0) }
      } else {
        queue.answer(login.number, with: .reply(.ok))
      }
    }
  }

  /// Speaks for someone from now on.
  mutating func become(_ access: Access, _ host: some ConversationHost) {
    if case .open = access { return }
    // What the one before was allowed to see, this one may not be.
    if access.user !== self.access.user { endWatches(host) }
    self.access = access
    if case .user = access { commandsOfStranger = 0 }
    parser.limits = limits.requests(for: access)
    if case .stranger = access { host.facts.strangerSince = host.now }
    host.facts.user = access.user?.name ?? UserBook.defaultName
  }

  private mutating func greet(_ greeting: Greeting, _ host: some ConversationHost) {
    take(greeting, behind: queue.next, host)
    let id = host.facts.id
    answer { Self.write(greeting, id: id, into: &$0) }
  }

  private mutating func take(
    _ greeting: Greeting, behind place: UInt64, _ host: some ConversationHost
  ) {
    if let name = greeting.name { host.facts.name = name }
    if greeting.version != version {
      watches.changeForm(from: version, behind: place, first: queue.first)
    }
    version = greeting.version
    host.facts.version = greeting.version
  }

  private mutating func fill(_ number: UInt64, _ body: (inout ReplyWriter) -> Void) {
    var separate = ReplyWriter(version: version, capacity: 256)
    body(&separate)
    queue.answer(number, with: .written(Bytes(copying: separate.written.bytes)))
  }

  private static func write(_ greeting: Greeting, id: UInt64, into writer: inout ReplyWriter) {
    writer.map(7)
    writer.bulk("server")
    writer.bulk("synod")
    writer.bulk("version")
    writer.bulk(Release.version)
    writer.bulk("proto")
    writer.integer(Int64(greeting.version.rawValue))
    writer.bulk("id")
    writer.integer(Int64(id))
    writer.bulk("mode")
    writer.bulk("standalone")
    writer.bulk("role")
    writer.bulk("master")
    writer.bulk("modules")
    writer.array(0)
  }
}

extension Conversation.Limits {
  /// Of one who may be anybody, little is held: as in Redis (CVE-2021-32675), ten arguments of 16 KiB.
  static let requestsOfStranger = RequestLimits(
    maxArguments: 10, maxInline: 16 * 1024, maxBulk: 16 * 1024, maxRequest: 64 * 1024)

  func requests(for access: Access) -> RequestLimits {
    switch access {
    case .open, .user: requests
    case .stranger: Self.requestsOfStranger
    }
  }
}
