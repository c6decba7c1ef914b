internal import CASPaxos
internal import Synod

/// What a client saw that was told that there is nothing.
extension RegisterSubject {
  /// - Returns: nil where it is not known which deletion was seen.
  func sight(of register: Register, _ call: Call) -> Register? {
    let sight = ledger.sight(of: register, on: call.key, floor: call.floor, by: call.voter)
    guard let sight, sight.value == nil, sight.version.ballot.isZero, !call.floor.ballot.isZero,
      mayHaveFoundDeletion(call)
    else { return sight }
    return nil
  }

  /// Whether it was part of a round of its voter in which a deletion was followed by another change.
  private func mayHaveFoundDeletion(_ call: Call) -> Bool {
    let rounds = ledger.foldedRounds(
      of: call.key, by: call.voter, since: call.invoked, above: call.floor)
    return rounds.contains { round in
      let others = calls.filter {
        $0.key == call.key && $0.voter == call.voter && $0.invoked <= round.proposedAt
          && $0.returned ?? $0.lost ?? .max >= round.proposedAt
      }
      var states = [Register()] + ledger.bases(of: round.ballot)
      states += others.compactMap { $0.outcome?.register }
      return others.contains { other in
        guard case .change(let change) = other.operation else { return false }
        return states.contains {
          if case .write(nil, _) = change.decision(on: $0) { true } else { false }
        }
      }
    }
  }
}
