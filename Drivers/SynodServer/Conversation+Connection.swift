import KeyValue
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
    case .synodWatch: watch(host)
    case .synodUnwatch: unwatch(host)
    case .reset:
      endWatches(host)
      lane?.reset()
      host.facts.name = ""
      if version != .resp2 {
        watches.changeForm(from: version, behind: queue.next, first: queue.first)
      }
      version = .resp2
      host.facts.version = .resp2
      become(host.initialAccess, host)
      answer { $0.simple("RESET" as StaticString) }
    case .select: select()
    case .hello: hello(host)
    case .auth: authenticate(host)
    case .acl: accessControl()
    case .slowlog: slowLog(host)
    case .client: client(host)
    case .command: describeCommands()
    case .config: config(host)
    case .info:
      let sections = (1..<max(1, parser.argumentCount)).map { parser.text($0).lowercased() }
      let text = host.info(sections, isNarrow: access.user?.prefixes != nil)
      answer { $0.verbatim(text) }
      endsPass = true
    case .synodMembers:
      let report = host.membersReport
      answer { report.write(into: &$0) }
    case .multi, .exec, .discard, .watch, .unwatch:
      lane == nil ? refuse(Self.onlyWhole) : runTransaction(command)
    case .get, .set, .setnx, .getset, .getdel, .del, .exists, .strlen, .append, .incr, .decr,
      .incrby, .decrby, .cas, .mget, .mset, .msetnx, .scan, .keys, .dbsize, .randomkey, .flushall,
      .flushdb, .synodLease, .synodOnce, .synodForget, .synodSettle:
      preconditionFailure("a command on keys is a change")
    }
  }

  mutating func refuse(_ error: String) { answer(.failure(.refused(error))) }

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
    case nil: refuse(KeyValueRejection.notAnInteger.text)
    default: refuse("ERR DB index is out of range")
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
    case ("LIST", 2): listClients(host)
    case ("LIST", 4) where parser.text(2).uppercased() == "TYPE":
      guard parser.text(3).uppercased() == "NORMAL" else { return refuse("ERR syntax error") }
      listClients(host)
    case ("LIST", _): refuse("ERR syntax error")
    case ("GETREDIR", 2): answer { $0.integer(-1) }
    // What is always so here may be asked for, and nothing else.
    case ("NO-EVICT", 3), ("NO-TOUCH", 3): toggle(["ON", "OFF"])
    case ("TRACKING", 3...): toggle(["OFF"], refusing: ["ON"])
    case ("REPLY", 3): toggle(["ON"], refusing: ["OFF", "SKIP"])
    case ("HELP", 2): help("CLIENT", Self.clientHelp)
    case ("ID", _), ("GETNAME", _), ("SETNAME", _), ("SETINFO", _), ("INFO", _), ("GETREDIR", _),
      ("NO-EVICT", _), ("NO-TOUCH", _), ("TRACKING", _), ("REPLY", _), ("HELP", _):
      refuse(Request.wrongNumber("client|\(subcommand.lowercased())"))
    default: refuseSubcommand("CLIENT")
    }
  }

  private mutating func listClients(_ host: some ConversationHost) {
    answerVerbatim(host.clientList)
    endsPass = true
  }

  private mutating func toggle(_ known: [String], refusing: [String] = []) {
    let word = parser.text(2).uppercased()
    if known.contains(word) { return answer { $0.simple("OK" as StaticString) } }
    let subcommand = parser.text(1).uppercased()
    refuse(
      refusing.contains(word)
        ? "ERR CLIENT \(subcommand) \(word) is not supported" : "ERR syntax error")
  }

  mutating func refuseSubcommand(_ command: String) {
    refuse("ERR unknown subcommand '\(parser.text(1, limit: 128))'. Try \(command) HELP.")
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
  func plain(_ index: Int) -> String? {
    let bytes = parser.argument(index)
    guard bytes.count <= 256, bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return nil }
    return parser.text(index)
  }

  static func badName(_ what: String) -> String {
    "ERR \(what) cannot contain spaces, newlines or special characters."
  }

  // MARK: - COMMAND and CONFIG

  private mutating func describeCommands() {
    let subcommand = parser.argumentCount > 1 ? parser.text(1).uppercased() : ""
    switch (subcommand, parser.argumentCount) {
    case ("COUNT", 2): answer { $0.integer(Int64(Command.allCases.count)) }
    case ("DOCS", _): answer { $0.map(0) }
    case ("", _), ("INFO", _), ("LIST", _): answer { $0.array(0) }
    case ("HELP", 2): help("COMMAND", Self.commandHelp)
    case ("COUNT", _), ("HELP", _):
      refuse(Request.wrongNumber("command|\(subcommand.lowercased())"))
    default: refuseSubcommand("COMMAND")
    }
  }

  /// Clients ask for settings of Redis that mean nothing here.
  private mutating func config(_ host: some ConversationHost) {
    let subcommand = parser.text(1).uppercased()
    switch (subcommand, parser.argumentCount) {
    case ("GET", 3...): answer { $0.map(0) }
    case ("HELP", 2): help("CONFIG", Self.configHelp)
    case ("RESETSTAT", 2):
      host.forgetLongest()
      answer { $0.simple("OK" as StaticString) }
    case ("SET", 4...), ("REWRITE", 2):
      refuse("ERR CONFIG \(subcommand) is not supported: settings are flags of synod serve")
    case ("GET", _), ("HELP", _), ("SET", _), ("RESETSTAT", _), ("REWRITE", _):
      refuse(Request.wrongNumber("config|\(subcommand.lowercased())"))
    default: refuseSubcommand("CONFIG")
    }
  }

  // MARK: - HELP

  mutating func help(_ command: String, _ lines: [String]) {
    answer { writer in
      writer.array(lines.count + 3)
      writer.simple("\(command) <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")
      for line in lines { writer.simple(line) }
      writer.simple("HELP" as StaticString)
      writer.simple("    Prints this help." as StaticString)
    }
  }

  private static let clientHelp = [
    "GETNAME", "    The name of this connection.", "GETREDIR", "    Always -1: nothing is tracked.",
    "ID", "    The number of this connection.", "INFO", "    This connection.",
    "LIST [TYPE NORMAL]", "    All connections.", "NO-EVICT (ON|OFF)", "    Changes nothing.",
    "NO-TOUCH (ON|OFF)", "    Changes nothing.", "REPLY ON", "    Changes nothing.",
    "SETINFO (LIB-NAME|LIB-VER) <value>", "    Says which library the client uses.",
    "SETNAME <name>", "    Names this connection.", "TRACKING OFF", "    Changes nothing.",
  ]

  private static let commandHelp = [
    "(no subcommand)", "    Nothing: commands are not described here.", "COUNT",
    "    How many commands there are.", "DOCS, INFO, LIST", "    Nothing.",
  ]

  private static let configHelp = [
    "GET <pattern>", "    Nothing: settings are flags of synod serve.", "RESETSTAT",
    "    Begins longest_turn_ms, longest_work_ms and longest_stall_ms of INFO anew.",
  ]
}

extension ConversationHost {
  fileprivate var clientLine: String { facts.line(now: now) }
}
