import ArgumentParser
import Logging
import Synod
import SynodRuntime

extension WriteMode: ExpressibleByArgument {}

/// `synod serve`: one node.
struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Run one node of a cluster.",
    discussion: "Exit codes: 1 failed, 2 used wrongly, 3 another process uses the data directory.")

  @Option(
    help: ArgumentHelp(
      "This node's id: one of --initial-cluster, or the one that 'synod members add' gave it. A "
        + "node that joins with a new directory and without an id is named by itself.",
      valueName: "number"))
  var nodeId: String?

  @Option(
    help: ArgumentHelp("Where this node keeps its data; made where missing.", valueName: "dir"))
  var dataDir: String

  @Option(
    help: ArgumentHelp(
      "Where Redis clients connect: a numeric address of this computer, or localhost.",
      valueName: "address:port"))
  var listenClient = "127.0.0.1:7001"

  @Option(
    help: ArgumentHelp(
      "Where peers connect, if not at this node's address in --initial-cluster.",
      valueName: "host:port"))
  var listenPeer: String?

  @Option(
    help: ArgumentHelp(
      "All nodes of a new cluster and where they listen for each other; the same on every node.",
      valueName: "1=host:port,2=…"))
  var initialCluster: String?

  @Option(
    help: ArgumentHelp(
      "Instead of --initial-cluster: where running nodes of the cluster to join listen for clients. "
        + "Asked once, when the data directory is new. Needs --listen-peer.",
      valueName: "host:port,…"))
  var join: String?

  @Option(
    help: ArgumentHelp(
      "With --join and without --node-id, what this node is to be: voter, proposer (takes commands, "
        + "keeps no registers) or observer."))
  var role = MembersCommand.Add.Role.voter

  @Option(
    help: ArgumentHelp(
      "How many nodes must promise before a change goes on; the same on every node. Where only one of "
        + "the two quorums is named, the other is the smallest that always meets it; majorities "
        + "where neither is. When voters come or go, as many accept as before, and as many promise as it "
        + "then takes.", valueName: "number"))
  var prepareQuorum: Int?

  @Option(
    help: ArgumentHelp(
      "How many nodes must accept before a change is made; the same on every node.",
      valueName: "number"))
  var acceptQuorum: Int?

  @Option(
    help: ArgumentHelp(
      "Tells this cluster from others with the same members; the same on every node.",
      valueName: "text"))
  var clusterToken = ""

  @Option(
    name: .customLong("protocol"),
    help: """
      What replicates: caspaxos (each key on its own, no leader), multipaxos (one log with a leader: \
      MSET, MULTI, leases) or epaxos (the same commands without a leader); the same on every node.
      """)
  var consensus = Consensus.caspaxos

  @Option(
    help: ArgumentHelp(
      "How long a tick is: how long the protocol waits before it sends again, or lets a rival go "
        + "first, is counted in ticks. Raise it where a round trip takes many milliseconds. The "
        + "time limit on commands stays as it is.", valueName: "ms"))
  var tick: UInt64 = 1

  @Option(help: ArgumentHelp("How long a command may take before it is given up.", valueName: "ms"))
  var requestTimeout: UInt64 = 5000

  @Option(
    help: ArgumentHelp(
      "In how long this node looks at all its keys once: what was deleted, and lay untouched from one "
        + "look to the next, gives its space back, as soon as all nodes answer. 0: never.",
      valueName: "ms"))
  var collectAfter: UInt64 = 60_000

  @Option(
    help: ArgumentHelp(
      "The longest value of a command; over a log, appending makes up to 512 KiB.",
      valueName: "bytes"))
  var maxValue = 512 * 1024

  @Option(help: ArgumentHelp("Clients connected at once, at most.", valueName: "number"))
  var maxClients = 4096

  @Option(
    help: ArgumentHelp(
      "Clients from one address connected at once, at most; of version 6, from one network of 64 bits. "
        + "Where it is not given, half of --max-clients, and any number from this computer itself.",
      valueName: "number"))
  var maxClientsPerAddress: Int?

  @Option(
    help: ArgumentHelp(
      "Who may use this node, and how: see 'synod users'. Read again at SIGHUP. Without it everyone who "
        + "reaches --listen-client may do everything.", valueName: "file"))
  var users: String?

  @Flag(
    help:
      "Listen where other computers can connect, though there is no --users: the network is trusted."
  )
  var noProtectedMode = false

  @Option(
    help: ArgumentHelp(
      "With --join: the user that asks, where the others have --users; one that may 'admin'.",
      valueName: "name"))
  var joinUser: String?

  @Option(
    help: ArgumentHelp(
      "With --join-user: a file with the password in its first line.", valueName: "file"))
  var joinPasswordFile: String?

  @Option(
    help: ArgumentHelp(
      "This node's certificate (PEM), and behind it those between it and --tls-ca: peers, and clients, "
        + "are spoken to by TLS 1.3 alone. It names the node: synod://TOKEN/voter/ID; see 'synod "
        + "certificates'. Read again at SIGHUP.", valueName: "file"))
  var tlsCertificate: String?

  @Option(
    help: ArgumentHelp(
      "With --tls-certificate: its key (PEM), where it is not in the same file.", valueName: "file")
  )
  var tlsKey: String?

  @Option(
    help: ArgumentHelp(
      "With --tls-certificate: the cluster's own authority (PEM). Peers show certificates of it.",
      valueName: "file"))
  var tlsCa: String?

  @Option(
    help: ArgumentHelp(
      "With --tls-certificate: whether clients connect with TLS (on, the default) or without (off), or "
        + "also show a certificate of --tls-ca (certified).", valueName: "off|on|certified"))
  var tlsClients: TLSSettings.Clients?

  @Option(
    help: ArgumentHelp(
      "Run on this processor only, counted from 0. A busy node that is not moved about answers more; "
        + "give each node of one computer, and what loads it, its own.", valueName: "number"))
  var processor: Int?

  @Flag(help: "Let clients delete every key at once: FLUSHALL and FLUSHDB.")
  var enableFlush = false

  @Option(
    help: ArgumentHelp(
      "Commands that take longer are told of by SLOWLOG. 0: all; -1: none.",
      valueName: "microseconds"))
  var slowlogSlowerThan: Int64 = 100_000

  @Option(
    help: ArgumentHelp(
      "Where Prometheus finds /metrics, and probes /livez and /readyz: a numeric address of this "
        + "computer, or localhost. Nowhere where it is not given.", valueName: "address:port"))
  var listenMetrics: String?

  @Option(help: "What is logged.")
  var logLevel = LogLevel.info

  @Option(
    help: ArgumentHelp(
      "How long a node that is told to stop (SIGTERM) goes on answering what is under way.",
      valueName: "ms"))
  var drainTimeout: UInt64 = 5000

  @Option(
    help: ArgumentHelp(
      "A file with these settings, one a line, as 'tick = 5'; the command line and the environment "
        + "count before it.", valueName: "file"))
  var config: String?

  @Flag(help: "Print what the node would run with, and where each setting comes from, and end.")
  var printConfig = false

  /// The process that starts this one; when it ends, so does this one.
  @Option(help: .hidden) var exitWithParent: Int32?

  /// For tests of the tests: acknowledges what is not durable.
  @Flag(help: .hidden) var unsafeNoSync = false

  /// For tests: how writes become durable, where not as the file system allows.
  @Option(help: .hidden) var writeMode: WriteMode?

  enum Consensus: String, CaseIterable, ExpressibleByArgument {
    case caspaxos, multipaxos, epaxos

    /// What is told of a cluster's token: clusters of two protocols are never one.
    func marking(_ token: String) -> String {
      self == .caspaxos ? token : "\(token)\u{0}\(rawValue)"
    }
  }

  enum LogLevel: String, CaseIterable, ExpressibleByArgument {
    case trace, debug, info, notice, warning, error, critical

    var level: Logger.Level { Logger.Level(rawValue: rawValue) ?? .info }
  }

  static let flagsWithTwins = [
    "node-id", "data-dir", "listen-client", "listen-peer", "initial-cluster", "join", "role",
    "prepare-quorum", "accept-quorum", "cluster-token", "protocol", "tick", "request-timeout",
    "collect-after", "max-value", "max-clients", "max-clients-per-address", "users",
    "no-protected-mode", "join-user",
    "join-password-file", "tls-certificate", "tls-key", "tls-ca", "tls-clients",
    "slowlog-slower-than", "listen-metrics", "drain-timeout", "processor",
    "log-level",
    "enable-flush",
  ]
  /// Of these, those that take no value.
  static let flagsWithoutValue: Set<String> = ["enable-flush", "no-protected-mode"]

  func run() throws {
    try serve(ServeConfiguration(self))
  }
}
