internal import Synod

/// What each step makes of a membership (rule 43). No step is taken twice at once, and consecutive
/// configurations share a component that holds every chosen state.
extension Membership {
  /// The membership behind `step`; this one where it changes nothing.
  func after(_ step: MembershipStep) throws(MembershipRefusal) -> Membership {
    var next = self
    switch step {
    case .change(.add(let address, let role)):
      try next.add(address, role: role == .voter ? .learner : role, replacing: .none)
    case .change(.remove(let voter)): try next.remove(voter)
    case .change(.replace(let voter, let address)): try next.replace(voter, by: address)
    case .change(.rollback(let epoch)):
      guard configuration.isJoint else { throw .nothingUnderWay }
      guard epoch == configuration.epoch else { throw .overtaken(configuration.epoch) }
      try next.conclude(rolledBack: true)
    case .change(.setAddress(let voter, let address)): try next.set(address, of: voter)
    case .change(.pin(let voter, let store)): try next.pin(voter, to: store)
    case .promote(let voter): try next.promote(voter)
    case .conclude(let epoch, let floor):
      guard epoch == configuration.epoch else { throw .overtaken(configuration.epoch) }
      try next.conclude(rolledBack: false)
      next.collected = max(collected, floor)
    }
    if next != self { next.revision += 1 }
    return next
  }

  private func requireNoChange() throws(MembershipRefusal) {
    if configuration.isJoint { throw .underWay(configuration.epoch) }
  }

  private func known(_ voter: VoterID) throws(MembershipRefusal) -> Int {
    guard let place = place(of: voter) else { throw .unknown(voter) }
    return place
  }

  private mutating func add(
    _ address: Bytes, role: Member.Role, replacing lost: VoterID
  ) throws(MembershipRefusal) {
    try requireNoChange()
    try check(address, besides: lost)
    guard members.count < Self.maxMembers, nextVoter < VoterID(.max) else {
      throw .tooManyMembers(limit: Self.maxMembers)
    }
    let voters = configuration.voters.count + members.count { $0.role == .learner }
    if role == .learner, lost == .none, voters >= Self.maxVoters {
      throw .voterCount(voters + 1, limit: Self.maxVoters)
    }
    #if PlantedBugs
      if PlantedBug.has(.returningVoter), let left = lastLeft {
        members.append(Member(voter: left, role: role, address: address, replaces: lost))
        return members.sort { $0.voter < $1.voter }
      }
    #endif
    members.append(Member(voter: nextVoter, role: role, address: address, replaces: lost))
    nextVoter = VoterID(nextVoter.rawValue + 1)
  }

  #if PlantedBugs
    private var lastLeft: VoterID? {
      (1..<nextVoter.rawValue).map { VoterID($0) }.last { place(of: $0) == nil }
    }
  #endif

  private func check(_ address: Bytes, besides voter: VoterID) throws(MembershipRefusal) {
    guard address.count <= Member.maxAddress else {
      throw .addressTooLong(address.count, limit: Member.maxAddress)
    }
    for member in members where member.voter != voter && !address.isEmpty {
      if member.address == address { throw .addressTaken(by: member.voter) }
    }
  }

  private mutating func remove(_ voter: VoterID) throws(MembershipRefusal) {
    let place = try known(voter)
    guard members[place].role == .voter else {
      members.remove(at: place)
      return
    }
    try requireNoChange()
    try begin(configuration.voters.filter { $0 != voter })
  }

  private mutating func replace(
    _ voter: VoterID, by address: Bytes
  ) throws(MembershipRefusal) {
    let place = try known(voter)
    guard members[place].role == .voter else { throw .wrongRole(voter, members[place].role) }
    try requireNoChange()
    for member in members where member.replaces == voter { throw .addressTaken(by: member.voter) }
    // What was chosen must be found, and something be chosen, without the lost store (rule 43 e).
    let quorums = configuration.component.quorums
    guard quorums.needed < quorums.voters else {
      throw .othersHoldNoQuorum(without: voter)
    }
    try add(address, role: .learner, replacing: voter)
  }

  private mutating func promote(_ voter: VoterID) throws(MembershipRefusal) {
    let place = try known(voter)
    guard members[place].role == .learner else { throw .wrongRole(voter, members[place].role) }
    try requireNoChange()
    let replaced = members[place].replaces
    members[place].role = .voter
    members[place].replaces = .none
    try begin(configuration.voters.filter { $0 != replaced } + [voter])
  }

  /// Begins the epoch in which the voters there are and these decide together.
  private mutating func begin(_ voters: [VoterID]) throws(MembershipRefusal) {
    guard (1...Self.maxVoters).contains(voters.count) else {
      throw .voterCount(voters.count, limit: Self.maxVoters)
    }
    do {
      configuration = try configuration.joint(
        with: voters, quorums: configuration.component.quorums.scaled(to: voters.count))
    } catch {
      throw .voterCount(voters.count, limit: Self.maxVoters)
    }
  }

  /// A joint epoch that is begun where its new voters hold no quorum would be the end: nothing is
  /// decided in it any more, not even that it is rolled back. So they must answer now; the learner that
  /// is made a voter was just heard.
  func requireQuorum(
    of answering: [VoterID], after step: MembershipStep, of before: Membership
  ) throws(MembershipRefusal) {
    guard let incoming = configuration.incoming, !before.configuration.isJoint else { return }
    let there = incoming.voters.filter { answering.contains($0) || step == .promote($0) }
    guard there.count >= incoming.quorums.needed else {
      throw .noQuorumAfter(answering: there)
    }
  }

  /// Ends it. Whoever votes no more is no member any more, and its identity is never given again.
  private mutating func conclude(rolledBack: Bool) throws(MembershipRefusal) {
    guard configuration.isJoint else { throw .nothingUnderWay }
    configuration = configuration.concluded(rolledBack: rolledBack)
    let voters = configuration.voters
    members.removeAll { $0.role == .voter && !voters.contains($0.voter) }
    // The place that a learner was to take may be gone.
    for place in members.indices where !voters.contains(members[place].replaces) {
      members[place].replaces = .none
    }
  }

  private mutating func set(
    _ address: Bytes, of voter: VoterID
  ) throws(MembershipRefusal) {
    let place = try known(voter)
    try check(address, besides: voter)
    members[place].address = address
  }

  private mutating func pin(_ voter: VoterID, to store: StoreID) throws(MembershipRefusal) {
    let place = try known(voter)
    if let pinned = members[place].store, pinned != store { throw .pinned(voter) }
    members[place].store = store
  }
}

extension QuorumSystem {
  /// The like of it for another number of voters: majorities stay majorities; else as many accept as
  /// did, and as many promise as it then takes.
  func scaled(to voters: Int) -> QuorumSystem {
    if voters == self.voters { return self }
    let majority = QuorumSystem(majorityOf: voters)
    if self == QuorumSystem(majorityOf: self.voters) { return majority }
    let accept = min(self.accept, voters)
    let scaled = try? QuorumSystem(voters: voters, prepare: voters + 1 - accept, accept: accept)
    return scaled ?? majority
  }
}
