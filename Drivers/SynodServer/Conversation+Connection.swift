import RESP
import Synod

/// The commands that concern the connection or the node, and no key.
extension Conversation {
  mutating func run(_ command: Command, _ host: some ConversationHost) {
    switch command {
    case .ping: ping()
    case .echo: echo(1)
    case .quit:
      answer { $0.simple("OK" as StaticString) }
      end()
    case .reset:
      host.facts.name = ""
      version = .resp2
      host.facts.version = .resp2
      answer { $0.simple("RESET" as StaticString) }
    case .select: select()
    case .hello: hello(host)
    case .auth: refuse(Self.noPasswords)
    case .client: client(host)
    case .command: describeCommands()
    case .config: config()
    case .info:
      let sections = (1..<max(1, parser.argumentCount)).map { parser.text($0).lowercased() }
      let text = host.info(sections)
      answer { $0.verbatim(text) }
      endsPass = true
    case .get, .set, .setnx, .getset, .getdel, .del, .exists, .strlen, .append, .incr, .decr,
      .incrby, .decrby, .cas, .mget:
      preconditionFailure("a command on keys is a change")
    }
  }

  private mutating func refuse(_ error: String) { answer(.failure(.refused(error))) }

  private mutating func ping() {
    switch parser.argumentCount {
    case 1: answer { $0.simple("PONG" as StaticString) }
    case 2: echo(1)
    default: refuse(Request.wrongNumber("ping"))
    }
  }

  private mutating func echo(_ index: Int) {
    let argument = parser.argument(index)
    answer { $0.bulk(argument) }
  }

  private mutating func select() {
    switch parseInteger(parser.argument(1)) {
    case 0: answer { $0.simple("OK" as StaticString) }
    case nil: refuse("ERR invalid DB index")
    default: refuse("ERR DB index is out of range: there is only 0")
    }
  }

  // MARK: - HELLO

  private static let noPasswords =
    "ERR AUTH is not supported: this server has no passwords, connect without one"

  private mutating func hello(_ host: some ConversationHost) {
    var wanted = version
    var name: String?
    if parser.argumentCount > 1 {
      guard let number = parseInteger(parser.argument(1)) else {
        return refuse("ERR Protocol version is not an integer or out of range")
      }
      guard let known = RESPVersion(rawValue: Int(number)) else {
        return refuse("NOPROTO unsupported protocol version")
      }
      wanted = known
    }
    var index = 2
    while index < parser.argumentCount {
      let option = parser.text(index).uppercased()
      if option == "AUTH" { return refuse(Self.noPasswords) }
      guard option == "SETNAME", index + 1 < parser.argumentCount else {
        return refuse("ERR Syntax error in HELLO option '\(parser.text(index))'")
      }
      guard let found = plain(index + 1) else { return refuse(Self.badName("Client names")) }
      name = found
      index += 2
    }
    if let name { host.facts.name = name }
    version = wanted
    host.facts.version = wanted
    let id = Int64(host.facts.id)
    answer { writer in
      writer.map(7)
      writer.bulk("server")
      writer.bulk("synod")
      writer.bulk("version")
      writer.bulk(Release.version)
      writer.bulk("proto")
      writer.integer(Int64(wanted.rawValue))
      writer.bulk("id")
      writer.integer(id)
      writer.bulk("mode")
      writer.bulk("standalone")
      writer.bulk("role")
      writer.bulk("master")
      writer.bulk("modules")
      writer.array(0)
    }
  }

  // MARK: - CLIENT

  private mutating func client(_ host: some ConversationHost) {
    let subcommand = parser.text(1).uppercased()
    let count = parser.argumentCount
    switch (subcommand, count) {
    case ("ID", 2):
      let id = Int64(host.facts.id)
      answer { $0.integer(id) }
    case ("GETNAME", 2):
      let name = host.facts.name
      answer { name.isEmpty ? $0.null() : $0.bulk(name) }
    case ("SETNAME", 3):
      guard let name = plain(2) else { return refuse(Self.badName("Client names")) }
      host.facts.name = name
      answer { $0.simple("OK" as StaticString) }
    case ("SETINFO", 4): setInfo(host)
    case ("INFO", 2): answerVerbatim(host.clientLine)
    case ("LIST", 2...):
      answerVerbatim(host.clientList)
      endsPass = true
    case ("NO-EVICT", 3), ("NO-TOUCH", 3): answer { $0.simple("OK" as StaticString) }
    case ("ID", _), ("GETNAME", _), ("SETNAME", _), ("SETINFO", _), ("INFO", _), ("NO-EVICT", _),
      ("NO-TOUCH", _):
      refuse(Request.wrongNumber("client|\(subcommand.lowercased())"))
    default: refuse("ERR unknown subcommand '\(parser.text(1, limit: 128))'. Try CLIENT HELP.")
    }
  }

  private mutating func answerVerbatim(_ text: String) { answer { $0.verbatim(text) } }

  private mutating func setInfo(_ host: some ConversationHost) {
    let attribute = parser.text(2).lowercased()
    guard let value = plain(3) else { return refuse(Self.badName(attribute)) }
    switch attribute {
    case "lib-name": host.facts.libraryName = value
    case "lib-ver": host.facts.libraryVersion = value
    default: return refuse("ERR Unrecognized option '\(parser.text(2, limit: 128))'")
    }
    answer { $0.simple("OK" as StaticString) }
  }

  /// An argument without blanks and control characters, so that it cannot break a line of
  /// `CLIENT LIST`; at most 256 bytes.
  private func plain(_ index: Int) -> String? {
    let bytes = parser.argument(index)
    guard bytes.count <= 256, bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return nil }
    return parser.text(index)
  }

  private static func badName(_ what: String) -> String {
    "ERR \(what) cannot contain spaces, newlines or special characters, "
      + "nor be longer than 256 bytes."
  }

  // MARK: - COMMAND and CONFIG

  private mutating func describeCommands() {
    switch parser.argumentCount > 1 ? parser.text(1).uppercased() : "" {
    case "COUNT": answer { $0.integer(Int64(Command.allCases.count)) }
    case "DOCS": answer { $0.map(0) }
    case "", "INFO", "LIST": answer { $0.array(0) }
    default: refuse("ERR unknown subcommand '\(parser.text(1, limit: 128))'. Try COMMAND HELP.")
    }
  }

  /// Clients ask for settings of Redis that mean nothing here.
  private mutating func config() {
    switch (parser.text(1).uppercased(), parser.argumentCount) {
    case ("GET", 3...): answer { $0.map(0) }
    case ("GET", _): refuse(Request.wrongNumber("config|get"))
    default:
      refuse(
        "ERR CONFIG \(parser.text(1, limit: 128)) is not supported: settings are flags of "
          + "synod serve")
    }
  }
}

extension ConversationHost {
  fileprivate var clientLine: String { facts.line(now: now) }
}
