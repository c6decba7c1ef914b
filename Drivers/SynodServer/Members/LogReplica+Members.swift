import CASPaxos
import KeyValue
import Logging
import MultiPaxos
import Synod
import SynodRuntime
import UV

/// The members of a log: who they are to this node, and how they are changed. Each change is one entry,
/// and takes effect as soon as the window behind it is full.
extension LogReplica {
  fileprivate typealias Change = MultiPaxos.MembershipChange

  // MARK: - Following

  /// Peers come and go with the members; who is known by which store is pinned, so that one that was
  /// lost is a stranger also to those that had not met it.
  func follow(_ membership: MultiPaxos.Membership, on server: LogServer) {
    followPeers(membership)
    server.pinStores(of: known(node.machine.peers))
    server.logger.notice(
      "the members changed",
      metadata: [
        "epoch": "\(membership.configuration.epoch)",
        "voters": "\(membership.configuration.component.voters)",
      ])
    guard node.machine.schedule.items.count == 1, identity.voter < membership.nextVoter,
      membership.member(identity.voter) == nil
    else { return }
    server.tellOfRetirement()
  }

  /// Whom this node has to do with, as its log says.
  func followPeers(_ membership: MultiPaxos.Membership) {
    let peers = node.machine.peers.map {
      identity.peer($0.voter, at: $0.address, hasMoved: hasMoved($0))
    }
    node.transport.follow(
      peers, in: Founders.epoch, revision: UInt64(membership.configuration.epoch.rawValue))
  }

  /// Whether a member is elsewhere than the cluster knew it at its beginning.
  private func hasMoved(_ member: MultiPaxos.Member) -> Bool {
    node.machine.beginning?.member(member.voter)?.address != member.address
  }

  /// The members, as the server tells of them.
  private func known(_ members: [MultiPaxos.Member]) -> [ClusterMember] {
    members.map {
      let place = identity.place(of: $0.voter, at: $0.address, hasMoved: hasMoved($0))
      return ClusterMember($0.voter, "\($0.role)", place, $0.store)
    }
  }

  /// Called about once a second: what nobody has to ask for.
  func lookAfterMembers(on server: LogServer) {
    let machine = node.machine
    guard ownChange == nil, machine.schedule.items.count == 1 else { return }
    let membership = machine.schedule.newest.membership
    // An identity that was given and is nobody's any more is never used again.
    server.pins.unpin { $0 < membership.nextVoter && membership.member($0) == nil }
    guard let own = membership.member(identity.voter) else { return }
    guard !server.stopsAsStranger(known: own.store.map { StoreID($0) }) else { return }
    var steps: [Change.Step] = []
    if own.role == .learner, machine.standing == .following {
      if own.store == nil { steps.append(.pin(own.voter, server.store.value)) }
      steps.append(.promote(own.voter))
    } else if isLeading {
      for member in membership.members where member.store == nil && member.role != .learner {
        if let store = server.knownStore(of: member.voter) {
          steps.append(.pin(member.voter, store.value))
        }
      }
    }
    guard !steps.isEmpty else { return }
    let change = self.change(steps, membership)
    guard (try? mustHoldQuorum(after: change, membership, on: server)) != nil else { return }
    let id = nextOwnProposal()
    if node.submit(proposal(change, server), as: id, needsSpace: true) { ownChange = id }
  }

  private func proposal(
    _ change: Change, _ server: LogServer
  ) -> MultiPaxos.Proposal<KeyValueState> {
    MultiPaxos.Proposal<KeyValueState>(.changeMembership(change), deadline: server.deadline)
  }

  // MARK: - Changing

  func change(
    _ change: CASPaxos.MembershipChange, as id: ProposalID, on server: LogServer
  ) -> Answer? {
    let membership = node.machine.schedule.newest.membership
    let wanted: Change
    do throws(ChangeRefused) {
      wanted = self.change(try steps(of: change, membership), membership)
      try mustHoldQuorum(after: wanted, membership, on: server)
    } catch {
      return .failure(.refused("ERR \(error.why)"))
    }
    guard server.submit(proposal(wanted, server), as: id, needsSpace: true) else {
      return server.refuseToPropose()
    }
    membersAsked[id] = change
    return nil
  }

