import Logging
import Synod

extension ServeConfiguration {
  /// How a node comes to its cluster.
  enum Origin: Hashable {
    /// It is one of the nodes that a new cluster begins with.
    case initial(VoterID, InitialCluster)
    /// It joins one that runs.
    case joining(VoterID?, [Endpoint], MembersCommand.Add.Role)
  }

  /// What every node of a new cluster is told alike.
  struct InitialCluster: Hashable {
    var members: MemberList
    /// How many votes decide; majorities where nil.
    var quorums: QuorumSystem?
    var token: String
    var consensus = ServeCommand.Consensus.caspaxos

    /// Which cluster it is.
    var cluster: ClusterID {
      ClusterID(token: consensus.marking(token), voters: members.voters, quorums: quorums)
    }
  }
}

extension ServeConfiguration.Origin {
  /// - Throws: a usage `Failure` that names the flag and its value.
  init(_ command: ServeCommand) throws(Failure) {
    let voter = try command.nodeId.map { text throws(Failure) in
      try VoterID(text: text, what: "--node-id")
    }
    switch (command.initialCluster, command.join) {
    case (.some, .some):
      throw .usage("--join: a node begins a cluster or joins one; leave out --initial-cluster")
    case (nil, nil):
      throw .usage(
        "--initial-cluster is missing: name all nodes of the new cluster, or --join one that runs")
    case (let list?, nil): try self.init(command, voter, initial: MemberList(list))
    case (nil, let list?): try self.init(command, voter, joining: list)
    }
  }

  private init(
    _ command: ServeCommand, _ voter: VoterID?, initial members: MemberList
  ) throws(Failure) {
    guard let voter else { throw .usage("--node-id is missing: which of '\(members)' is this?") }
    guard members[voter] != nil else {
      throw .usage(
        "--node-id: node \(voter) is not in --initial-cluster '\(members)'; "
          + "name this node there, or correct its id")
    }
    guard command.role == .voter else {
      throw .usage("--role: the nodes of --initial-cluster are voters; others join")
    }
    let quorums = try Self.quorums(command, of: members.voters.count)
    self = .initial(
      voter,
      .init(
        members: members, quorums: quorums, token: command.clusterToken,
        consensus: command.consensus))
  }

  /// Majorities are named as if nobody had named them, so that both ways make one cluster.
  private static func quorums(
    _ command: ServeCommand, of voters: Int
  ) throws(Failure) -> QuorumSystem? {
    guard command.prepareQuorum != nil || command.acceptQuorum != nil else { return nil }
    let prepare = command.prepareQuorum ?? command.acceptQuorum.map { voters &+ 1 &- $0 } ?? 0
    let accept = command.acceptQuorum ?? voters &+ 1 &- prepare
    do throws(QuorumError) {
      let quorums = try QuorumSystem(voters: voters, prepare: prepare, accept: accept)
      return quorums == QuorumSystem(majorityOf: voters) ? nil : quorums
    } catch {
      throw .usage("--prepare-quorum, --accept-quorum: \(error)")
    }
  }

  private init(_ command: ServeCommand, _ voter: VoterID?, joining list: String) throws(Failure) {
    guard command.clusterToken.isEmpty else {
      throw .usage("--cluster-token: a node that joins learns its cluster from the others")
    }
    guard command.prepareQuorum == nil, command.acceptQuorum == nil else {
      throw .usage(
        "--prepare-quorum, --accept-quorum: a node that joins learns its quorums from the others")
    }
    var endpoints: [Endpoint] = []
    for part in list.split(separator: ",", omittingEmptySubsequences: false) {
      endpoints.append(try Endpoint(String(part), what: "--join"))
    }
    self = .joining(voter, endpoints, command.role)
  }

  /// For the log.
  var facts: Logger.Metadata {
    switch self {
    case .initial(let voter, let founding):
      [
        "node-id": "\(voter)", "initial-cluster": "\(founding.members)",
        "cluster-token": "\(founding.token)",
        "quorums": "\(founding.quorums.map { "\($0.prepare)/\($0.accept)" } ?? "majorities")",
      ]
    case .joining(let voter, let endpoints, let role):
      [
        "node-id": "\(voter.map { "\($0)" } ?? "-")",
        "join": "\(endpoints.map(\.description).joined(separator: ","))",
        "role": "\(role.rawValue)",
      ]
    }
  }
}
