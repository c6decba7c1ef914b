internal import Synod

extension Membership {
  /// What a change makes of it, the same on every node.
  /// - Throws: why it makes nothing.
  public func applying(_ change: MembershipChange) throws(MembershipRefusal) -> Membership {
    if let expected = change.expected, expected != revision { throw .overtaken(revision) }
    var changed = self
    for step in change.steps { try changed.take(step) }
    // A cluster that began with more may become smaller, one by one.
    let most = max(Self.maxMembers, members.count)
    guard changed.members.count <= most else { throw .tooManyMembers(limit: most) }
    changed.revision += 1
    let voters = changed.members.filter { $0.role == .voter }.map(\.voter)
    if voters == configuration.voters { return changed }
    guard epoch.rawValue < .max else { throw .epochsExhausted }
    let limit = max(Self.maxVoters, configuration.voters.count)
    guard (1...limit).contains(voters.count),
      let next = try? Configuration(epoch: epoch.next, voters: voters)
    else { throw .voterCount(voters.count, limit: limit) }
    changed.configuration = next
    return changed
  }

  private mutating func take(_ step: MembershipChange.Step) throws(MembershipRefusal) {
    switch step {
    case .add(let member): try insert(member)
    case .promote(let voter):
      let place = try place(of: voter)
      guard members[place].role != .voter else { throw .wrongRole(voter) }
      members[place].role = .voter
      if let replaced = members[place].replaces {
        members[place].replaces = nil
        members.removeAll { $0.voter == replaced }
      }
    case .remove(let voter): members.remove(at: try place(of: voter))
    case .replace(let voter, let member):
      let place = try place(of: voter)
      guard members[place].role == .voter else { throw .wrongRole(voter) }
      var member = member
      member.role = .joining
      member.replaces = voter
      // Asked for again, it is for the newer one; of two, the second would be one voter more.
      members.removeAll { $0.replaces == voter }
      try insert(member)
    case .setAddress(let voter, let address):
      let place = try place(of: voter)
      members[place].address = address
      members[place].hasMoved = true
    case .pin(let voter, let store):
      let place = try place(of: voter)
      guard members[place].store ?? store == store else { throw .otherStore(voter) }
      members[place].store = store
    }
  }

  private func place(of voter: VoterID) throws(MembershipRefusal) -> Int {
    guard let place = members.firstIndex(where: { $0.voter == voter }) else {
      throw .unknown(voter)
    }
    return place
  }

  private mutating func insert(_ member: Member) throws(MembershipRefusal) {
    // The last identity is kept free, so that there is always a next one.
    guard member.voter >= nextVoter, member.voter.rawValue < .max else {
      throw .used(member.voter, next: nextVoter)
    }
    members.append(member)
    nextVoter = VoterID(member.voter.rawValue + 1)
  }
}
