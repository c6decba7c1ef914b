internal import Synod

/// Who decides about the members while two components vote: the voters there were, alone, unless the
/// new ones are to go on alone.
///
/// The new voters need not take part in what leaves them nothing: a change can be rolled back, though
/// too few of those that were to join are alive. It is safe, as every quorum here contains one of the
/// old voters, whose prepare quorums meet their accept quorums: two rounds never choose apart. What
/// ends in the old voters' epoch is found there by them. What hands over to the new ones must be held
/// by an accept quorum of those, too, or their epoch would begin without it.
///
/// What decides about all other registers is inlined: to call a function that only reads it, the whole
/// core may be copied.
extension Core {
  /// Whether these promises let the slot's round go on.
  @inline(__always)
  func isPrepareQuorum(_ votes: VoteSet, for slot: Int) -> Bool {
    guard rounds[slot].isReserved else { return configuration.isPrepareQuorum(votes) }
    return isPrepareQuorumOnMembers(votes)
  }

  /// Whether these acceptances of the slot's state choose it.
  @inline(__always)
  func isAcceptQuorum(_ votes: VoteSet, for slot: Int) -> Bool {
    guard rounds[slot].isReserved else { return configuration.isAcceptQuorum(votes) }
    return isAcceptQuorumOnMembers(votes, for: slot)
  }

  @inline(never)
  private func isPrepareQuorumOnMembers(_ votes: VoteSet) -> Bool {
    #if PlantedBugs
      if PlantedBug.has(.eitherSide), configuration.incoming?.isPrepareQuorum(votes) == true {
        return true
      }
    #endif
    return configuration.component.isPrepareQuorum(votes)
  }

  @inline(never)
  private func isAcceptQuorumOnMembers(_ votes: VoteSet, for slot: Int) -> Bool {
    #if PlantedBugs
      if let incoming = configuration.incoming {
        let isEnough = configuration.component.isAcceptQuorum(votes)
        if PlantedBug.has(.unaskedHandOver), isEnough { return true }
        if PlantedBug.has(.eitherSide), isEnough || incoming.isAcceptQuorum(votes) { return true }
      }
    #endif
    guard configuration.isJoint, !handsOver(rounds[slot].base) else {
      return configuration.isAcceptQuorum(votes)
    }
    return configuration.component.isAcceptQuorum(votes)
  }

  /// Whether the new voters go on alone with this.
  private func handsOver(_ state: RegisterState) -> Bool {
    guard let value = state.value else { return false }
    guard let members = try? Membership(value) else { return true }
    return members.configuration.epoch > configuration.epoch
      && members.configuration.voters != configuration.component.voters
  }
}
