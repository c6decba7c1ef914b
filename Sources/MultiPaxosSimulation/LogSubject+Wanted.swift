internal import MultiPaxos
internal import Synod

extension LogSubject {
  /// A lease or other members, as a client asks a node for them: two that ask for the same in the same
  /// words cannot be told apart.
  struct Wanted: Hashable {
    let kind: Entry.Kind
    let payload: Bytes
    let origin: VoterID

    init?(_ proposal: Proposal<Workload.App>, at voter: VoterID) {
      switch proposal.operation {
      case .changeMembership(let change): (kind, payload) = (.membership, change.encoded)
      case .lease(let request): (kind, payload) = (.lease, request.encoded)
      case .command, .query, .barrier, .transferLeadership: return nil
      }
      origin = voter
    }

    init(_ entry: Entry) { (kind, payload, origin) = (entry.kind, entry.payload, entry.id.origin) }
  }

  /// What came of it.
  struct Asked {
    /// How often it was asked for by somebody who was not told that nothing came of it.
    var possible = 0
    /// How often the log says it, and how often that had an effect.
    var came = 0
    var effects = 0
  }

  /// A slot says what somebody wanted.
  mutating func came(_ entry: Entry, in slot: Slot, hasEffect: Bool) {
    let wanted = Wanted(entry)
    asked[wanted, default: Asked()].came += 1
    if !hasEffect { return }
    asked[wanted]?.effects += 1
    mustHaveBeenAsked(wanted)
  }

  /// It took effect as often as it was asked for, at the most: once for each who asked, and not for
  /// those who were told that it never would.
  mutating func mustHaveBeenAsked(_ wanted: Wanted) {
    guard let asked = asked[wanted], asked.effects > asked.possible else { return }
    // Nodes on blank stores ask for their places themselves.
    if wanted.kind == .membership, newcomers.newcomer(wanted.origin)?.lost != nil { return }
    ledger.violate(
      "\(wanted.payload) of voter \(wanted.origin) has its effect for the \(asked.effects). time, "
        + "and may have it \(asked.possible) times")
  }

  /// Whether a slot says what a call asked for.
  func isOf(_ call: Call, _ slot: Slot) -> Bool {
    guard let entry = ledger.chosen[slot]?.entry else { return false }
    return Wanted(call.proposal, at: call.voter) == Wanted(entry)
  }

  /// Whether the members may yet become others by what a client asked for, or a node on a blank store.
  var isChangePending: Bool {
    asked.contains { $0.key.kind == .membership && $0.value.possible > $0.value.came }
      || newcomers.mayBeNamed(from: ledger.newest.membership.nextVoter)
  }
}
