import Logging
import Synod
import SynodRuntime

/// What `serve` runs with, checked.
struct ServeConfiguration {
  var voter: VoterID
  var dataDirectory: String
  var clientEndpoint: Endpoint
  var peerEndpoint: Endpoint
  var members: MemberList
  /// How many votes decide; majorities where nil.
  var quorums: QuorumSystem?
  var clusterToken: String
  /// Milliseconds.
  var tick: UInt64
  var requestTimeout: UInt64
  /// Bytes.
  var maxValue: Int
  var maxClients: Int
  /// Whether clients may delete every key at once.
  var allowsFlush: Bool
  /// The processor to stay on; any where nil.
  var processor: UInt32?
  var logLevel: Logger.Level
  /// The process with which this one ends.
  var parent: Int32?
  var isUnsafeWithoutSync: Bool
  /// How writes become durable, where a test says so.
  var writeMode: WriteMode?

  /// Bytes of the longest value that fits into a frame of the peers and a record of the log.
  static let maxValueLimit = 512 * 1024

  /// - Throws: a usage `Failure` that names the flag and its value.
  init(_ command: ServeCommand) throws(Failure) {
    voter = try VoterID(text: command.nodeId, what: "--node-id")
    members = try MemberList(command.initialCluster)
    guard let own = members[voter] else {
      throw .usage(
        "--node-id: node \(voter) is not in --initial-cluster '\(members)'; "
          + "name this node there, or correct its id")
    }
    guard !command.dataDir.isEmpty else {
      throw .usage("--data-dir: '' is no directory; name one that only this node uses")
    }
    dataDirectory = command.dataDir
    clientEndpoint = try Endpoint(
      command.listenClient, what: "--listen-client", allowsAnyPort: true)
    _ = try clientEndpoint.listening("--listen-client")
    if let listenPeer = command.listenPeer {
      peerEndpoint = try Endpoint(listenPeer, what: "--listen-peer")
    } else {
      peerEndpoint = own
    }
    guard clientEndpoint != peerEndpoint else {
      throw .usage(
        "--listen-client: \(clientEndpoint) is where this node listens for its peers; "
          + "clients need another port")
    }
    quorums = try Self.quorums(command, of: members.voters.count)
    clusterToken = command.clusterToken
    tick = try Self.check(command.tick, 1...1000, "--tick", "milliseconds")
    requestTimeout = try Self.check(
      command.requestTimeout, 10...3_600_000, "--request-timeout", "milliseconds")
    maxValue = try Self.check(command.maxValue, 1...Self.maxValueLimit, "--max-value", "bytes")
    maxClients = try Self.check(command.maxClients, 1...100_000, "--max-clients", "clients")
    processor = try command.processor.map { number throws(Failure) in
      UInt32(try Self.check(number, 0...4095, "--processor", "(a processor's number)"))
    }
    allowsFlush = command.enableFlush
    logLevel = command.logLevel.level
    parent = command.exitWithParent
    isUnsafeWithoutSync = command.unsafeNoSync
    writeMode = command.writeMode
  }

  /// Majorities are named as if nobody had named them, so that both ways make one cluster.
  private static func quorums(
    _ command: ServeCommand, of voters: Int
  ) throws(Failure) -> QuorumSystem? {
    guard command.prepareQuorum != nil || command.acceptQuorum != nil else { return nil }
    let prepare = command.prepareQuorum ?? command.acceptQuorum.map { voters + 1 - $0 } ?? 0
    let accept = command.acceptQuorum ?? voters + 1 - prepare
    do throws(QuorumError) {
      let quorums = try QuorumSystem(voters: voters, prepare: prepare, accept: accept)
      return quorums == QuorumSystem(majorityOf: voters) ? nil : quorums
    } catch {
      throw .usage("--prepare-quorum, --accept-quorum: \(error)")
    }
  }

  private static func check<T: BinaryInteger>(
    _ value: T, _ range: ClosedRange<T>, _ flag: String, _ unit: String
  ) throws(Failure) -> T {
    guard range.contains(value) else {
      throw .usage(
        "\(flag): \(value) is out of range; it must be \(range.lowerBound) to "
          + "\(range.upperBound) \(unit)")
    }
    return value
  }

  /// The effective configuration, for the log.
  var facts: Logger.Metadata {
    [
      "node-id": "\(voter)", "data-dir": "\(dataDirectory)", "listen-client": "\(clientEndpoint)",
      "listen-peer": "\(peerEndpoint)", "initial-cluster": "\(members)",
      "quorums": "\(quorums.map { "\($0.prepare) prepare, \($0.accept) accept" } ?? "majorities")",
      "cluster-token": "\(clusterToken)", "protocol": "caspaxos", "tick": "\(tick)",
      "request-timeout": "\(requestTimeout)", "max-value": "\(maxValue)",
      "max-clients": "\(maxClients)", "processor": "\(processor.map { "\($0)" } ?? "any")",
      "log-level": "\(logLevel)",
    ]
  }
}
