internal import MultiPaxos
internal import Synod
internal import SynodSimulation

/// Proposals that came to nothing, or perhaps to nothing: each for a reason that it had.
extension LogSubject {
  mutating func notApplied(_ call: Call, _ reason: NotApplied, _ place: Int) {
    calls[place].isNotApplied = true
    if let what = unfounded(reason, call) {
      ledger.violate("proposal \(call.id) ends because of \(reason), and \(what)")
    }
    switch reason {
    case .overloaded: ledger.reach(.overloaded)
    case .notLeader: ledger.reach(.notLeader)
    case .noLease: ledger.reach(.noLease)
    case .abandoned: ledger.reach(.givenUp)
    case .tooLarge, .malformed, .refused, .notAVoter, .outdated, .outsideSlots: break
    }
    if let wanted = Wanted(call.proposal, at: call.voter), !reason.isRefusal {
      asked[wanted]?.possible -= 1
      mustHaveBeenAsked(wanted)
    }
    guard case .command(let command) = call.proposal.operation,
      let wish = wishes[command.encoded], let slot = wish.appliedIn
    else { return }
    if wish.calls.allSatisfy({ calls[$0].isNotApplied }) {
      ledger.violate("proposal \(call.id) ends as not applied, and is applied in \(slot)")
    }
  }

  mutating func unknown(_ call: Call, _ reason: Abandoned) {
    ledger.reach(.unknown)
    if case .query = call.proposal.operation {
      ledger.violate("proposal \(call.id) reads, and its outcome is unknown")
    }
    if let what = unfounded(reason, call) {
      ledger.violate("proposal \(call.id) ends because of \(reason), and \(what)")
    }
    if call.proposal.once != nil, !isClosing { again[call.client] = call.proposal }
  }

  /// What speaks against a reason; nil where nothing does.
  private func unfounded(_ reason: NotApplied, _ call: Call) -> String? {
    switch (reason, call.proposal.operation) {
    case (.overloaded, _), (.notLeader, _), (.noLease, .query(_, .lease)),
      (.refused, .changeMembership):
      nil
    case (.tooLarge(let size, let limit), _):
      size > limit ? nil : "that is not too large"
    case (.notAVoter(let voter), .transferLeadership(let wanted)):
      wanted == nil || wanted == call.voter || ledger.items.contains { !isVoter(voter, $0) }
        ? nil : "it is a voter"
    case (.abandoned(let reason), _): unfounded(reason, call)
    // No client sends another command under the same number, and none names slots.
    case (.malformed, _), (.outdated, _), (.outsideSlots, _), (.noLease, _), (.refused, _),
      (.notAVoter, _):
      "it asked for nothing of the kind"
    }
  }

  private func isVoter(_ voter: VoterID, _ item: Schedule.Item) -> Bool {
    item.membership.configuration.place(of: voter) != nil
  }

  private func unfounded(_ reason: Abandoned, _ call: Call) -> String? {
    switch reason {
    // The world knows of these.
    case .deadline, .cancelled: nil
    // Leaders come and go, and snapshots come when they come.
    case .leadershipLost, .forgotten: nil
    case .notAMember: plan.spares > 0 ? nil : "nobody comes or goes"
    case .storageFailed: hasFailed.contains(call.voter) ? nil : "its store did not fail"
    case .countersExhausted, .cannotStart, .rolledBack, .shutDown, .ejected, .diverged,
      .machineStopped:
      "nobody gave it that reason"
    }
  }
}

extension NotApplied {
  /// It stands in the log, and changes nothing.
  fileprivate var isRefusal: Bool {
    if case .refused = self { true } else { false }
  }
}
