internal import MultiPaxos
internal import Synod

/// Nothing leaves before what it rests on is durable (section G of the rules), and nothing that is
/// said is wrong.
extension LogLedger {
  mutating func sent(_ message: Message, by voter: VoterID) {
    guard let place = place(of: voter) else { return }
    switch message {
    case .probe, .probed, .fetchPiece, .askIndex, .takeOver, .release, .returned, .acknowledged,
      .askKnown:
      break
    case .known(let chosen): mustBeChosen(through: chosen, says: voter)
    case .prepare(let ballot, let from):
      use(ballot, by: voter)
      mustBeChosen(through: from.previous, says: voter)
    case .promise(let promise): judge(promise, by: voter, place)
    case .refused: reach(.refused)
    case .accept(let accept):
      use(accept.ballot, by: voter)
      if accept.ballot < highestBallot { reach(.twoLeaders) }
      highestBallot = max(highestBallot, accept.ballot)
      mustBeChosen(through: accept.chosen, says: voter)
      for (offset, entry) in accept.entries.enumerated() {
        propose(entry, in: accept.first.advanced(by: UInt64(offset)), at: accept.ballot)
      }
    case .accepted(let ballot, let first, let last):
      if stores[place].isRetired { violate("voter \(voter), who is lost, says that it accepted") }
      mustBeVoter(voter)
      var slot = first
      while slot <= last {
        // What is chosen is so whoever accepted it: one who knows that may say so in these words.
        if !holds(slot, at: ballot, voter) && chosen[slot] == nil {
          return violate(
            "voter \(voter) says that it accepted \(slot) at \(ballot), before that is durable")
        }
        slot = slot.next
      }
    case .heartbeat(let ballot, let chosen, _):
      use(ballot, by: voter)
      mustBeChosen(through: chosen, says: voter)
    case .echo(let ballot, _, let applied, _):
      if ballot < stores[place].promised {
        violate("voter \(voter) echoes \(ballot), and promised \(stores[place].promised)")
      }
      mustBeChosen(through: applied, says: voter)
    case .fetch(let from): mustBeChosen(through: from.previous, says: voter)
    case .entries(let first, let entries, let chosen):
      for (offset, entry) in entries.enumerated() {
        mustBeChosen(entry, in: first.advanced(by: UInt64(offset)), says: voter)
      }
      mustBeChosen(through: chosen, says: voter)
      reach(.caughtUp)
    case .compacted(let through): mustBeChosen(through: through, says: voter)
    case .piece(let piece): mustBeChosen(through: piece.slot, says: voter)
    case .forward: reach(.forwarded)
    case .notLeading: reach(.forwardReturned)
    case .index: break
    case .digest(let slot, _):
      mustBeChosen(through: slot, says: voter)
      reach(.statesCompared)
    case .diverged(let slot):
      violate("voter \(voter) says that another's state differs after \(slot), and all are honest")
    }
  }

  /// Nobody votes whom no membership names, with its own store (rule 33).
  private mutating func mustBeVoter(_ voter: VoterID) {
    if !items.contains(where: { mayVote(voter, $0) }) {
      violate("voter \(voter) votes, and no membership names it and its store")
    }
  }

  /// A promise is durable, and tells all that was accepted before it (rule 6).
  private mutating func judge(_ promise: Message.Promise, by voter: VoterID, _ place: Int) {
    let store = stores[place]
    if store.isRetired { violate("voter \(voter), who is lost, promises") }
    mustBeVoter(voter)
    if store.promised < promise.ballot {
      violate("voter \(voter) promises \(promise.ballot), before that is durable")
    }
    mustBeChosen(through: promise.from.previous, says: voter)
    reach(promise.parts > 1 ? .promiseInParts : .promised)
    for told in promise.accepted where !told.ballot.isZero {
      if proposed[Place(slot: told.slot, ballot: told.ballot)]?.entry != told.entry {
        violate("voter \(voter) tells of \(told.slot) at \(told.ballot), which nobody proposed")
      }
    }
    var parts = store.parts[promise.ballot] ?? [:]
    if let other = parts.values.first,
      other.parts != promise.parts || other.from != promise.from || other.content != promise.content
    {
      parts.removeAll()
    }
    parts[promise.part] = promise
    stores[place].parts[promise.ballot] = parts
    guard parts.count == Int(promise.parts) else { return }
    stores[place].parts[promise.ballot] = nil
    var told: [Slot: Ballot] = [:]
    for part in parts.values {
      for entry in part.accepted { told[entry.slot] = entry.ballot }
    }
    for (slot, ballot) in store.accepted where slot >= promise.from && ballot < promise.ballot {
      // What it knows to be chosen it may tell as such.
      guard let found = told[slot], found >= ballot || chosen[slot] != nil else {
        violate(
          "voter \(voter) promises \(promise.ballot), and does not tell of \(slot), which it "
            + "accepted at \(ballot)")
        continue
      }
    }
  }
}
