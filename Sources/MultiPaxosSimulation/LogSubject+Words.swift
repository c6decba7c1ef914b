public import MultiPaxos
internal import Synod
public import SynodSimulation

extension LogSubject {
  /// A message as a trace shows it.
  public static func describe(_ message: MultiPaxos.Message) -> TraceText {
    LogWords.describe(message)
  }

  /// A record as a trace shows it.
  public static func describe(_ record: MultiPaxos.Record) -> TraceText {
    LogWords.describe(record)
  }

  /// A proposal as a trace shows it.
  public static func describe(_ proposal: Proposal<Workload.App>) -> TraceText {
    var fields: [TraceText.Field] = []
    if let deadline = proposal.deadline { fields.append(.init("deadline", "tick \(deadline)")) }
    if let once = proposal.once { fields.append(.init("once", "\(once)")) }
    switch proposal.operation {
    case .command(let command): return TraceText("\(command)", fields)
    case .query(let query, let kind):
      return TraceText("read", [.init("query", "\(query)"), .init("kind", "\(kind)")] + fields)
    case .barrier: return TraceText("barrier", fields)
    case .changeMembership(let change):
      return TraceText("change of members", [.init("change", "\(change)")] + fields)
    case .lease(let request): return TraceText("lease", [.init("request", "\(request)")] + fields)
    case .transferLeadership(let voter):
      return TraceText("hand over", [.init("to", voter.map { "\($0)" } ?? "whoever is furthest")])
    }
  }

  /// A completion as a trace shows it.
  public static func describe(_ completion: Completion<Workload.App>) -> TraceText {
    switch completion.result {
    case .applied(let outcome, let slot):
      return TraceText("applied", [.init("outcome", "\(outcome)"), .init("slot", "\(slot)")])
    case .answered(let answer, let slot):
      return TraceText("answered", [.init("answer", "\(answer)"), .init("slot", "\(slot)")])
    case .passed(let slot): return TraceText("passed", [.init("slot", "\(slot)")])
    case .membership(let membership, let slot):
      return TraceText("members", [.init("are", "\(membership)"), .init("from", "\(slot)")])
    case .lease(let outcome, let slot):
      return TraceText("lease", [.init("outcome", "\(outcome)"), .init("slot", "\(slot)")])
    case .transferred(let voter): return TraceText("handed over", [.init("to", "\(voter)")])
    case .notApplied(let why): return TraceText("not applied", [.init("because", "\(why)")])
    case .unknown(let why): return TraceText("unknown", [.init("because", "\(why)")])
    }
  }
}

