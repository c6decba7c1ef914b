import CASPaxos
import EPaxos
import KeyValue
import Logging
import Synod
import SynodRuntime
import UV

/// The members of a leaderless cluster: who they are to this node, and how they are changed. A change of
/// the voters ends an epoch; what is under way then is decided in the next.
extension LeaderlessReplica {
  fileprivate typealias Change = EPaxos.MembershipChange

  // MARK: - Following

  /// Peers come and go with the members; who is known by which store is pinned, so that one that was
  /// lost is a stranger also to those that had not met it.
  func follow(_ membership: EPaxos.Membership, on server: LeaderlessServer) {
    followPeers(membership)
    server.pinStores(of: known(membership))
    server.logger.notice(
      "the members changed",
      metadata: [
        "revision": "\(membership.revision)", "epoch": "\(membership.epoch)",
        "voters": "\(membership.configuration.voters)",
      ])
    guard identity.voter < membership.nextVoter, membership.member(identity.voter) == nil else {
      return
    }
    server.tellOfRetirement()
  }

  /// Whom this node has to do with, as what it executed says.
  func followPeers(_ membership: EPaxos.Membership) {
    let peers = node.machine.peers.map {
      identity.peer($0.voter, at: $0.address, hasMoved: $0.hasMoved)
    }
    node.transport.follow(peers, in: membership.epoch, revision: membership.revision)
  }

  /// The members, as the server tells of them.
  private func known(_ membership: EPaxos.Membership) -> [ClusterMember] {
    membership.members.map {
      let place = identity.place(of: $0.voter, at: $0.address, hasMoved: $0.hasMoved)
      return ClusterMember($0.voter, $0.role.name, place, $0.store)
    }
  }

  /// Called about once a second: what nobody has to ask for.
  func lookAfterMembers(on server: LeaderlessServer) {
    let machine = node.machine
    let membership = machine.membership
    guard ownChange == nil, machine.hasState else { return }
    // An identity that was given and is nobody's any more is never used again.
    server.pins.unpin { voter in
      voter < membership.nextVoter && !machine.peers.contains { $0.voter == voter }
    }
    let own = membership.member(identity.voter)?.store
    guard !server.stopsAsStranger(known: own.map { StoreID($0) }) else { return }
    // The first of the voters that is there: one may be down for weeks.
    let present = server.reachable
    let first = membership.configuration.voters.first { present.contains($0) }
    guard machine.isVoter, first == identity.voter else { return }
    var steps: [Change.Step] = []
    for member in membership.members where member.store == nil {
      if let store = server.knownStore(of: member.voter) {
        steps.append(.pin(member.voter, store.value))
      }
    }
    guard !steps.isEmpty else { return }
    let id = nextOwnProposal()
    let change = Change(steps, expected: membership.revision)
    if node.submit(proposal(change, server), as: id, needsSpace: true) { ownChange = id }
  }

  private func proposal(
    _ change: Change, _ server: LeaderlessServer
  ) -> EPaxos.Proposal<KeyValueState> {
    EPaxos.Proposal<KeyValueState>(.members(change), deadline: server.deadline)
  }

  // MARK: - Changing

  func change(
    _ change: CASPaxos.MembershipChange, as id: ProposalID, on server: LeaderlessServer
  ) -> Answer? {
    let membership = node.machine.membership
    let wanted: Change
    do throws(ChangeRefused) {
      wanted = Change(try steps(of: change, membership), expected: membership.revision)
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
    of change: CASPaxos.MembershipChange, _ membership: EPaxos.Membership
  ) throws(ChangeRefused) -> [Change.Step] {
    switch change {
    case .add(let address, let role):
      return [.add(try newcomer(at: address, Self.role(role), nil, membership))]
    case .replace(let voter, let address):
      guard membership.member(voter)?.role == .voter else {
        throw ChangeRefused(why: "\(voter) is no voter, and only a voter is replaced")
      }
      return [.replace(voter, by: try newcomer(at: address, .joining, voter, membership))]
    case .remove(let voter): return [.remove(voter)]
    case .setAddress(let voter, let address):
      try known(membership).mustBeFree(address)
      return [.setAddress(voter, address)]
    case .pin(let voter, let store): return [.pin(voter, store.value)]
    case .rollback:
      throw ChangeRefused(
        why: "a change of the members is one command, and none is under way for long: there is "
          + "nothing to roll back; remove who was to join")
    }
  }

  private static func role(
    _ role: CASPaxos.Member.Role
  ) throws(ChangeRefused) -> EPaxos.Member.Role {
    switch role {
    // It is made a voter as soon as it has the state.
    case .voter, .learner: return .joining
    case .observer: return .learner
    case .proposer:
      throw ChangeRefused(
        why: "without a leader there are no proposers: every voter takes all commands")
    }
  }

  /// - Parameter leaving: who goes when it votes: the new one may be reached at its place.
  private func newcomer(
    at address: Bytes, _ role: EPaxos.Member.Role, _ leaving: VoterID?,
    _ membership: EPaxos.Membership
  ) throws(ChangeRefused) -> EPaxos.Member {
    try known(membership).mustBeFree(address, except: leaving)
    return EPaxos.Member(voter: membership.nextVoter, role: role, address: address)
  }

  private func mustHoldQuorum(
    after change: Change, _ membership: EPaxos.Membership, on server: LeaderlessServer
  ) throws(ChangeRefused) {
    let voters: [VoterID]
    do throws(EPaxos.MembershipRefusal) {
      voters = try membership.applying(change).configuration.voters
    } catch {
      throw ChangeRefused(why: "\(error)")
    }
    try server.mustHoldQuorum(voters, needed: Thresholds(voters: voters.count).slow)
  }

  // MARK: - Told

  /// The identity of who was named, or that it is done; or why not.
  func answer(
    _ outcome: EPaxos.Outcome<KeyValueState>, after change: CASPaxos.MembershipChange
  ) -> Answer {
    switch outcome {
    case .changed(let membership): return Answer(known(membership), after: change)
    case .notApplied(.members(.overtaken)), .notApplied(.members(.used)):
      return .failure(.notApplied("the members changed meanwhile: look at them"))
    case .applied, .answered, .passed, .notApplied, .unknown:
      return end(outcome).failure(.writes).map { .failure($0) } ?? .reply(.ok)
    }
  }

  /// What `SYNOD.MEMBERS` tells.
  func membersReport(on server: LeaderlessServer) -> MembersReport {
    let membership = node.machine.membership
    return MembersReport(
      cluster: identity.cluster, node: identity.voter, consensus: .epaxos,
      revision: membership.revision, epoch: UInt64(membership.epoch.rawValue),
      voters: membership.configuration.voters, incoming: [], progress: nil,
      members: server.lines(of: known(membership)))
  }
}

extension EPaxos.Member.Role {
  /// As the other protocols call it: one that stays without a vote is an observer there, and a learner is
  /// on its way to one.
  fileprivate var name: String {
    switch self {
    case .voter: "voter"
    case .learner: "observer"
    case .joining: "learner"
    }
  }
}
