internal import Synod

/// The acceptor of one register (rules 4 to 7): what it makes of a request. Making it durable, and
/// answering, is up to the core.
extension RegisterTable.Cell {
  enum Verdict {
    /// The register changed; the answer waits for the record of it.
    case granted
    /// It was granted before; the answer is the same.
    case duplicate
    case refused
    /// Two states under one ballot.
    case impossible
  }

  mutating func prepare(_ ballot: Ballot) -> Verdict {
    // A duplicate is answered again, or a lost reply would cost a ballot.
    if ballot == promised && accepted < ballot { return .duplicate }
    #if PlantedBugs
      if PlantedBug.has(.counterAlone), ballot.epoch == promised.epoch,
        ballot.counter == promised.counter, ballot > accepted
      {
        promised = ballot
        return .granted
      }
    #endif
    if ballot <= promised || ballot <= accepted { return .refused }
    promised = ballot
    age = 0
    return .granted
  }

  /// - Parameter next: promised together with the acceptance; zero for none.
  mutating func accept(_ proposed: RegisterState, at ballot: Ballot, next: Ballot) -> Verdict {
    #if PlantedBugs
      // Gryadka's acceptors refuse whatever is not above what they accepted: with the mistake on both
      // sides, the second value leaves its proposer.
      if PlantedBug.has(.reusedBallot), ballot == accepted, proposed != state { return .refused }
    #endif
    // A duplicate is acknowledged even where the promise is higher by now: it is true.
    if ballot == accepted { return proposed == state ? .duplicate : .impossible }
    #if PlantedBugs
      let promised = bound(of: ballot)
      if PlantedBug.has(.looseAcceptance), ballot >= promised {
        (accepted, state) = (ballot, proposed)
        return .granted
      }
    #endif
    if ballot < promised || ballot < accepted { return .refused }
    accepted = ballot
    age = 0
    self.promised = max(self.promised, ballot, next)
    state = proposed
    state.value = proposed.value?.compacted()
    return .granted
  }
  #if PlantedBugs
    /// What an acceptance must not be below.
    private func bound(of ballot: Ballot) -> Ballot {
      if PlantedBug.has(.lowerBallot) { return accepted }
      let isEqual = ballot.epoch == promised.epoch && ballot.counter == promised.counter
      return PlantedBug.has(.counterAlone) && isEqual ? ballot : promised
    }
  #endif
}
