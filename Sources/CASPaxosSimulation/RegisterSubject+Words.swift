public import CASPaxos
internal import Synod
public import SynodSimulation

extension RegisterSubject {
  /// A message as a trace shows it.
  public static func describe(_ message: CASPaxos.Message) -> TraceText {
    RegisterWords.describe(message)
  }

  /// A record as a trace shows it.
  public static func describe(_ record: CASPaxos.Record) -> TraceText {
    RegisterWords.describe(record)
  }

  /// A proposal as a trace shows it.
  public static func describe(_ proposal: CASPaxos.Proposal<Workload.C>) -> TraceText {
    var fields = [TraceText.Field("key", RegisterWords.name(proposal.key))]
    if let deadline = proposal.deadline { fields.append(.init("deadline", "tick \(deadline)")) }
    switch proposal.operation {
    case .change(let change): return TraceText("\(change)", fields)
    case .read: return TraceText("read", fields)
    case .barrierRead: return TraceText("barrier read", fields)
    case .watch: return TraceText("watch", fields)
    case .forget(let client, let sequence):
      return TraceText("forget client \(client) through \(sequence)", fields)
    case .list(let hash, let limit):
      let after = hash.map { "\($0)" } ?? "nothing"
      return TraceText("list", [.init("after", after), .init("limit", "\(limit)")])
    case .membership: return TraceText("members", fields)
    case .changeMembership(let change): return TraceText("\(change)", fields)
    }
  }

  /// A completion as a trace shows it.
  public static func describe(_ completion: CASPaxos.Completion<Workload.C>) -> TraceText {
    switch completion.result {
    case .applied(let output, let left):
      return RegisterWords.describe("applied", left, [.init("output", "\(output)")])
    case .read(let register): return RegisterWords.describe("read", register)
    case .listed(let list):
      let names = list.keys.map { RegisterWords.name($0) }.joined(separator: ", ")
      return TraceText("listed", [.init("keys", names), .init("through", "\(list.through)")])
    case .membership(let members): return TraceText("\(members)", [])
    case .notApplied(.rejected(let why, let register)):
      return RegisterWords.describe("rejected", register, [.init("because", "\(why)")])
    case .notApplied(.overloaded): return TraceText("not applied", [.init("because", "overloaded")])
    case .notApplied(.tooLarge(let size, let limit)):
      return TraceText("not applied", [.init("because", "\(size) bytes, over \(limit)")])
    case .notApplied(.reserved):
      return TraceText("not applied", [.init("because", "the key is reserved")])
    case .notApplied(.refused(let why)):
      return TraceText("not applied", [.init("because", "\(why)")])
    case .notApplied(.unwatchable(let why)):
      return TraceText("not applied", [.init("because", "\(why)")])
    case .notApplied(.cannotRemember):
      return TraceText("not applied", [.init("because", "its output cannot be kept")])
    case .notApplied(.abandoned(let why)):
      return TraceText("not applied", [.init("because", "\(why)")])
    case .unknown(let why): return TraceText("unknown", [.init("because", "\(why)")])
    }
  }
}

/// Words that do not depend on the changes.
enum RegisterWords {
  static func describe(_ message: Message) -> TraceText {
    var fields: [TraceText.Field] = []
    func add(_ name: String, _ value: String) { fields.append(.init(name, value)) }
    switch message.kind {
    case .prepare, .read: add("key", name(message.key))
    case .list:
      let request = message.state.value.flatMap { KeyPage.Request(encoded: $0) }
      add("asks for", request.map { "\($0)" } ?? "malformed")
    case .page:
      let page = message.state.value.flatMap { KeyPage(encoded: $0) }
      let names = page?.entries.map { "\(name($0.key)) \($0.accepted)" }
      add("entries", names?.joined(separator: ", ") ?? "malformed")
      add("through", page.map { "\($0.through)" } ?? "malformed")
    case .erase: add("key", name(message.key))
    case .promise, .readReply:
      add("accepted", "\(message.accepted)")
      fields += describe(message.state)
    case .accept:
      add("key", name(message.key))
      fields += describe(message.state)
      if !message.promised.isZero { add("asks ahead", "\(message.promised)") }
    case .accepted: add("promised", "\(message.promised)")
    case .conflict:
      add("promised", "\(message.promised)")
      add("accepted", "\(message.accepted)")
      if !message.floor.isZero { add("floor", "\(message.floor)") }
    case .watch:
      if let prefix = message.state.value {
        add("prefix", name(prefix))
      } else {
        add("key", name(message.key))
      }
      add("for", "\(message.slot) ticks")
    case .observed:
      add("key", name(message.key))
      fields += describe(message.state)
    case .configuration, .behind: break
    }
    return TraceText(title(message.kind), ballot: message.ballot, fields)
  }