  private func steps(
    of change: CASPaxos.MembershipChange, _ membership: MultiPaxos.Membership
  ) throws(ChangeRefused) -> [Change.Step] {
    switch change {
    case .add(let address, let role):
      return [.add(try newcomer(at: address, Self.role(role), nil, membership))]
    case .replace(let voter, let address):
      guard membership.member(voter)?.role == .voter else {
        throw ChangeRefused(why: "\(voter) is no voter, and only a voter is replaced")
      }
      return [.add(try newcomer(at: address, .learner, voter, membership))]
    case .remove(let voter): return [.remove(voter)]
    case .setAddress(let voter, let address):
      try known(membership.members).mustBeFree(address)
      return [.setAddress(voter, address)]
    case .pin(let voter, let store): return [.pin(voter, store.value)]
    case .rollback:
      throw ChangeRefused(
        why: "a change of a log's members is one entry, and none is under way for long: there is "
          + "nothing to roll back; remove who was to join")
    }
  }

  private static func role(
    _ role: CASPaxos.Member.Role
  ) throws(ChangeRefused) -> MultiPaxos.Member.Role {
    switch role {
    // A voter learns first, and asks for its promotion as soon as it has caught up.
    case .voter, .learner: return .learner
    case .observer: return .observer
    case .proposer:
      throw ChangeRefused(
        why: "a log has no proposers: an observer takes all commands, too, and keeps the keys")
    }
  }

  private func newcomer(
    at address: Bytes, _ role: MultiPaxos.Member.Role, _ replaced: VoterID?,
    _ membership: MultiPaxos.Membership
  ) throws(ChangeRefused) -> MultiPaxos.Member {
    // Who is replaced may be followed by one at the same place.
    try known(membership.members).mustBeFree(address, except: replaced)
    return MultiPaxos.Member(
      voter: membership.nextVoter, role: role, address: address, replaces: replaced)
  }

  /// Where as many vote as before, as many votes decide; else majorities do.
  private func change(_ steps: [Change.Step], _ membership: MultiPaxos.Membership) -> Change {
    var change = Change(
      steps, quorums: membership.configuration.component.quorums,
      expected: membership.configuration.epoch)
    if (try? membership.applying(change)) == nil { change.quorums = nil }
    return change
  }

  private func mustHoldQuorum(
    after change: Change, _ membership: MultiPaxos.Membership, on server: LogServer
  ) throws(ChangeRefused) {
    let after: Configuration
    do throws(MultiPaxos.MembershipRefusal) {
      after = try membership.applying(change).configuration
    } catch {
      throw ChangeRefused(why: "\(error)")
    }
    try server.mustHoldQuorum(
      after.component.voters, needed: after.component.quorums.needed)
  }

  // MARK: - Told

  /// The identity of who was named, or that it is done; or why not.
  func answer(
    _ outcome: MultiPaxos.Outcome<KeyValueState>, after change: CASPaxos.MembershipChange
  ) -> Answer {
    switch outcome {
    case .membership(let membership, _): return Answer(known(membership.members), after: change)
    case .notApplied(.refused(.overtaken)), .notApplied(.refused(.used)),
      .notApplied(.refused(.tooManyUnderWay)):
      return .failure(.notApplied("the members changed meanwhile: look at them"))
    case .applied, .answered, .passed, .lease, .transferred, .notApplied, .unknown:
      return end(outcome).failure(.writes).map { .failure($0) } ?? .reply(.ok)
    }
  }

  /// What `SYNOD.MEMBERS` tells.
  func membersReport(on server: LogServer) -> MembersReport {
    let machine = node.machine
    let membership = machine.schedule.newest.membership
    let voters = membership.configuration.component.voters
    let before = machine.schedule.membership(at: machine.status.applied.next).configuration
    let epoch = UInt64(membership.configuration.epoch.rawValue)
    return MembersReport(
      cluster: identity.cluster, node: identity.voter, consensus: .multipaxos, revision: epoch,
      epoch: epoch, voters: before.component.voters,
      incoming: before.voters == voters ? [] : voters, quorums: before.component.quorums,
      progress: nil,
      members: server.lines(of: known(membership.members)),
      founders: machine.beginning.flatMap { beginning in
        let members = beginning.members.map {
          "\($0.voter)=\(String(decoding: $0.address.array, as: UTF8.self))"
        }
        return (try? MemberList(members.joined(separator: ","))).map {
          Founders(members: $0, quorums: beginning.configuration.component.quorums)
        }
      })
  }
}
