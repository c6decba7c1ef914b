import MultiPaxos
import Synod

extension MultiPaxos.Settings {
  /// The machine's settings for a node of the server.
  init(
    _ configuration: ServeConfiguration, _ identity: NodeIdentity, _ store: StoreID, seed: UInt64
  ) {
    self.init(voter: identity.voter, configuration: identity.configuration, seed: seed)
    self.store = store.value
    addresses = identity.addresses.mapValues { Bytes($0.description) }
    // An entry must fit into one frame of the peers, with what is around it.
    maxCommand = (1 << 20) - 4096
    heartbeatEvery = 100 * configuration.tick
    electionTimeout = 500 * configuration.tick
    retransmitAfter *= configuration.tick
  }
}
