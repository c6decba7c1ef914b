import CASPaxos
import KeyValue
import Logging
import Synod
import SynodRuntime
import UV

/// The cluster's members: who they are to this node, and how they are changed.
extension RegisterReplica {
  /// Peers come and go with the members; who is known by which store is pinned, so that one that was
  /// lost is a stranger also to those that had not met it.
  func follow(_ membership: Membership, on server: Server) {
    let voters = membership.configuration
    let peers = membership.members.map {
      TransportPeer(
        voter: $0.voter, address: $0.address, hasVote: voters.place(of: $0.voter) != nil)
    }
    node.transport.follow(peers, in: voters.epoch, revision: membership.revision)
    // An identity that was given and is no member's is never used again.
    server.pins.unpin { $0 < membership.nextVoter && membership.member($0) == nil }
    server.pinStores(of: membership.known)
    server.logger.notice(
      "the members changed",
      metadata: [
        "revision": "\(membership.revision)", "epoch": "\(voters.epoch)",
        "voters": "\(voters.component.voters)",
        "incoming": "\(voters.incoming.map { "\($0.voters)" } ?? "-")",
      ])
    tellOfStanding(on: server)
    pinOwnStore(on: server)
  }

  /// Says where this node may not take part, and why.
  private func tellOfStanding(on server: Server) {
    let standing = node.machine.standing
    guard standing != lastStanding else { return }
    lastStanding = standing
    switch standing {
    case .retired: server.tellOfRetirement()
    case .learner:
      server.logger.notice("this node learns; it is made a voter as soon as it is reached")
    case .stranger: server.logger.notice("this node is no member of the cluster yet")
    case .voter, .proposer, .observer: break
    }
  }

  /// Has this node's own store written to the members' register, where it is not there yet. Called
  /// when the members change, and about once a second.
  func pinOwnStore(on server: Server) {
    let voter = server.identity.voter
    guard let own = node.machine.membership.member(voter) else { return }
    guard !server.stopsAsStranger(known: own.store), own.store == nil else { return }
    guard !isPinning else { return }
    let pin = proposal(.pin(voter, server.store), server)
    isPinning = node.submit(pin, as: Self.ownProposal, needsSpace: true)
  }

  /// Its completion finds no session, and needs none: it is tried again until the pin is there.
  static let ownProposal = ProposalID(ProposalName.prefix(0x3fff_ffff))

  func change(_ change: MembershipChange, as id: ProposalID, on server: Server) -> Answer? {
    guard server.submit(proposal(change, server), as: id, needsSpace: true) else {
      return server.refuseToPropose()
    }
    membersAsked[id] = change
    return nil
  }

  private func proposal(_ change: MembershipChange, _ server: Server) -> Proposal<KeyValueChange> {
    Proposal(key: Bytes(), operation: .changeMembership(change), deadline: server.deadline)
  }

  /// What `SYNOD.MEMBERS` tells.
  func membersReport(on server: Server) -> MembersReport {
    let identity = server.identity
    let membership = node.machine.membership
    let voters = membership.configuration
    return MembersReport(
      cluster: identity.cluster, node: identity.voter, consensus: .caspaxos,
      revision: membership.revision, epoch: UInt64(voters.epoch.rawValue),
      voters: voters.component.voters, incoming: voters.incoming?.voters ?? [],
      quorums: voters.component.quorums,
      progress: node.machine.transferProgress.map { Int($0 * 100) },
      members: server.lines(of: membership.known))
  }
}

extension Membership {
  /// The members, as the server tells of them.
  var known: [ClusterMember] {
    members.map {
      ClusterMember(voter: $0.voter, role: "\($0.role)", address: $0.address, store: $0.store)
    }
  }
}
