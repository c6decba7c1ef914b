import ArgumentParser

/// Which node a command asks, and as whom.
struct NodeTarget: ParsableArguments {
  @Option(help: ArgumentHelp("Where a node listens for clients.", valueName: "host:port"))
  var node = "127.0.0.1:7001"

  @Option(help: ArgumentHelp("How long to wait for each reply.", valueName: "ms"))
  var timeout = 10_000

  @Option(
    help: ArgumentHelp(
      "Who asks, where the node has --users. The password is read from --password-file, or from the "
        + "environment (SYNOD_PASSWORD).", valueName: "name"))
  var user: String?

  @Option(help: ArgumentHelp("A file with the password in its first line.", valueName: "file"))
  var passwordFile: String?

  @OptionGroup var tls: TLSOptions

  func endpoint() throws(Failure) -> Endpoint {
    guard (1...3_600_000).contains(timeout) else {
      throw .usage("--timeout: \(timeout) is out of range; it must be 1 to 3600000 milliseconds")
    }
    return try Endpoint(node, what: "--node")
  }

  func credentials() throws(Failure) -> Credentials? {
    try Credentials(user: user, passwordFile: passwordFile, flags: "--")
  }

  func connect() throws(Failure) -> BlockingClient {
    try BlockingClient(
      endpoint(), as: credentials(), through: tls.dialer(), timeout: timeout)
  }
}

extension MembersClient {
  init(_ target: NodeTarget) throws(Failure) {
    try self.init(
      target.endpoint(), as: target.credentials(), through: target.tls.dialer(),
      timeout: target.timeout)
  }
}

extension BlockingClient {
  /// Connects, and logs in.
  convenience init(
    _ endpoint: Endpoint, as credentials: Credentials?, through dialer: TLSDialer? = nil,
    timeout: Int
  ) throws(Failure) {
    do throws(Broken) {
      try self.init(endpoint, through: dialer?.filter(for: endpoint), timeout: timeout)
    } catch {
      throw Failure("--node: \(error.why); name a node that runs")
    }
    guard let credentials else { return }
    let reply: Reply
    do throws(Broken) {
      reply = try ask("AUTH", credentials.user, credentials.password)
    } catch {
      throw Failure("\(endpoint): \(error.why)")
    }
    if case .error(let why) = reply {
      throw Failure("\(endpoint): user \(credentials.user) cannot log in: \(why)")
    }
  }
}
