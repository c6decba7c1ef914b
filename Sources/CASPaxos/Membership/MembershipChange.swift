public import Synod

/// What a client may ask to be changed about the members, one at a time.
public enum MembershipChange: Hashable, Sendable {
  /// A new member, whose identity is the membership's next. A voter comes as a learner first, and is
  /// made a voter as soon as it is heard from.
  case add(address: Bytes, role: Member.Role)
  /// A member goes, for ever.
  case remove(VoterID)
  /// A new voter takes the place of one whose store was lost: a learner first, as with `add`.
  case replace(VoterID, address: Bytes)
  /// Gives up the change of the voters that is under way in this epoch, and no later one. Whoever was
  /// to join is retired.
  case rollback(of: Epoch)
  /// A member is reached elsewhere.
  case setAddress(VoterID, Bytes)
  /// The store that an identity belongs to was seen.
  case pin(VoterID, StoreID)
}

/// One write of the membership's register: what a client asked for, or what follows by itself.
@usableFromInline
enum MembershipStep: Hashable, Sendable {
  case change(MembershipChange)
  /// A learner becomes a voter: begins a joint epoch.
  case promote(VoterID)
  /// Every register was accepted anew in this joint epoch: the new voters go on alone. What was collected
  /// before it is at or below the floor.
  case conclude(Epoch, floor: Ballot)
}

/// Why the members are not changed.
public enum MembershipRefusal: Error, Hashable, Sendable {
  /// A change of the voters is under way, in this epoch.
  case underWay(Epoch)
  /// There is nothing to roll back.
  case nothingUnderWay
  /// Nobody has this identity.
  case unknown(VoterID)
  /// Only a voter is replaced, and only a learner is made one.
  case wrongRole(VoterID, Member.Role)
  /// There would be too many members.
  case tooManyMembers(limit: Int)
  /// There would be none or too many voters.
  case voterCount(Int, limit: Int)
  /// Without this voter the others hold no quorum, neither to find what was chosen nor to go on.
  case othersHoldNoQuorum(without: VoterID)
  /// The voters after the change, of whom only these answer: they would hold no quorum, and nothing,
  /// not even a rollback, could be decided any more.
  case noQuorumAfter(answering: [VoterID])
  /// Bytes, and the most there may be.
  case addressTooLong(Int, limit: Int)
  /// Another member has it.
  case addressTaken(by: VoterID)
  /// The identity belongs to another store.
  case pinned(VoterID)
  /// A newer epoch overtook the change.
  case overtaken(Epoch)
}

extension MembershipRefusal: CustomStringConvertible {
  /// For people to read: what is wrong, and what to do.
  public var description: String {
    switch self {
    case .underWay(let epoch):
      "a change of the voters is under way (epoch \(epoch)): wait for it, or roll it back"
    case .nothingUnderWay: "no change of the voters is under way: there is nothing to roll back"
    case .unknown(let voter): "there is no member \(voter)"
    case .wrongRole(let voter, let role):
      "member \(voter) is a \(role): only a voter is replaced, only a learner becomes one"
    case .tooManyMembers(let limit): "there are \(limit) members already: remove one first"
    case .voterCount(let count, let limit):
      "there would be \(count) voters: there must be 1 to \(limit)"
    case .othersHoldNoQuorum(let voter):
      "without voter \(voter) the others hold no prepare quorum and no accept quorum: bring it back"
    case .noQuorumAfter(let answering):
      "of the voters after the change only \(answering) answer, and they would hold no quorum: bring "
        + "the others back first"
    case .addressTooLong(let count, let limit):
      "the address is \(count) bytes long: \(limit) are allowed"
    case .addressTaken(let voter): "member \(voter) has this address already"
    case .pinned(let voter):
      "member \(voter) belongs to another store: a lost store is replaced, not brought back"
    case .overtaken(let epoch):
      "epoch \(epoch) began meanwhile: look at the members, then ask again"
    }
  }
}
