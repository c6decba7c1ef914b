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
    for member in membership.members where member.voter != identity.voter {
      if let store = member.store, server.pins.pinned(member.voter) == nil {
        server.pins.pin(member.voter, StoreID(store)) { _ in }
      }
    }
    server.logger.notice(
      "the members changed",
      metadata: [
        "revision": "\(membership.revision)", "epoch": "\(membership.epoch)",
        "voters": "\(membership.configuration.voters)",
      ])
    guard identity.voter < membership.nextVoter, membership.member(identity.voter) == nil else {
      return
    }
    server.logger.error(
      """
      this node is no member of the cluster any more, and its id is never used again; to have it back, \
      name it anew with 'synod members add' and start it on an empty data directory
      """)
  }

  /// Whom this node has to do with, as what it executed says.
  func followPeers(_ membership: EPaxos.Membership) {
    let peers = node.machine.peers.map {
      // What goes to all goes to those that learn, too.
      TransportPeer(voter: $0.voter, address: $0.address, hasVote: true)
    }
    node.transport.follow(peers, in: membership.epoch, revision: membership.revision)
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
    if let pinned = membership.member(identity.voter)?.store, pinned != server.store.value {
      return tellStranger(on: server)
    }
    guard machine.isVoter, membership.configuration.voters.first == identity.voter else { return }
    var steps: [Change.Step] = []
    for member in membership.members where member.store == nil {
      let store =
        member.voter == identity.voter ? server.store : server.pins.pinned(member.voter)
      if let store { steps.append(.pin(member.voter, store.value)) }
    }
    guard !steps.isEmpty else { return }
    let id = nextOwnProposal()
    let change = Change(steps, expected: membership.revision)
    if node.submit(proposal(change, server), as: id, needsSpace: true) { ownChange = id }
  }

  private func tellStranger(on server: LeaderlessServer) {
    guard !isStranger else { return }
    isStranger = true
    server.logger.critical(
      """
      the cluster knows node \(identity.voter) by another store than this data directory's: what it \
      promised is lost here. Stop it, and replace it: synod members replace \(identity.voter) \
      \(server.configuration.peerEndpoint)
      """)
    node.requestStop()
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
    do throws(Refused) {
      wanted = Change(try steps(of: change, membership), expected: membership.revision)
      try mustHoldQuorum(after: wanted, membership)
    } catch {
      return .failure(.refused("ERR \(error.why)"))
    }
    guard server.submit(proposal(wanted, server), as: id, needsSpace: true) else {
      return server.refuseToPropose()
    }
    membersAsked[id] = change
    return nil
  }

  /// Why nothing is proposed.
  private struct Refused: Error {
    var why: String
  }

  private func steps(
    of change: CASPaxos.MembershipChange, _ membership: EPaxos.Membership
  ) throws(Refused) -> [Change.Step] {
    switch change {
    case .add(let address, let role):
      return [.add(try newcomer(at: address, Self.role(role), membership))]
    case .replace(let voter, let address):
      // Its place would have a vote before anybody has it, and nothing tells that from a founder's.
      throw Refused(
        why: "without a leader nobody takes the place of another at once: name the new one with "
          + "'synod members add \(String(decoding: address.array, as: UTF8.self))', and once it votes, "
          + "take the old one's vote with 'synod members remove \(voter)'")
    case .remove(let voter): return [.remove(voter)]
    case .setAddress(let voter, let address):
      try mustBeFree(address, membership)
      return [.setAddress(voter, address)]
    case .pin(let voter, let store): return [.pin(voter, store.value)]
    case .rollback:
      throw Refused(
        why: "a change of the members is one command, and none is under way for long: there is "
          + "nothing to roll back; remove who was to join")
    }
  }

  private static func role(
    _ role: CASPaxos.Member.Role
  ) throws(Refused) -> EPaxos.Member.Role {
    switch role {
    // It is made a voter as soon as it has the state.
    case .voter, .learner: return .joining
    case .observer: return .learner
    case .proposer:
      throw Refused(why: "without a leader there are no proposers: every voter takes all commands")
    }
  }

  private func newcomer(
    at address: Bytes, _ role: EPaxos.Member.Role, _ membership: EPaxos.Membership
  ) throws(Refused) -> EPaxos.Member {
    try mustBeFree(address, membership)
    return EPaxos.Member(voter: membership.nextVoter, role: role, address: address)
  }

  private func mustBeFree(
    _ address: Bytes, _ membership: EPaxos.Membership
  ) throws(Refused) {
    if let taken = membership.members.first(where: { $0.address == address }) {
      throw Refused(why: "member \(taken.voter) has this address already")
    }
  }

  /// Voters of whom too few answer could decide nothing any more, not even to go back.
  private func mustHoldQuorum(
    after change: Change, _ membership: EPaxos.Membership
  ) throws(Refused) {
    let after: EPaxos.Membership
    do throws(EPaxos.MembershipRefusal) {
      after = try membership.applying(change)
    } catch {
      throw Refused(why: "\(error)")
    }
    var answering: Set<VoterID> = [identity.voter]
    for peer in node.transport.peers where peer.state == .connected { answering.insert(peer.voter) }
    let voters = after.configuration.voters.filter { answering.contains($0) }
    guard voters.count < Thresholds(voters: after.configuration.voters.count).slow else { return }
    throw Refused(
      why: "of the voters after the change only \(voters) answer, and they would hold no quorum: "
        + "bring the others back first")
  }

  // MARK: - Told

  /// The identity of who was named, or that it is done; or why not.
  func answer(
    _ outcome: EPaxos.Outcome<KeyValueState>, after change: CASPaxos.MembershipChange
  ) -> Answer {
    switch outcome {
    case .changed(let membership):
      switch change {
      case .add(let address, _), .replace(_, let address):
        let named = membership.members.last { $0.address == address }
        return named.map { .reply(.integer(Int64($0.voter.rawValue))) } ?? .reply(.ok)
      case .remove, .rollback, .setAddress, .pin: return .reply(.ok)
      }
    case .notApplied(.members(.overtaken)), .notApplied(.members(.used)):
      return .failure(.notApplied("the members changed meanwhile: look at them"))
    case .applied, .answered, .passed, .notApplied, .unknown:
      return end(outcome).failure(.writes).map { .failure($0) } ?? .reply(.ok)
    }
  }

  /// What `SYNOD.MEMBERS` tells.
  func membersReport(on server: LeaderlessServer) -> MembersReport {
    let membership = node.machine.membership
    let peers = node.transport.peers
    return MembersReport(
      cluster: identity.cluster, node: identity.voter, revision: membership.revision,
      epoch: UInt64(membership.epoch.rawValue), voters: membership.configuration.voters,
      incoming: [], progress: nil,
      members: membership.members.map { member in
        MembersReport.Line(
          voter: member.voter, role: member.role == .joining ? "learner" : "\(member.role)",
          address: String(decoding: member.address.array, as: UTF8.self),
          store: member.store.map { "\(StoreID($0))" } ?? "-",
          state: member.voter == identity.voter
            ? "this node" : peers.first { $0.voter == member.voter }.words)
      })
  }
}
