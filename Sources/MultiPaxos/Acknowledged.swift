internal import Synod

/// The newest that another voter acknowledged to this process: its store held it for certain. A store
/// that holds less was rolled back, or is another one (rule 34).
struct Acknowledged: Hashable, Sendable {
  let voter: VoterID
  var promised = Ballot.zero
  /// The last slot that it accepted, at whatever ballot.
  var slot = Slot.none
}

extension Core {
  /// Remembers a promise, or an acceptance, which is a promise too.
  mutating func note(_ promised: Ballot, _ slot: Slot = .none, by voter: VoterID) {
    guard voter != me else { return }
    let known = acknowledged.firstIndex { $0.voter == voter }
    if known == nil {
      guard state.knows(voter) else { return }
      acknowledged.removeAll { !state.knows($0.voter) }
      acknowledged.append(Acknowledged(voter: voter))
    }
    let place = known ?? acknowledged.count - 1
    acknowledged[place].promised = max(acknowledged[place].promised, promised)
    acknowledged[place].slot = max(acknowledged[place].slot, slot)
  }

  /// Tells a voter what it acknowledged, where it says that it promised less.
  mutating func remind(_ voter: VoterID, ofMoreThan promised: Ballot? = nil) {
    guard let known = acknowledged.first(where: { $0.voter == voter }) else { return }
    if let promised, known.promised <= promised { return }
    outbox.send(
      .acknowledged(promised: known.promised, slot: known.slot), to: .voter(voter))
  }

  /// Whoever heard this voter's earlier process remembers this. Where the store does not, that process
  /// may have promised and accepted anything: this identity must not vote again.
  mutating func receiveAcknowledged(_ promised: Ballot, _ slot: Slot) {
    guard isVoter else { return }
    if promised <= self.promised, slot <= state.applied || log.cell(slot) != nil { return }
    // What no log can hold one that was told so by a peer without its wits believes for this life alone.
    slot <= max(knownChosen, log.end).advanced(by: Self.slotLeap)
      ? giveUp(.rolledBack) : stop(.rolledBack)
    notes.append(.rolledBack)
  }
}
