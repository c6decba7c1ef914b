import EPaxos
import Synod
import SynodRuntime

extension EPaxos.Settings {
  /// The machine's settings for a node of the server.
  init(
    _ configuration: ServeConfiguration, _ identity: NodeIdentity, _ directory: DataDirectory,
    seed: UInt64
  ) {
    self.init(voter: identity.voter, configuration: identity.configuration, seed: seed)
    store = directory.store.value
    switch configuration.origin {
    case .initial:
      mode = .bootstrap
      addresses = identity.founders.mapValues { Bytes($0.description) }
    case .joining:
      mode = .join
      askable(identity)
    }
    // Only a store without records begins anew: nothing is made of an empty directory unsaid.
    if directory.holdsRecords { mode = .resume }
    // A command must fit into one frame of the peers, with what is around it.
    maxCommand = (1 << 20) - 4096
    slowPathAfter *= configuration.tick
    retransmitAfter *= configuration.tick
    askAfter *= configuration.tick
    recoverAfter *= configuration.tick
    recoverSpread *= configuration.tick
    attemptLasts *= configuration.tick
    tellAfter = tellAfter.map { $0 * configuration.tick }
  }

  /// A node that joins asks those for the state whom it was told of.
  private mutating func askable(_ identity: NodeIdentity) {
    let others = identity.addresses.keys.filter { $0 != identity.voter }.sorted()
    let epoch = identity.configuration.epoch
    if let known = try? Configuration(epoch: epoch, voters: others) { self.configuration = known }
  }
}
