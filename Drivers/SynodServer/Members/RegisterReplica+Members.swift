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
    for member in membership.members where member.voter != server.identity.voter {
      if let store = member.store, server.pins.pinned(member.voter) == nil {
        server.pins.pin(member.voter, store) { _ in }
      }
    }
    server.logger.notice(
      "the members changed",
      metadata: [
        "revision": "\(membership.revision)", "epoch": "\(voters.epoch)",
        "voters": "\(voters.component.voters)",
        "incoming": "\(voters.incoming.map { "\($0.voters)" } ?? "-")",
      ])
    tellOfStanding(server.logger)
    pinOwnStore(on: server)
  }

  /// Says where this node may not take part, and why.
  private func tellOfStanding(_ logger: Logger) {
    let standing = node.machine.standing
    guard standing != lastStanding else { return }
    lastStanding = standing
    switch standing {
    case .retired:
      logger.error(
        """
        this node is no member of the cluster any more, and its id is never used again; to have it \
        back, name it anew with 'synod members add' and start it on an empty data directory
        """)
    case .learner: logger.notice("this node learns; it is made a voter as soon as it is reached")
    case .stranger: logger.notice("this node is no member of the cluster yet")
    case .voter, .proposer, .observer: break
    }
  }

  /// Has this node's own store written to the members' register, where it is not there yet. Called
  /// when the members change, and about once a second.
  func pinOwnStore(on server: Server) {
    let voter = server.identity.voter
    guard let own = node.machine.membership.member(voter) else { return }
    if let pinned = own.store {
      if pinned != server.store, !isStranger {
        isStranger = true
        server.logger.critical(
          """
          the cluster knows node \(voter) by another store than this data directory's: what \
          it promised is lost here. Stop it, and replace it: synod members replace \
          \(voter) \(server.configuration.peerEndpoint)
          """)
        node.requestStop()
      }
      return
    }
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
    let peers = node.transport.peers
    return MembersReport(
      cluster: identity.cluster, node: identity.voter, revision: membership.revision,
      epoch: UInt64(voters.epoch.rawValue), voters: voters.component.voters,
      incoming: voters.incoming?.voters ?? [],
      progress: node.machine.transferProgress.map { Int($0 * 100) },
      members: membership.members.map { member in
        MembersReport.Line(
          voter: member.voter, role: "\(member.role)",
          address: String(decoding: member.address.array, as: UTF8.self),
          store: member.store.map(\.description) ?? "-",
          state: member.voter == identity.voter
            ? "this node" : peers.first { $0.voter == member.voter }.words)
      })
  }
}

extension PeerStatus? {
  /// How the peer is reached.
  var words: String {
    switch self?.state {
    case .connected: "connected"
    case .connecting: "connecting"
    case .down(let why): "down (\(why))"
    case nil: "not looked for"
    }
  }
}
