import MultiPaxos
import Synod

// What a golden script shows of messages, records and ends.

extension Message {
  var line: String {
    switch self {
    case .probe(let round, let chosen): "probe \(round), chosen \(chosen)"
    case .probed(let round, let misses, let promised):
      "probed \(round), \(misses ? "misses" : "hears") the leader, promised \(promised)"
    case .prepare(let ballot, let from): "prepare \(ballot) from \(from)"
    case .promise(let promise):
      "promise \(promise.ballot) from \(promise.from)"
        + promise.accepted.map { ", \($0.slot) at \($0.ballot): \($0.entry.line)" }.joined()
    case .refused(let ballot, let promised): "refused \(ballot), promised \(promised)"
    case .accept(let accept):
      "accept \(accept.ballot) \(accept.first): \(accept.entries.line), chosen \(accept.chosen)"
    case .accepted(let ballot, let first, let last): "accepted \(ballot) \(first) to \(last)"
    case .heartbeat(let ballot, let chosen, let round):
      "heartbeat \(ballot) \(round), chosen \(chosen)"
    case .echo(let ballot, let round, let applied, let granted):
      "echo \(ballot) \(round), applied \(applied)" + (granted > 0 ? ", grants \(granted)" : "")
    case .fetch(let from): "fetch from \(from)"
    case .entries(let first, let entries, let chosen):
      "entries \(first): \(entries.line), chosen \(chosen)"
    case .compacted(let through): "compacted through \(through)"
    case .fetchPiece(let slot, let index): "fetch piece \(index) of \(slot)"
    case .piece(let piece):
      "piece \(piece.index) of \(piece.slot)\(piece.isLast ? ", the last" : "")"
    case .forward(let entries): "forward \(entries.line)"
    case .notLeading(let voter): "not leading, \(voter.map { "\($0)" } ?? "nobody") is"
    case .askIndex(let round): "ask index \(round)"
    case .index(let round, let slot): "index \(round) \(slot)"
    case .takeOver(let ballot, let round): "take over \(ballot), grants up to \(round)"
    case .release(let ballot, let round): "release \(ballot), grants up to \(round)"
    case .digest(let slot, _): "digest \(slot)"
    case .diverged(let slot): "diverged \(slot)"
    case .returned: "returned"
    case .acknowledged(let ballot, let slot): "you acknowledged \(ballot), and \(slot)"
    case .askKnown: "ask what is known durably"
    case .known(let slot): "known durably, up to \(slot)"
    }
  }
}

extension Record {
  var line: String {
    switch self {
    case .begun(let schedule, _, let isFounder):
      "begun \(schedule)\(isFounder ? ", founder" : "")"
    case .reserve(let counter, let number, let read): "reserve \(counter) \(number) \(read)"
    case .promise(let ballot): "promise \(ballot)"
    case .accept(let ballot, let first, let entries): "accept \(ballot) \(first): \(entries.line)"
    case .learned(let first, let entries): "learned \(first): \(entries.line)"
    case .chosen(let slot): "chosen \(slot)"
    case .stateBegins(let slot): "state begins \(slot)"
    case .statePiece: "state piece"
    case .installed(let slot): "installed \(slot)"
    case .grants(let ticks): "grants \(ticks)"
    case .gaveUp(let reason): "gave up, \(reason)"
    }
  }
}

extension Entry {
  /// What it is, and its name.
  var line: String {
    var reader = ByteReader(payload)
    let name = "(\(id.origin).\(id.number))"
    switch kind {
    case .filler: return "filler"
    case .command:
      if let command = try? Calculator.Command(from: &reader) { return "\(command)\(name)" }
    case .membership:
      if let change = try? MembershipChange(from: &reader) {
        return change.steps.map(\.line).joined(separator: " ") + name
      }
    case .lease, .barrier, .verify: break
    }
    return "\(kind)\(name)"
  }
}

extension MembershipChange.Step {
  fileprivate var line: String {
    switch self {
    case .add(let member): "add \(member.voter)"
    case .promote(let voter): "promote \(voter)"
    case .remove(let voter): "remove \(voter)"
    case .replace(let voter, let member): "replace \(voter) by \(member.voter)"
    case .setAddress(let voter, _): "move \(voter)"
    case .pin(let voter, _): "pin \(voter)"
    }
  }
}

extension [Entry] {
  fileprivate var line: String { map(\.line).joined(separator: " ") }
}

extension Outcome<Calculator> {
  var line: String {
    switch self {
    case .applied(let outcome, let slot): "applied in \(slot): \(outcome)"
    case .answered(let value, let slot): "answered \(value), after \(slot)"
    case .passed(let slot): "passed \(slot)"
    case .membership(let membership, let slot): "members \(membership) from \(slot)"
    case .lease(let outcome, let slot): "lease \(outcome) at \(slot)"
    case .transferred(let voter): "handed over to \(voter)"
    case .notApplied(let why): "not applied: \(why)"
    case .unknown(let why): "unknown: \(why)"
    }
  }
}

extension Effect<Calculator> {
  /// Nil for what the end of a proposal tells as well.
  var line: String? {
    switch self {
    case .event: nil
    case .leader(let voter): "follows \(voter.map { "\($0)" } ?? "nobody")"
    case .membership(let membership, let slot): "members \(membership) from \(slot)"
    case .leaseEnded: "a lease is over"
    case .installed(let slot): "installed \(slot)"
    case .diverged(let slot): "diverged after \(slot)"
    case .retired(let slot): "may stop for ever, after \(slot)"
    case .rolledBack: "was rolled back"
    }
  }
}
