import CASPaxos
import Synod
import SynodJournal
import SynodRuntime

/// Who a node is and whom it knows, when it starts.
struct NodeIdentity {
  var voter: VoterID
  var cluster: ClusterID
  /// Who votes, as far as the flags tell; what the store knows counts more.
  var configuration: Configuration
  /// Where members are reached, this one included.
  var addresses: [VoterID: Endpoint]
  /// The same as the flags say, or the node that was asked: where this node listens may be none that others
  /// could connect to.
  private var places: [VoterID: Endpoint] = [:]
  /// Where those with whom the cluster began were reached then: the same on every node, wherever they
  /// are reached now.
  var founders: [VoterID: Endpoint] = [:]

  /// - Throws: a `Failure` that says what is wrong: a usage one where the flags contradict what is in
  ///   the directory.
  /// - Parameter dialer: for asking other nodes; nil where they are asked without TLS.
  init(_ serve: ServeConfiguration, through dialer: TLSDialer? = nil) throws(Failure) {
    switch serve.origin {
    case .initial(let voter, let founding): try self.init(voter, founding)
    case .joining(let voter, let endpoints, let role):
      if let store = try Self.store(at: serve.dataDirectory) {
        if let voter, voter != store.voter {
          throw .usage(
            "--node-id: \(serve.dataDirectory) belongs to node \(store.voter), not to \(voter)")
        }
        let known = try Self.known(
          asking: Asking(endpoints, serve.joinCredentials, dialer), of: store.cluster)
        self.init(joined: store.voter, store.cluster, addresses: known.addresses)
        begin(with: known.founders)
      } else {
        guard serve.tls == nil || voter != nil else {
          throw .usage(
            "--node-id is missing: a node with --tls-certificate is named first, by synod members add "
              + "\(serve.peerEndpoint), and its certificate made")
        }
        try self.init(
          asking: Asking(endpoints, serve.joinCredentials, dialer), for: voter, role: role.rawValue,
          listening: serve.peerEndpoint, speaking: serve.consensus)
      }
    }
    places = addresses
    addresses[voter] = serve.peerEndpoint
  }

  private init(
    _ voter: VoterID, _ founding: ServeConfiguration.InitialCluster
  ) throws(Failure) {
    self.voter = voter
    cluster = founding.cluster
    do throws(QuorumError) {
      configuration = try Configuration(
        epoch: Founders.epoch, voters: founding.members.voters, quorums: founding.quorums)
    } catch {
      throw .usage("--initial-cluster: \(error)")
    }
    addresses = Dictionary(
      uniqueKeysWithValues: founding.members.members.map { ($0.voter, $0.endpoint) })
    founders = addresses
  }

  /// One that has no vote until the others say so: it begins below every epoch there is, among voters
  /// that it is none of.
  init(joined voter: VoterID, _ cluster: ClusterID, addresses: [VoterID: Endpoint]) {
    self.voter = voter
    self.cluster = cluster
    self.addresses = addresses
    let other = VoterID(voter == VoterID(1) ? 2 : 1)
    guard let blank = try? Configuration(epoch: Epoch(0), voters: [other]) else {
      preconditionFailure("one voter makes a configuration")
    }
    configuration = blank
  }

  /// A peer in a replicated state, to whom goes what goes to all: also to those that learn. Where one was
  /// reached when the cluster began the flags know better, until a change says another place: whole
  /// clusters move.
  func peer(_ voter: VoterID, at address: Bytes, hasMoved: Bool) -> TransportPeer {
    let told = hasMoved ? nil : addresses[voter]
    return TransportPeer(
      voter: voter, address: told.map { Bytes($0.description) } ?? address, hasVote: true)
  }

  /// Where a member is reached, for others: as `peer`, and of this node what the others know.
  func place(of voter: VoterID, at address: Bytes, hasMoved: Bool) -> Bytes {
    let told = hasMoved ? nil : places[voter]
    return told.map { Bytes($0.description) } ?? address
  }

  /// What an earlier life left in the directory; nil where it is new.
  private static func store(
    at path: String
  ) throws(Failure) -> (voter: VoterID, cluster: ClusterID)? {
    do throws(DataDirectoryError) {
      let found = try StoreInspection(path).survey.superblock
      return (found.voter, found.cluster)
    } catch {
      if case .noStore = error { return nil }
      throw Failure(error.description)
    }
  }

