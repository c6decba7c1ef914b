import CASPaxos
import CLibUV
import Glibc
import Logging
import Synod
import SynodJournal
import SynodRuntime
import SynodWire
import UV

extension Settings {
  /// The machine's settings for a node of the server.
  init(_ configuration: ServeConfiguration, _ identity: NodeIdentity, seed: UInt64) {
    self.init(voter: identity.voter, configuration: identity.configuration, seed: seed)
    addresses = identity.addresses.mapValues { Bytes($0.description) }
    // Every node computes it alike.
    hashSeed = identity.cluster.value.high ^ identity.cluster.value.low
    promotesPinned = true
    maxValue = configuration.maxValue
    collectAfter = configuration.collectAfter == 0 ? nil : configuration.collectAfter
    retransmitAfter *= configuration.tick
    patience *= configuration.tick
    backoff *= configuration.tick
    maxBackoff *= configuration.tick
  }
}

extension Endpoint {
  /// Where to listen: a numeric address, or `localhost`.
  func listening(_ flag: String) throws(Failure) -> SocketAddress {
    do throws(UVError) {
      return try SocketAddress(host: host == "localhost" ? "127.0.0.1" : host, port: port)
    } catch {
      throw .usage("\(flag): '\(host)' is no numeric address; listen on 127.0.0.1, say")
    }
  }

  var transportAddress: TCPTransportSettings.Address { .init(host, port) }
}

/// Runs one node until it is told to stop.
func serve(_ configuration: ServeConfiguration) throws(Failure) {
  if let parent = configuration.parent { exitWithParent(parent) }
  let level = configuration.logLevel
  LoggingSystem.bootstrap { label in
    var handler = StreamLogHandler.standardError(label: label)
    handler.logLevel = level
    return handler
  }
  var logger = Logger(label: "synod")
  logger.notice("starting synod \(Release.version)", metadata: configuration.facts)
  let users = try configuration.users.map { path throws(Failure) in try UserBook(file: path) }
  let encryption = try Encryption(configuration)
  let identity = try NodeIdentity(configuration, through: encryption?.dialer)
  try encryption?.claim(identity.voter)
  logger[metadataKey: "node"] = "\(identity.voter)"
  if configuration.isUnsafeWithoutSync {
    logger.critical("--unsafe-no-sync: what is acknowledged is lost when the power goes")
  }
  if let processor = configuration.processor { try stay(on: processor) }
  var configuration = configuration
  let room = Descriptors.makeRoom(forClients: configuration.maxClients)
  if room < configuration.maxClients {
    logger.warning(
      """
      --max-clients: this process may open files for \(room) clients, not for \
      \(configuration.maxClients); raise its limit (ulimit -n)
      """)
    configuration.maxClients = room
  }
  warnOfExposure(configuration, logger)
  encryption?.warnOfEnd(logger)
  var random = SystemRandomNumberGenerator()
  let address = try configuration.clientEndpoint.listening("--listen-client")
  let directory = try openDirectory(configuration, identity)
  logger.info(
    directory.isNew ? "made a new store" : "opened the store",
    metadata: ["store": "\(directory.store)", "life": "\(directory.identity.incarnation)"])
  let seed = random.next()
  do {
    let loop = try Loop()
    let parts = Parts(
      configuration: configuration, identity: identity, directory: directory, loop: loop,
      address: address, users: users, encryption: encryption, logger: logger)
    let transport = parts.transport(seed: random.next())
    switch configuration.consensus {
    case .caspaxos:
      let node = try KeyValueNode(
        Settings(configuration, identity, seed: seed), loop: loop, storage: parts.storage,
        transport: transport, logger: logger)
      try run(RegisterReplica(node), parts)
    case .multipaxos:
      if !directory.holdsRecords, identity.founders.isEmpty {
        throw Failure(
          "--join: no node of the cluster answers, and this one has learnt nothing of it yet")
      }
      let node = try Node<LogMachine>(
        LogMachine.Settings(configuration, identity, directory, seed: seed), loop: loop,
        storage: parts.storage, transport: transport, logger: logger)
      try run(LogReplica(node, identity, seed: random.next()), parts)
    case .epaxos:
      let node = try Node<LeaderlessMachine>(
        LeaderlessMachine.Settings(configuration, identity, directory, seed: seed),
        loop: loop, storage: parts.storage, transport: transport, logger: logger)
      try run(LeaderlessReplica(node, identity, seed: random.next()), parts)
    }
  } catch let error as NodeError {
    throw error.failure
  } catch {
    throw Failure("\(error)\(advice(for: error))")
  }
}

/// What every node is made of, whatever its protocol.
private struct Parts {
  let configuration: ServeConfiguration
  let identity: NodeIdentity
  let directory: DataDirectory
  let loop: Loop
  let address: SocketAddress
  let users: UserBook?
  let encryption: Encryption?
  let logger: Logger

  var storage: FileStorage { FileStorage(loop, directory) }

