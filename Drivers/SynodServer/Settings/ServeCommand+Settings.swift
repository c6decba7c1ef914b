/// What `serve` runs with, as a file of settings has it.
extension ServeCommand {
  /// In the order of `--help`; nil where nothing is said, and there is no default.
  var settings: [(flag: String, value: SettingsText.Value?)] {
    var all: [(flag: String, value: SettingsText.Value?)] = []
    func text(_ flag: String, _ value: String?) { all.append((flag, value.map { .text($0) })) }
    func number(_ flag: String, _ value: (some BinaryInteger)?) {
      all.append((flag, value.map { .number(Int64(clamping: $0)) }))
    }
    func flag(_ flag: String, _ value: Bool) { all.append((flag, .flag(value))) }
    text("node-id", nodeId)
    text("data-dir", dataDir)
    text("listen-client", listenClient)
    text("listen-peer", listenPeer)
    text("initial-cluster", initialCluster)
    text("join", join)
    text("role", role.rawValue)
    number("prepare-quorum", prepareQuorum)
    number("accept-quorum", acceptQuorum)
    text("cluster-token", clusterToken)
    text("protocol", consensus.rawValue)
    number("tick", tick)
    number("request-timeout", requestTimeout)
    number("collect-after", collectAfter)
    number("max-value", maxValue)
    number("max-clients", maxClients)
    number("max-clients-per-address", maxClientsPerAddress)
    text("users", users)
    flag("no-protected-mode", noProtectedMode)
    text("join-user", joinUser)
    text("join-password-file", joinPasswordFile)
    text("tls-certificate", tlsCertificate)
    text("tls-key", tlsKey)
    text("tls-ca", tlsCa)
    text("tls-clients", tlsClients?.rawValue)
    number("processor", processor)
    flag("enable-flush", enableFlush)
    number("slowlog-slower-than", slowlogSlowerThan)
    text("listen-metrics", listenMetrics)
    number("drain-timeout", drainTimeout)
    text("log-level", logLevel.rawValue)
    return all
  }

  /// All of it with where it comes from; a file that `--config` takes.
  func printed(_ arguments: ServeArguments, given: [String]) -> String {
    var text =
      "# What synod \(Release.version) serves with. A flag counts before its twin in the\n"
      + "# environment, and that before the file of --config.\n"
    for (flag, value) in settings {
      guard let value else {
        text += "# \(flag) is not set\n"
        continue
      }
      let isGiven = given.contains { $0 == "--\(flag)" || $0.hasPrefix("--\(flag)=") }
      let source = isGiven ? "--\(flag)" : arguments.sources[flag] ?? "default"
      // A name of a file may have what would end the line.
      text += "\(flag) = \(value) # \(source.filter { !$0.isNewline })\n"
    }
    return text
  }
}