  /// Asks the first of `endpoints` that answers; a node without an identity is named by that.
  private init(
    asking: Asking, for voter: VoterID?, role: String, listening: Endpoint,
    speaking consensus: ServeCommand.Consensus
  ) throws(Failure) {
    var failure = Failure("--join: there is nobody to ask")
    for endpoint in asking.endpoints {
      do throws(Failure) {
        let client = try asking.client(endpoint, timeout: 5_000)
        self = try Self.asking(
          client, for: voter, role: role, listening: listening, speaking: consensus)
        return
      } catch {
        if error.isUsage { throw error }
        failure = error
      }
    }
    throw failure
  }

  private static func asking(
    _ client: MembersClient, for given: VoterID?, role: String, listening: Endpoint,
    speaking consensus: ServeCommand.Consensus
  ) throws(Failure) -> NodeIdentity {
    let endpoint = client.endpoint
    let before = try client.report()
    guard before.consensus == consensus else {
      throw .usage(
        "--protocol: the cluster at \(endpoint) does not speak \(consensus.rawValue): start this node "
          + "with --protocol \(before.consensus.rawValue)")
    }
    let voter: VoterID
    if let known = given ?? before.newcomer(at: listening) {
      voter = known
    } else {
      voter = try client.add(listening, role: role)
    }
    let report = try client.report()
    try admit(report[voter], as: voter, listening: listening, asked: endpoint)
    var identity = NodeIdentity(
      joined: voter, report.cluster, addresses: try report.addresses(from: endpoint))
    identity.begin(with: report.founders)
    return identity
  }

  /// Of a log.
  private mutating func begin(with founders: Founders?) {
    guard let founders, let configuration = founders.configuration else { return }
    self.configuration = configuration
    self.founders = founders.addresses
  }

  /// Where the members are and with whom they began, as the first of `endpoints` that answers says: a
  /// node that stopped before it had learnt that itself may know nobody else. None has to answer.
  private static func known(
    asking: Asking, of cluster: ClusterID
  ) throws(Failure) -> (addresses: [VoterID: Endpoint], founders: Founders?) {
    for endpoint in asking.endpoints {
      guard let client = try? asking.client(endpoint, timeout: 2_000),
        let report = try? client.report()
      else { continue }
      guard report.cluster == cluster else {
        throw .usage(
          "--join: \(endpoint) belongs to cluster \(report.cluster), and the data directory to "
            + "\(cluster)")
      }
      return (try report.addresses(from: endpoint), report.founders)
    }
    return ([:], nil)
  }

  /// Whether a directory that is new may become this member's store.
  static func admit(
    _ own: MembersReport.Line?, as voter: VoterID, listening: Endpoint, asked endpoint: Endpoint
  ) throws(Failure) {
    guard let own else {
      throw .usage(
        "--node-id: the cluster at \(endpoint) has no member \(voter); name it first: "
          + "synod members add \(listening) --node \(endpoint)")
    }
    let replacement = "synod members replace \(voter) \(listening) --node \(endpoint)"
    guard own.store == "-" else {
      throw .usage(
        "--node-id: member \(voter) has a store already, and this directory is new. A lost store "
          + "never votes again: \(replacement)")
    }
    guard own.role != "voter" else {
      throw .usage(
        "--join: member \(voter) is one of the nodes that the cluster began with. Start it with the "
          + "--initial-cluster that the others have; if it had a store, and that is lost: "
          + replacement)
    }
  }
}

/// Which nodes are asked, as whom, and how.
private struct Asking {
  var endpoints: [Endpoint]
  var credentials: Credentials?
  var dialer: TLSDialer?

  init(_ endpoints: [Endpoint], _ credentials: Credentials?, _ dialer: TLSDialer?) {
    self.endpoints = endpoints
    self.credentials = credentials
    self.dialer = dialer
  }

  func client(_ endpoint: Endpoint, timeout: Int) throws(Failure) -> MembersClient {
    try MembersClient(endpoint, as: credentials, through: dialer, timeout: timeout)
  }
}

extension MembersReport {
  /// A member that was named for this place and never came: a node that stopped between the two, or
  /// was not told how its naming ended, is that one, since the place is taken.
  func newcomer(at place: Endpoint) -> VoterID? {
    members.first { $0.address == "\(place)" && $0.store == "-" && $0.role != "voter" }?.voter
  }

  /// Where the members are reached, as far as that is known.
  fileprivate func addresses(from endpoint: Endpoint) throws(Failure) -> [VoterID: Endpoint] {
    var addresses: [VoterID: Endpoint] = [:]
    for member in members where !member.address.isEmpty {
      addresses[member.voter] = try Endpoint(member.address, what: "members of \(endpoint)")
    }
    return addresses
  }
}