  private static func title(_ kind: Message.Kind) -> String {
    switch kind {
    case .prepare: "prepare"
    case .promise: "promise"
    case .accept: "accept"
    case .accepted: "accepted"
    case .conflict: "conflict"
    case .read: "read"
    case .readReply: "read reply"
    case .watch: "watch"
    case .observed: "observed"
    case .list: "list"
    case .page: "page"
    case .configuration: "members"
    case .behind: "behind"
    case .erase: "erase"
    }
  }

  static func describe(_ record: Record) -> TraceText {
    switch record {
    case .configuration(let configuration):
      let quorums = configuration.component.quorums
      return TraceText(
        "configuration",
        [
          .init("epoch", "\(configuration.epoch)"), .init("voters", "\(configuration.voters)"),
          .init("prepare quorum", "\(quorums.prepare)"),
          .init("accept quorum", "\(quorums.accept)"),
        ])
    case .reserve(let counter):
      return TraceText("reserve", [.init("counters up to", "\(counter)")])
    case .promise(let key, let ballot):
      return TraceText("promised", ballot: ballot, [.init("key", name(key))])
    case .accept(let key, let ballot, let promised, let state):
      var fields = [TraceText.Field("key", name(key))]
      fields += describe(state)
      if promised > ballot { fields.append(.init("promised ahead", "\(promised)")) }
      return TraceText("accepted", ballot: ballot, fields)
    case .membership(let members, _):
      return TraceText("members", [.init("members", "\(members)")])
    case .transferred: return TraceText("\(record)", [])
    case .erase(let key, let ballot, let floor):
      return TraceText(
        "erased", ballot: ballot, [.init("key", name(key)), .init("floor", "\(floor)")])
    case .floor(let floor): return TraceText("floor", ballot: floor, [])
    }
  }

  static func describe(
    _ title: String, _ register: Register, _ more: [TraceText.Field] = []
  ) -> TraceText {
    TraceText(
      title,
      more + [
        .init("value", short(register.value)), .init("version", "\(register.version)"),
      ])
  }

  private static func describe(_ state: RegisterState) -> [TraceText.Field] {
    var fields = [
      TraceText.Field("value", short(state.value)),
      TraceText.Field("version", "\(state.version)"),
    ]
    if !state.lineage.isEmpty {
      let writes = state.lineage.map { "\($0)" }.joined(separator: ", ")
      fields.append(.init("last writes of others", writes))
    }
    if !state.forgotten.isZero { fields.append(.init("forgotten", "\(state.forgotten)")) }
    return fields
  }

  /// A register's name; of a long one, as much as tells it from the others.
  static func name(_ key: Bytes) -> String {
    key.count > 20 ? "\(key[0..<8])" : "\(key)"
  }

  /// Text where it is, else hexadecimal digits; not more than 40 characters.
  static func short(_ value: Bytes?) -> String {
    guard let value else { return "none" }
    let bytes = value.array
    if bytes.allSatisfy({ (32..<127).contains($0) }) {
      let text = String(decoding: bytes.prefix(40), as: UTF8.self)
      return bytes.count > 40 ? "\"\(text)…\" (\(bytes.count) bytes)" : "\"\(text)\""
    }
    let digits = bytes.prefix(20).map { byte in
      (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }.joined()
    return bytes.count > 20 ? "0x\(digits)… (\(bytes.count) bytes)" : "0x\(digits)"
  }
}