/// Words that do not depend on the state.
enum LogWords {
  static func describe(_ message: Message) -> TraceText {
    func text(
      _ title: String, _ ballot: Ballot? = nil, _ fields: KeyValuePairs<String, String> = [:]
    ) -> TraceText {
      var text = TraceText(title, fields.map { .init($0.key, $0.value) })
      text.ballot = ballot
      return text
    }
    switch message {
    case .probe(let round, let chosen):
      return text("probe", nil, ["round": "\(round)", "chosen": "\(chosen)"])
    case .probed(let round, let misses, let promised):
      return text("probed", promised, ["round": "\(round)", "misses the leader": "\(misses)"])
    case .prepare(let ballot, let from): return text("prepare", ballot, ["from": "\(from)"])
    case .promise(let promise):
      let told = promise.accepted.map { "\($0.slot) at \($0.ballot): \($0.entry)" }
      return text(
        "promise", promise.ballot,
        [
          "from": "\(promise.from)", "part": "\(promise.part + 1) of \(promise.parts)",
          "accepted": told.joined(separator: ", "),
        ])
    case .refused(let ballot, let promised):
      return text("refused", ballot, ["promised": "\(promised)"])
    case .accept(let accept):
      return text(
        "accept", accept.ballot,
        [
          "first": "\(accept.first)", "entries": words(accept.entries),
          "chosen": "\(accept.chosen)",
        ])
    case .accepted(let ballot, let first, let last):
      return text("accepted", ballot, ["first": "\(first)", "last": "\(last)"])
    case .heartbeat(let ballot, let chosen, let round):
      return text("heartbeat", ballot, ["chosen": "\(chosen)", "round": "\(round)"])
    case .echo(let ballot, let round, let applied, let granted):
      return text(
        "echo", ballot,
        ["round": "\(round)", "applied": "\(applied)", "granted": "\(granted) ticks"])
    case .fetch(let from): return text("fetch", nil, ["from": "\(from)"])
    case .entries(let first, let entries, let chosen):
      return text(
        "entries", nil,
        ["first": "\(first)", "entries": words(entries), "chosen": "\(chosen)"])
    case .compacted(let through): return text("compacted", nil, ["through": "\(through)"])
    case .fetchPiece(let slot, let index):
      return text("fetch piece", nil, ["slot": "\(slot)", "index": "\(index)"])
    case .piece(let piece):
      return text(
        "piece", nil,
        ["slot": "\(piece.slot)", "index": "\(piece.index)", "last": "\(piece.isLast)"])
    case .forward(let entries): return text("forward", nil, ["entries": words(entries)])
    case .notLeading(let voter):
      return text("not leading", nil, ["leader": voter.map { "\($0)" } ?? "nobody known"])
    case .askIndex(let round): return text("ask index", nil, ["round": "\(round)"])
    case .index(let round, let slot):
      return text("index", nil, ["round": "\(round)", "slot": "\(slot)"])
    case .release(let ballot, let round):
      return text("release", ballot, ["round": "\(round)"])
    case .takeOver(let ballot, let round):
      return text("take over", ballot, ["round": "\(round)"])
    case .digest(let slot, let hash):
      return text("digest", nil, ["slot": "\(slot)", "hash": "\(hash)"])
    case .diverged(let slot): return text("diverged", nil, ["slot": "\(slot)"])
    case .returned: return text("returned")
    case .acknowledged(let promised, let slot):
      return text("acknowledged", promised, ["slot": "\(slot)"])
    case .askKnown: return text("ask known")
    case .known(let slot): return text("known", nil, ["slot": "\(slot)"])
    }
  }

  static func describe(_ record: Record) -> TraceText {
    switch record {
    case .begun(let schedule, let store, let isFounder):
      return TraceText(
        "begun",
        [
          .init("members", "\(schedule.newest.membership)"),
          .init("store", store.map { "\($0)" } ?? "none"), .init("founder", "\(isFounder)"),
        ])
    case .reserve(let counter, let number, let read):
      return TraceText(
        "reserve",
        [
          .init("counter", "\(counter)"), .init("number", "\(number)"), .init("read", "\(read)"),
        ])
    case .promise(let ballot):
      var text = TraceText("promise", [])
      text.ballot = ballot
      return text
    case .accept(let ballot, let first, let entries):
      var text = TraceText(
        "accept", [.init("first", "\(first)"), .init("entries", words(entries))])
      text.ballot = ballot
      return text
    case .learned(let first, let entries):
      return TraceText("learned", [.init("first", "\(first)"), .init("entries", words(entries))])
    case .chosen(let through): return TraceText("chosen", [.init("through", "\(through)")])
    case .stateBegins(let slot): return TraceText("state begins", [.init("slot", "\(slot)")])
    case .statePiece(let index, let bytes):
      return TraceText(
        "state piece", [.init("index", "\(index)"), .init("bytes", "\(bytes.count)")])
    case .installed(let slot): return TraceText("installed", [.init("slot", "\(slot)")])
    case .grants(let ticks): return TraceText("grants", [.init("ticks", "\(ticks)")])
    case .gaveUp(let reason): return TraceText("gave up", [.init("because", "\(reason)")])
    }
  }

  static func words(_ entries: [Entry]) -> String {
    entries.map { "\($0)" }.joined(separator: ", ")
  }
}