  func transport(seed: UInt64) -> TCPTransport {
    let hello = Hello(
      cluster: identity.cluster, voter: identity.voter, store: directory.store,
      incarnation: directory.identity.incarnation, epoch: identity.configuration.epoch,
      machine: Hello.machine(named: configuration.consensus.rawValue))
    var settings = TCPTransportSettings(
      hello: hello, listen: configuration.peerEndpoint.transportAddress,
      peers: identity.addresses.mapValues(\.transportAddress), seed: seed, logger: logger)
    if let encryption { settings.makeFilter = { encryption.peerFilter($0) } }
    return TCPTransport(settings, loop: loop, pins: directory)
  }
}

/// Serves clients until the node is told to stop.
private func run<Backend: Replica>(_ replica: Backend, _ parts: Parts) throws {
  let logger = parts.logger
  let server = KeyServer(
    replica, parts.configuration, parts.identity, store: parts.directory.store,
    pins: parts.directory, users: parts.users, encryption: parts.encryption,
    logger: logger)
  // Clients can connect, and wait, from here on; they are answered once the loop runs.
  let listening = try server.start(on: parts.address)
  if let endpoint = parts.configuration.metricsEndpoint {
    let address = try server.startHealth(on: endpoint.listening("--listen-metrics"))
    logger.notice("metrics are at http://\(address)/metrics")
  }
  var watchers = try [SIGTERM, SIGINT].map { signal in
    try SignalWatcher(parts.loop, signal: signal) {
      logger.notice("stopping")
      Supervisor.tell(.stopping)
      server.shutDown()
    }
  }
  // Without files there is nothing to be read again; but where no terminal is closed, the signal that asks
  // for it must not end the node.
  if parts.users != nil || parts.encryption != nil || isatty(STDIN_FILENO) == 0 {
    watchers.append(try SignalWatcher(parts.loop, signal: SIGHUP) { server.reload() })
  }
  replica.node.onStorageFailure = { _ in
    logger.critical(
      "this node votes no more; look after its disk, then start it again on the same directory")
  }
  logger.notice("ready for clients on \(listening)")
  Supervisor.tell(.ready)
  try withExtendedLifetime((server, watchers)) { try replica.node.run() }
  logger.notice("stopped")
}

/// Says what everyone who reaches this node can see or do.
private func warnOfExposure(_ configuration: ServeConfiguration, _ logger: Logger) {
  let (clients, peers) = (configuration.clientEndpoint, configuration.peerEndpoint)
  if !clients.isLoopback {
    if configuration.users == nil, configuration.tls?.clients != .certified {
      logger.warning(
        """
        \(clients) can be reached from other computers; everyone who can connect may do everything \
        (--no-protected-mode)
        """)
    } else if configuration.tls?.clients ?? .off == .off {
      logger.warning(
        """
        \(clients) can be reached from other computers, without TLS: whoever sees the network sees \
        passwords and values
        """)
    }
  }
  if !peers.isLoopback, configuration.tls == nil {
    logger.warning(
      """
      \(peers) can be reached from other computers; without --tls-certificate nodes know each other \
      by what they say: let only the nodes connect there
      """)
  }
  if let metrics = configuration.metricsEndpoint, !metrics.isLoopback {
    logger.warning(
      "\(metrics) can be reached from other computers: everyone there sees the metrics of this node"
    )
  }
  if let path = configuration.users, SettingsFile.isReadableByAll(path) {
    logger.warning("--users: everyone on this computer can read \(path); chmod o-r it")
  }
  if let path = configuration.tls?.key, SettingsFile.isReadableByAll(path) {
    logger.warning("--tls-key: everyone on this computer can read \(path); chmod o-r it")
  }
}

private func openDirectory(
  _ configuration: ServeConfiguration, _ identity: NodeIdentity
) throws(Failure) -> DataDirectory {
  var options = FileStorage.Options(unsafeSkipSync: configuration.isUnsafeWithoutSync)
  options.mode = configuration.writeMode
  do throws(DataDirectoryError) {
    return try DataDirectory.open(
      configuration.dataDirectory, cluster: identity.cluster, voter: identity.voter,
      machine: configuration.consensus.rawValue, options: options)
  } catch {
    var failure = Failure(error.description)
    if case .inUse = error { failure.exitCode = 3 }
    throw failure
  }
}

extension NodeError {
  fileprivate var failure: Failure {
    switch self {
    case .transport(let error): Failure("\(error)\(advice(for: error))")
    case .storage, .record, .system, .stopped, .stoppedMeanwhile, .lowOnSpace, .storeBehind:
      Failure(description)
    }
  }
}

private func advice(for error: any Error) -> String {
  if case UVError.addressInUse = error {
    return "; stop it, or choose another port (--listen-client, --initial-cluster)"
  }
  return ""
}

/// Before any thread is started: each inherits it.
private func stay(on processor: UInt32) throws(Failure) {
  if synod_stay_on_processor(processor) < 0 {
    throw .usage(
      "--processor: this process cannot run on processor \(processor): "
        + "\(String(cString: strerror(errno)))")
  }
}

/// Has the system end this process when the one that started it ends, however that happens.
private func exitWithParent(_ parent: pid_t) {
  _ = synod_die_with_parent()
  // It may have ended before we asked.
  if getppid() != parent { exit(1) }
}
