import KeyValue
import RESP

/// `SLOWLOG`: as in Redis, but that of the arguments only the beginning of the first key is known.
extension Conversation {
  mutating func slowLog(_ host: some ConversationHost) {
    let subcommand = parser.text(1, limit: 128).uppercased()
    switch (subcommand, parser.argumentCount) {
    case ("GET", 2): list(host.slowLog.entries, most: 10)
    case ("GET", 3):
      guard let count = parseInteger(parser.argument(2)), count >= -1 else {
        return refuse("ERR count should be greater than or equal to -1")
      }
      list(host.slowLog.entries, most: count < 0 ? .max : Int(clamping: count))
    case ("LEN", 2):
      let count = Int64(host.slowLog.entries.count)
      answer { $0.integer(count) }
    case ("RESET", 2):
      host.slowLog.reset()
      answer { $0.simple("OK" as StaticString) }
    case ("HELP", 2): help("SLOWLOG", Self.slowLogHelp)
    case ("GET", _), ("LEN", _), ("RESET", _), ("HELP", _):
      refuse(Request.wrongNumber("slowlog|\(subcommand.lowercased())"))
    default: refuseSubcommand("SLOWLOG")
    }
  }

  private mutating func list(_ entries: [SlowLog.Entry], most: Int) {
    answer { writer in
      writer.array(min(entries.count, most))
      for entry in entries.prefix(most) {
        writer.array(6)
        writer.integer(Int64(clamping: entry.id))
        writer.integer(entry.ended)
        writer.integer(Int64(entry.command.time))
        Self.write(entry.command.glimpse, into: &writer)
        writer.bulk(entry.client)
        writer.bulk(entry.clientName)
      }
    }
    endsPass = true
  }

  /// The name, and how the first key begins.
  private static func write(_ glimpse: Glimpse, into writer: inout ReplyWriter) {
    let name = glimpse.command?.name.uppercased() ?? "?"
    guard let key = glimpse.key else {
      writer.array(1)
      return writer.bulk(name)
    }
    writer.array(2)
    writer.bulk(name)
    let more = Int(glimpse.keyLength) - key.count
    let text = more > 0 ? key + Array("... (\(more) more bytes)".utf8) : key
    text.withUnsafeBytes { writer.bulk($0) }
  }

  private static let slowLogHelp = [
    "GET [<count>]",
    "    The newest commands that took long (default: 10, all: -1): id, when, microseconds, the command "
      + "and how its first key begins, the client's address and name.",
    "LEN", "    How many are kept.", "RESET", "    Forgets them.",
  ]
}
