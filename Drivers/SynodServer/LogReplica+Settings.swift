import MultiPaxos
import Synod
import SynodRuntime

extension MultiPaxos.Settings {
  /// The machine's settings for a node of the server.
  init(
    _ configuration: ServeConfiguration, _ identity: NodeIdentity, _ directory: DataDirectory,
    seed: UInt64
  ) {
    self.init(voter: identity.voter, configuration: identity.configuration, seed: seed)
    store = directory.store.value
    addresses = identity.founders.mapValues { Bytes($0.description) }
    mode = StartMode(configuration.origin, resumes: directory.holdsRecords)
    // An entry must fit into one frame of the peers, with what is around it.
    maxCommand = (1 << 20) - 4096
    heartbeatEvery = 100 * configuration.tick
    electionTimeout = 500 * configuration.tick
    retransmitAfter *= configuration.tick
    // A state's digest is at hand, so this costs an entry in so many.
    decorations.verifiesEvery = 65_536
  }
}

extension StartMode {
  /// Only a store without records begins anew, and how is said by flags: nothing is made of an empty
  /// directory that is not said. (A node whose store was lost comes back as another: it joins.)
  fileprivate init(_ origin: ServeConfiguration.Origin, resumes: Bool) {
    switch origin {
    case _ where resumes: self = .resume
    case .initial: self = .bootstrap
    case .joining: self = .join
    }
  }
}
