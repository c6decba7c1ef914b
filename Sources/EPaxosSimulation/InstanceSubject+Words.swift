public import EPaxos
internal import Synod
public import SynodSimulation

extension InstanceSubject {
  /// A message as a trace shows it.
  public static func describe(_ message: EPaxos.Message) -> TraceText {
    InstanceWords.describe(message)
  }

  /// A record as a trace shows it.
  public static func describe(_ record: EPaxos.Record) -> TraceText {
    InstanceWords.describe(record)
  }

  /// A proposal as a trace shows it.
  public static func describe(_ proposal: Proposal<Scrolls>) -> TraceText {
    var fields: [TraceText.Field] = []
    if let deadline = proposal.deadline { fields.append(.init("deadline", "tick \(deadline)")) }
    if let once = proposal.once { fields.append(.init("once", "\(once)")) }
    switch proposal.operation {
    case .command(let command):
      let writes = Scrolls.keys(command.writes)
      let reads = Scrolls.keys(command.reads)
      return TraceText(
        "command",
        [
          .init("item", "\(command.item)"), .init("writes", "\(writes)"),
          .init("reads", "\(reads)"),
        ] + fields)
    case .query(let query, let kind):
      let keys = query.isRange ? "all" : "\(Scrolls.keys(query.keys))"
      return TraceText("read", [.init("keys", keys), .init("kind", "\(kind)")] + fields)
    case .barrier: return TraceText("barrier", fields)
    case .members(let change):
      return TraceText("members", [.init("change", "\(change.steps)")] + fields)
    }
  }

  /// A completion as a trace shows it.
  public static func describe(_ completion: Completion<Scrolls>) -> TraceText {
    switch completion.result {
    case .applied(let heads, let position):
      return TraceText(
        "applied",
        [.init("keys", InstanceWords.words(heads)), .init("position", "\(position)")])
    case .answered(let heads):
      return TraceText("answered", [.init("keys", InstanceWords.words(heads))])
    case .passed: return TraceText("passed")
    case .changed(let membership):
      return TraceText("changed", [.init("members", "\(membership)")])
    case .notApplied(let why): return TraceText("not applied", [.init("because", "\(why)")])
    case .unknown(let why): return TraceText("unknown", [.init("because", "\(why)")])
    }
  }
}

/// Words for what nodes say and write.
enum InstanceWords {
  static func words(_ heads: Scrolls.Heads) -> String {
    heads.heads.map { "\($0.key): \($0.count)" }.joined(separator: ", ")
  }

  private static func text(
    _ title: String, _ id: InstanceID?, _ ballot: Ballot? = nil,
    _ fields: KeyValuePairs<String, String> = [:]
  ) -> TraceText {
    let head = id.map { [TraceText.Field("instance", "\($0)")] } ?? []
    return TraceText(title, ballot: ballot, head + fields.map { .init($0.key, $0.value) })
  }

  static func describe(_ message: Message) -> TraceText {
    switch message {
    case .preAccept(let id, let value):
      return text(
        "pre-accept", id, nil, ["command": "\(value.batch)", "behind": "\(value.dep)"])
    case .preAccepted(let id, let dep):
      return text("pre-accepted", id, nil, ["behind": "\(dep)"])
    case .accept(let ballot, let id, let value):
      return text(
        "accept", id, ballot, ["command": "\(value.batch)", "behind": "\(value.dep)"])
    case .accepted(let ballot, let id): return text("accepted", id, ballot)
    case .commit(let committed):
      let ids = committed.map { "\($0.id): \($0.value.batch) behind \($0.value.dep)" }
      return text("commit", nil, nil, ["decided": ids.joined(separator: ", ")])
    case .recover(let ballot, let id): return text("recover", id, ballot)
    case .holding(let ballot, let id, let holding):
      return text(
        "holding", id, ballot,
        [
          "phase": "\(holding.phase)", "accepted at": "\(holding.abal)",
          "command": holding.cmd.map { "\($0)" } ?? "nothing", "behind": "\(holding.dep)",
        ])
    case .refused(let ballot, let id, let promised):
      return text("refused", id, ballot, ["promised": "\(promised)"])
    case .validate(let ballot, let id, let value):
      return text(
        "validate", id, ballot, ["command": "\(value.batch)", "behind": "\(value.dep)"])
    case .validated(let ballot, let id, let objections):
      let words = objections.map { "\($0.id)\($0.isCommitted ? ", decided" : "")" }
      return text("validated", id, ballot, ["objections": words.joined(separator: "; ")])
    case .waiting(let id, let unchanged):
      return text("waiting", id, nil, ["unchanged": "\(unchanged)"])
    case .fetch(let ids):
      return text("fetch", nil, nil, ["instances": ids.map { "\($0)" }.joined(separator: ", ")])
    case .standing(let standing, let asks):
      return text(
        "standing", nil, nil,
        [
          "epoch": "\(standing.epoch)", "truncated": "\(standing.truncated)",
          "seen": "\(standing.seen)", "asks": "\(asks)",
        ])
    case .executed(let id, let asks): return text("executed", id, nil, ["asks": "\(asks)"])
    case .fetchPiece(let snapshot, let index):
      return text("fetch piece", nil, nil, ["snapshot": "\(snapshot)", "index": "\(index)"])
    case .piece(let piece):
      return text(
        "piece", nil, nil,
        ["snapshot": "\(piece.snapshot)", "index": "\(piece.index)", "last": "\(piece.isLast)"])
    }
  }

  static func describe(_ record: Record) -> TraceText {
    switch record {
    case .begun(let configuration, let store, let joins):
      return text(
        joins ? "joins" : "begun", nil, nil,
        ["members": "\(configuration)", "store": store.map { "\($0)" } ?? "none"])
    case .entered(let membership, let id):
      return text("entered", id, nil, ["members": "\(membership)"])
    case .reserve(let row, let number):
      return text("reserve", nil, nil, ["row": "\(row)", "number": "\(number)"])
    case .preaccepted(let id, let value, let held):
      return text(
        "pre-accepted", id, nil,
        ["command": "\(value.batch)", "proposed": "\(value.dep)", "behind": "\(held)"])
    case .promised(let id, let ballot): return text("promised", id, ballot)
    case .accepted(let id, let ballot, let batch, let dep):
      return text(
        "accepted", id, ballot,
        ["command": batch.map { "\($0)" } ?? "as held", "behind": "\(dep)"])
    case .validated(let id, let value):
      return text("validated", id, nil, ["proposed": "\(value.dep)"])
    case .committed(let id, let batch, let dep):
      return text(
        "decided", id, nil,
        ["command": batch.map { "\($0)" } ?? "as held", "behind": "\(dep)"])
    case .truncated(let through): return text("truncated", nil, nil, ["through": "\(through)"])
    case .instance(let id, let instance):
      return text("instance", id, instance.bal, ["phase": "\(instance.phase)"])
    case .stateBegins(let number):
      return text("state begins", nil, nil, ["snapshot": "\(number)"])
    case .statePiece(let bytes): return text("state piece", nil, nil, ["bytes": "\(bytes.count)"])
    case .installed(let number): return text("installed", nil, nil, ["snapshot": "\(number)"])
    }
  }
}
