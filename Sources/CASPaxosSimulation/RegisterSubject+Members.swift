public import CASPaxos
public import Synod
internal import SynodSimulation

/// Changes of the members: what is asked for, what must come of it, and who must decide.
extension RegisterSubject {
  /// Nodes that may join.
  public var spares: Int { plan.spares }

  /// Identities that a decided membership has given out.
  public var given: Int { Int(ledger.members.nextVoter.rawValue) - 1 }

  /// Configurations that were decided.
  public var epochs: Int { ledger.configurations.count }

  /// Whether the voters there were and those that come decide together.
  public var isChanging: Bool { ledger.members.configuration.isJoint }

  /// How many configurations a node knows of.
  public func epochs(of machine: CASPaxos.Machine<Workload.C>) -> Int {
    Int(machine.membership.configuration.epoch.rawValue) + 1
  }

  /// What it is at in driving a change of the voters.
  public func stage(of machine: CASPaxos.Machine<Workload.C>) -> Int? {
    machine.drivingStage?.rawValue
  }

  /// Where it drove a change, at which stage it was.
  public mutating func crashed(_ machine: CASPaxos.Machine<Workload.C>, of voter: VoterID) {
    switch machine.drivingStage {
    case .promoting: ledger.reach(.crashedPromoting)
    case .waiting: if machine.isBetweenPieces { ledger.reach(.crashedBetweenPieces) }
    case .listing: ledger.reach(.crashedListing)
    case .settling: ledger.reach(.crashedSettling)
    case .concluding: ledger.reach(.crashedConcluding)
    case nil: break
    }
  }

  /// Whoever asks for no change any more sees all that were asked for come to their end.
  public mutating func faultsEnded() { isClosing = true }

  /// The members are told of as they are.
  public mutating func heard(_ effect: CASPaxos.Effect, of voter: VoterID) -> String? {
    guard case .membership(let members) = effect else { return nil }
    unplanted { ledger.heard(members, of: voter) }
    return ledger.violation
  }

  /// A message to all goes to those that vote.
  public static func voters(after effect: CASPaxos.Effect) -> [VoterID]? {
    switch effect {
    case .membership(let members): members.configuration.voters
    case .observed: nil
    }
  }

  /// Now and then a change of the members takes the place of an operation; drawn apart, so that the
  /// other draws of a seed stay what they are.
  mutating func membersInstead() -> CASPaxos.Operation<Workload.C>? {
    guard plan.spares > 0, !isClosing else { return nil }
    let members = ledger.members
    let voters = members.configuration.voters
    // A store that is lost is missed sooner or later.
    let missed = lost.filter { voter in
      voters.contains(voter) && !members.members.contains { $0.replaces == voter }
    }
    let percent = missed.isEmpty ? plan.memberPercent : max(plan.memberPercent, 10)
    guard changes.next() % 100 < UInt64(percent) else { return nil }
    if let voter = missed.first, sparesLeft > 0, changes.next() % 4 > 0 {
      return .changeMembership(.replace(voter, address: drawAddress()))
    }
    let voter = voters[Int(changes.next() % UInt64(voters.count))]
    switch changes.next() % 10 {
    case 0, 1, 2:
      guard sparesLeft > 0 else { return nil }
      let role = roleOfSpare
      return .changeMembership(.add(address: drawAddress(), role: role))
    case 3, 4, 5: return .changeMembership(.remove(voter))
    case 6, 7:
      return sparesLeft > 0 ? .changeMembership(.replace(voter, address: drawAddress())) : nil
    case 8: return .changeMembership(.rollback(of: members.configuration.epoch))
    default: return .membership
    }
  }

  /// What the next spare is to be; now and then it has no vote. Drawn apart, as the others are.
  private var roleOfSpare: Member.Role {
    var roles = SplitMix(seed: plan.seed ^ 0x726f_6c65 &+ UInt64(sparesLeft))
    return [.proposer, .observer, .voter, .voter, .voter, .voter][Int(roles.next() % 6)]
  }

  /// Every new member takes one of the spares.
  private mutating func drawAddress() -> Bytes {
    sparesLeft -= 1
    return Bytes("spare \(sparesLeft)")
  }

  /// Judges what a client is told of the members.
  mutating func judge(_ call: Call, _ members: Membership) {
    guard call.asksAboutMembers else {
      return ledger.violate("proposal \(call.id) ends as if it asked about the members")
    }
    ledger.told(members, floor: revisions.removeValue(forKey: call.id) ?? 0, as: call.id)
  }

  /// Who votes in the newest decided configuration, or in one that is known to somebody who does.
  public func isOfUse(
    _ voter: VoterID, _ machines: [CASPaxos.Machine<Workload.C>]
  ) -> Bool {
    ledger.configurations.suffix(3).contains { $0.voters.contains(voter) }
      || ledger.members.member(voter) != nil
  }

  /// Those that know most among the usable ones must find the newest configuration, and decide in it
  /// and in all between. Where a change may still come of what was asked, everyone must be there.
  public func mustDecide(
    _ usable: [VoterID], _ machines: [CASPaxos.Machine<Workload.C>]
  ) -> Bool {
    guard plan.spares > 0 else { return usable.count >= machines.count - tolerates }
    // A machine that knows more than its store does may be about to end, and forgets it.
    let known = usable.map { ledger.stores[Int($0.rawValue) - 1].members.configuration.epoch }
    guard let epoch = known.max() else { return false }
    let configurations = ledger.configurations[Int(epoch.rawValue)...]
    let isPending =
      ledger.hasUndecidedMembers
      || calls.contains { $0.asksAboutMembers && $0.outcome == nil && $0.lost == nil }
      || ledger.members.members.contains { member in
        member.role == .learner && !ledger.stores[Int(member.voter.rawValue) - 1].isBlank
      }
    if isPending {
      let needed = configurations.flatMap(\.voters) + ledger.members.members.map(\.voter)
      return needed.allSatisfy { usable.contains($0) }
    }
    return configurations.allSatisfy { configuration in
      func holds(_ component: Configuration.Component) -> Bool {
        component.voters.count { usable.contains($0) }
          >= component.quorums.needed
      }
      return holds(configuration.component) && configuration.incoming.map(holds) ?? true
    }
  }
}

extension RegisterSubject.Call {
  /// Whether it asks for the members, or for a change of them.
  var asksAboutMembers: Bool {
    switch operation {
    case .membership, .changeMembership: true
    case .change, .read, .barrierRead, .watch, .list, .forget: false
    }
  }
}
