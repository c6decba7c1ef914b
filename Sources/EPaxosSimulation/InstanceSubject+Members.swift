public import EPaxos
public import Synod
internal import SynodSimulation

/// Changes of the members: what is asked for, what must come of it, and who must decide.
extension InstanceSubject {
  /// Nodes that may join.
  public var spares: Int { plan.spares }

  /// Identities that were given out: a node is there before anything names it.
  public var given: Int { newcomers.count }

  /// Epochs that some node came to.
  public var epochs: Int { roll.epochs }

  /// Whether somebody is to become a voter.
  public var isChanging: Bool { roll.newest.members.contains { $0.role == .joining } }

  /// The epoch of a node, from 1.
  public func epochs(of machine: Machine) -> Int { Int(machine.membership.epoch.rawValue) + 1 }

  /// Whoever asks for no change any more sees all that were asked for come to their end.
  public mutating func faultsEnded() { hasSettled = true }

  /// The members change: see `peers`.
  public static func voters(after effect: Effect<Scrolls>) -> [VoterID]? {
    switch effect {
    case .members(let membership): membership.members.map(\.voter)
    case .event, .installed: nil
    }
  }

  /// Those of the epoch before, too.
  public func peers(of machine: Machine) -> [VoterID]? { machine.peers.map(\.voter) }

  // MARK: What is asked

  /// Now and then a change of the members takes the place of an operation; drawn apart, so that the
  /// other draws of a seed stay what they are.
  mutating func membersInstead() -> MembershipChange? {
    guard plan.spares > 0, !hasSettled else { return nil }
    let members = roll.newest
    // A store that is lost is missed sooner or later.
    let missed = lost.first { members.member($0) != nil }
    let percent = missed == nil ? plan.memberPercent : max(plan.memberPercent, 10)
    guard changes.next() % 100 < UInt64(percent) else { return nil }
    guard let steps = steps(members, missed), !steps.isEmpty else { return nil }
    let expected = changes.next() % 8 == 0 ? nil : members.revision
    return MembershipChange(steps, expected: expected)
  }

  private mutating func steps(
    _ members: Membership, _ missed: VoterID?
  ) -> [MembershipChange.Step]? {
    let voters = members.configuration.voters
    if let missed, changes.next() % 4 > 0 {
      let replaces = voters.contains(missed) ? newcomer(.joining, members) : nil
      return replaces.map { [.replace(missed, by: $0)] } ?? [.remove(missed)]
    }
    // Who was given an identity and is no member yet is asked for again, now and then.
    let next = members.nextVoter.rawValue
    if changes.next() % 4 == 0, next <= UInt32(newcomers.count) {
      return [.add(Member(voter: VoterID(next), role: .joining))]
    }
    let voter = voters[Int(changes.next() % UInt64(voters.count))]
    let others = members.members.filter { $0.role != .voter }.map(\.voter)
    switch changes.next() % 10 {
    case 0, 1, 2: return newcomer(.joining, members).map { [.add($0)] }
    case 3: return newcomer(.learner, members).map { [.add($0)] }
    case 4: return others.first.map { [.promote($0)] }
    case 5: return others.last.map { [.remove($0)] }
    case 6, 7: return voters.count > 1 ? [.remove(voter)] : nil
    case 8: return newcomer(.joining, members).map { [.replace(voter, by: $0)] }
    default:
      let one = newcomer(.joining, members)
      return one.map { voters.count > 1 ? [.remove(voter), .add($0)] : [.add($0)] }
    }
  }

  private mutating func newcomer(_ role: Member.Role, _ members: Membership) -> Member? {
    newcomers.give(asking: members.configuration).map { Member(voter: $0, role: role) }
  }

  // MARK: Who must decide

  /// Whether it is or was a member.
  public func isOfUse(_ voter: VoterID, _ machines: [Machine]) -> Bool {
    if roll.newest.member(voter) != nil { return true }
    let newest = roll.newest.epoch.rawValue
    return (0..<min(3, newest + 1)).contains {
      roll[Epoch(newest - $0)]?.voters.contains(voter) == true
    }
  }

  /// Quorums of every epoch from the furthest on that one of the usable ones is in for certain. Where a
  /// change may still come of what was asked, or of somebody who joins, all that it could name must be
  /// there.
  public func mustDecide(_ usable: [VoterID], _ machines: [Machine]) -> Bool {
    guard plan.spares > 0 else { return usable.count >= machines.count - tolerates }
    let members = roll.newest
    if isChangePending {
      let named = members.members.map(\.voter) + (1...given).map { VoterID(UInt32($0)) }
      guard named.allSatisfy({ usable.contains($0) }) else { return false }
    }
    let isJoined = members.members.allSatisfy { $0.role != .joining || usable.contains($0.voter) }
    let places = usable.compactMap { ledger.place(of: $0) }
    guard isJoined, let known = places.map({ ledger.stores[$0].epoch.rawValue }).max() else {
      return false
    }
    return (known...max(known, members.epoch.rawValue)).allSatisfy { epoch in
      guard let electorate = roll[Epoch(epoch)] else { return false }
      return electorate.voters.count { usable.contains($0) } >= electorate.quorums.slow
    }
  }

  /// Whether the members may yet become others by what a client asked for.
  private var isChangePending: Bool {
    calls.contains { call in
      guard case .members(let change) = call.proposal.operation, !call.isOver else { return false }
      return change.expected.map { $0 >= roll.newest.revision } ?? true
    }
  }
}

extension InstanceSubject.Call {
  /// Whether nothing comes of it any more.
  fileprivate var isOver: Bool { isNotApplied || hasChanged }
}
