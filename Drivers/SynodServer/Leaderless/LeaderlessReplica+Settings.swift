import EPaxos
import Synod

extension EPaxos.Settings {
  /// The machine's settings for a node of the server.
  init(
    _ configuration: ServeConfiguration, _ identity: NodeIdentity, _ store: StoreID, seed: UInt64
  ) {
    self.init(voter: identity.voter, configuration: identity.configuration, seed: seed)
    self.store = store.value
    // A command must fit into one frame of the peers, with what is around it.
    maxCommand = (1 << 20) - 4096
    slowPathAfter *= configuration.tick
    retransmitAfter *= configuration.tick
    askAfter *= configuration.tick
    recoverAfter *= configuration.tick
    recoverSpread *= configuration.tick
    attemptLasts *= configuration.tick
  }
}
