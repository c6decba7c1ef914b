internal import MultiPaxos
internal import Synod

/// What stores hold for certain.
extension LogLedger {
  /// It is durable.
  mutating func persisted(_ record: Record, by voter: VoterID) {
    guard let place = place(of: voter) else { return }
    switch record {
    case .begun, .stateBegins, .statePiece, .grants, .gaveUp: break
    case .reserve(let counter, _, _):
      stores[place].reserved = max(stores[place].reserved, counter)
    case .promise(let ballot):
      if ballot < stores[place].promised {
        violate("voter \(voter) promises \(ballot) after \(stores[place].promised)")
      }
      stores[place].promised = max(stores[place].promised, ballot)
    case .accept(let ballot, let first, let entries):
      if stores[place].isRetired { violate("voter \(voter), who is lost, accepts") }
      if ballot < stores[place].promised {
        violate("voter \(voter) accepts at \(ballot), and promised \(stores[place].promised)")
      }
      stores[place].promised = max(stores[place].promised, ballot)
      for (offset, entry) in entries.enumerated() {
        let slot = first.advanced(by: UInt64(offset))
        if let known = stores[place].accepted[slot], known > ballot {
          violate("voter \(voter) accepts \(slot) at \(ballot), and had at \(known)")
        }
        stores[place].accepted[slot] = ballot
        accepted(entry, in: slot, at: ballot, by: voter)
      }
    case .learned(let first, let entries):
      for (offset, entry) in entries.enumerated() {
        mustBeChosen(entry, in: first.advanced(by: UInt64(offset)), says: voter)
      }
      knows(through: first.advanced(by: UInt64(entries.count)).previous, place)
      reach(.learnedWithout)
    case .chosen(let through):
      mustBeChosen(through: through, says: voter)
      knows(through: through, place)
    case .installed(let slot):
      mustBeChosen(through: slot, says: voter)
      knows(through: slot, place)
      reach(.snapshotInstalled)
      if !settings.configuration.voters.contains(voter) { reach(.snapshotForNewcomer) }
    }
  }

  private mutating func knows(through slot: Slot, _ place: Int) {
    stores[place].knowsChosen = max(stores[place].knowsChosen, slot)
  }

  /// A voter's store is lost or refused.
  mutating func retire(_ voter: VoterID) {
    guard let place = place(of: voter) else { return }
    stores[place] = Store()
    stores[place].isRetired = true
  }

  /// A machine was rebuilt: it must stand by all that its store holds for certain. What survived
  /// without having been synced counts from now on.
  mutating func recovered(
    as voter: VoterID, promised: Ballot, applied: Slot,
    accepted: (Slot) -> (ballot: Ballot, entry: Entry, isChosen: Bool)?
  ) {
    guard let place = place(of: voter) else { return }
    stores[place].life += 1
    stores[place].parts.removeAll()
    let store = stores[place]
    if promised < store.promised {
      violate("voter \(voter) comes back with \(promised), and had promised \(store.promised)")
    }
    if promised > store.promised { reach(.unsyncedSurvived) }
    for (slot, ballot) in store.accepted where slot > applied {
      guard let found = accepted(slot) else {
        violate("voter \(voter) comes back without \(slot), which it had accepted at \(ballot)")
        continue
      }
      if found.ballot < ballot, !found.isChosen {
        violate("voter \(voter) comes back with \(slot) at \(found.ballot), and had \(ballot)")
      }
    }
  }

  /// It stands in a store that was opened.
  mutating func survived(_ record: Record, as voter: VoterID) {
    guard let place = place(of: voter) else { return }
    switch record {
    case .promise(let ballot):
      stores[place].promised = max(stores[place].promised, ballot)
    case .accept(let ballot, let first, let entries):
      for (offset, entry) in entries.enumerated() {
        let slot = first.advanced(by: UInt64(offset))
        stores[place].accepted[slot] = max(stores[place].accepted[slot] ?? .zero, ballot)
        self.accepted(entry, in: slot, at: ballot, by: voter)
      }
    case .reserve(let counter, _, _):
      if counter < stores[place].reserved {
        violate("voter \(voter) comes back with \(counter) of \(stores[place].reserved) reserved")
      }
      if counter > stores[place].reserved { reach(.unsyncedSurvived) }
      stores[place].reserved = max(stores[place].reserved, counter)
    case .begun, .learned, .chosen, .stateBegins, .statePiece, .installed, .grants, .gaveUp: break
    }
  }
}
