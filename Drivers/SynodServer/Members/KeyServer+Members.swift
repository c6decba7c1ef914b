import Logging
import Synod
import SynodRuntime

/// What a node does about the members of its cluster, whatever the protocol.
extension KeyServer {
  /// This node, and those that it is connected to.
  var reachable: Set<VoterID> {
    Set(node.transport.peers.filter { $0.state == .connected }.map(\.voter) + [identity.voter])
  }

  /// Who is known by which store is pinned, so that one that was lost is a stranger also to those that
  /// had not met it.
  func pinStores(of members: [ClusterMember]) {
    for member in members where member.voter != identity.voter {
      if let store = member.store, pins.pinned(member.voter) == nil {
        pins.pin(member.voter, store) { _ in }
      }
    }
  }

  /// The store of a member, as far as this node has met it.
  func knownStore(of voter: VoterID) -> StoreID? {
    voter == identity.voter ? store : pins.pinned(voter)
  }

  /// Says that this node was taken out.
  func tellOfRetirement() {
    logger.error(
      """
      this node is no member of the cluster any more, and its id is never used again; to have it back, \
      name it anew with 'synod members add' and start it on an empty data directory
      """)
  }

  /// A node that the others know by another store has forgotten what it promised: it stops.
  /// - Parameter known: this node's store, as the members have it.
  /// - Returns: whether it stops.
  func stopsAsStranger(known: StoreID?) -> Bool {
    guard let known, known != store else { return false }
    guard !isStranger else { return true }
    isStranger = true
    logger.critical(
      """
      the cluster knows node \(identity.voter) by another store than this data directory's: what it \
      promised is lost here. Stop it, and replace it: synod members replace \(identity.voter) \
      \(configuration.peerEndpoint)
      """)
    node.requestStop()
    return true
  }

  /// Voters of whom too few answer could decide nothing any more, not even to go back.
  /// - Parameters:
  ///   - voters: those after a change.
  ///   - needed: how many of them a quorum is, at most.
  func mustHoldQuorum(_ voters: [VoterID], needed: Int) throws(ChangeRefused) {
    let reachable = reachable
    let answering = voters.filter { reachable.contains($0) }
    guard answering.count < needed else { return }
    throw ChangeRefused(
      why:
        "of the voters after the change only \(answering) answer, and they would hold no quorum: "
        + "bring the others back first")
  }
}
