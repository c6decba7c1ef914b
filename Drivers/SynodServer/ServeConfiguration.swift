import Logging
import Synod
import SynodRuntime
import UV

/// What `serve` runs with, checked.
struct ServeConfiguration {
  var origin: Origin
  var consensus: ServeCommand.Consensus
  var dataDirectory: String
  var clientEndpoint: Endpoint
  var peerEndpoint: Endpoint
  /// Milliseconds.
  var tick: UInt64
  var requestTimeout: UInt64
  /// Milliseconds; 0 for never.
  var collectAfter: UInt64
  /// Bytes.
  var maxValue: Int
  var maxClients: Int
  /// Half of them where nil, and then not of this computer itself.
  var maxClientsPerAddress: Int?
  /// The file of those who may use the node; everyone may where nil.
  var users: String?
  /// Connections are not encrypted where nil.
  var tls: TLSSettings?
  /// Commands that take longer, in microseconds, are told of; none where nil.
  var slowFrom: UInt64?
  var metricsEndpoint: Endpoint?
  /// Milliseconds.
  var drainTimeout: UInt64
  /// What to say to the nodes of the cluster to join.
  var joinCredentials: Credentials?
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
    origin = try Origin(command)
    consensus = command.consensus
    if consensus == .epaxos, command.prepareQuorum != nil || command.acceptQuorum != nil {
      throw .usage(
        "--prepare-quorum, --accept-quorum: the quorums of --protocol epaxos follow from the number of "
          + "nodes")
    }
    guard !command.dataDir.isEmpty else {
      throw .usage("--data-dir: '' is no directory; name one that only this node uses")
    }
    dataDirectory = command.dataDir
    clientEndpoint = try Endpoint(
      command.listenClient, what: "--listen-client", allowsAnyPort: true)
    _ = try clientEndpoint.listening("--listen-client")
    peerEndpoint = try Self.peerEndpoint(command.listenPeer, origin)
    guard clientEndpoint != peerEndpoint else {
      throw .usage(
        "--listen-client: \(clientEndpoint) is where this node listens for its peers; "
          + "clients need another port")
    }
    tick = try Self.check(command.tick, 1...1000, "--tick", "milliseconds")
    requestTimeout = try Self.check(
      command.requestTimeout, 10...3_600_000, "--request-timeout", "milliseconds")
    collectAfter = try Self.check(
      command.collectAfter, 0...2_592_000_000, "--collect-after", "milliseconds")
    maxValue = try Self.check(command.maxValue, 1...Self.maxValueLimit, "--max-value", "bytes")
    maxClients = try Self.check(command.maxClients, 1...100_000, "--max-clients", "clients")
    maxClientsPerAddress = try command.maxClientsPerAddress.map { number throws(Failure) in
      try Self.check(number, 1...100_000, "--max-clients-per-address", "clients")
    }
    processor = try command.processor.map { number throws(Failure) in
      UInt32(try Self.check(number, 0...4095, "--processor", "(a processor's number)"))
    }
    drainTimeout = try Self.check(
      command.drainTimeout, 0...3_600_000, "--drain-timeout", "milliseconds")
    users = command.users
    slowFrom = UInt64(
      exactly: try Self.check(
        command.slowlogSlowerThan, -1...3_600_000_000, "--slowlog-slower-than", "microseconds"))
    metricsEndpoint = try command.listenMetrics.map { text throws(Failure) in
      let endpoint = try Endpoint(text, what: "--listen-metrics", allowsAnyPort: true)
      _ = try endpoint.listening("--listen-metrics")
      return endpoint
    }
    tls = try command.tlsSettings()
    guard
      users != nil || command.noProtectedMode || clientEndpoint.isLoopback
        || tls?.clients == .certified
    else {
      throw .usage(
        "--listen-client: \(clientEndpoint) can be reached from other computers, and everyone there "
          + "could do everything; say who may with --users, or --no-protected-mode where all of the "
          + "network is trusted")
    }
    joinCredentials = try Credentials(
      user: command.joinUser, passwordFile: command.joinPasswordFile, flags: "--join-")
    allowsFlush = command.enableFlush
    logLevel = command.logLevel.level
    parent = command.exitWithParent
    isUnsafeWithoutSync = command.unsafeNoSync
    writeMode = command.writeMode
  }

  /// Clients from there that may be connected at once; nil where all may be from there.
  func mostClients(of origin: NetworkOrigin) -> Int? {
    maxClientsPerAddress ?? (origin.isLoopback ? nil : max(1, maxClients / 2))
  }

  private static func peerEndpoint(
    _ flag: String?, _ origin: Origin
  ) throws(Failure) -> Endpoint {
    if let flag { return try Endpoint(flag, what: "--listen-peer") }
    switch origin {
    case .initial(let voter, let founding):
      guard let own = founding.members[voter] else {
        preconditionFailure("a node of a new cluster is one of its members")
      }
      return own
    case .joining:
      throw .usage("--join: --listen-peer is missing; say where the peers will reach this node")
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
    let facts: Logger.Metadata = [
      "data-dir": "\(dataDirectory)", "listen-client": "\(clientEndpoint)",
      "listen-peer": "\(peerEndpoint)", "protocol": "\(consensus.rawValue)", "tick": "\(tick)",
      "request-timeout": "\(requestTimeout)", "collect-after": "\(collectAfter)",
      "max-value": "\(maxValue)",
      "max-clients": "\(maxClients)",
      "max-clients-per-address": "\(maxClientsPerAddress.map { "\($0)" } ?? "half")",
      "users": "\(users ?? "everyone")",
      "tls": "\(tls.map { "clients \($0.clients.rawValue)" } ?? "off")",
      "listen-metrics": "\(metricsEndpoint.map { "\($0)" } ?? "-")",
      "drain-timeout": "\(drainTimeout)",
      "processor": "\(processor.map { "\($0)" } ?? "any")",
      "log-level": "\(logLevel)",
    ]
    return facts.merging(origin.facts) { own, _ in own }
  }
}
