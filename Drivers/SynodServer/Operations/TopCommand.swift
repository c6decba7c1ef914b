import ArgumentParser
import Glibc

/// `synod top`: how the nodes of a cluster are, and what they do, as it changes.
struct TopCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "top", abstract: "Show what the nodes of a cluster do, until Ctrl-C.",
    discussion: """
      Asks each node for its INFO. On a terminal the table is drawn in its place; elsewhere each is \
      written below the last. A change that was applied nowhere yet is no lag; LAG is of logs, in slots.
      """)

  @Option(
    help: ArgumentHelp("Where the nodes listen for clients.", valueName: "host:port,…"))
  var nodes = "127.0.0.1:7001"
  @Option(help: ArgumentHelp("Between two looks.", valueName: "seconds"))
  var every = 1
  @Option(help: ArgumentHelp("How often to look; for ever where 0.", valueName: "number"))
  var count = 0
  @Option(
    help: ArgumentHelp(
      "Who asks, where the nodes have --users; the password is read from --password-file, or from the "
        + "environment (SYNOD_PASSWORD).", valueName: "name"))
  var user: String?
  @Option(help: ArgumentHelp("A file with the password in its first line.", valueName: "file"))
  var passwordFile: String?
  @OptionGroup var tls: TLSOptions

  func run() throws {
    guard (1...3600).contains(every) else {
      throw Failure.usage("--every: \(every) is out of range; it must be 1 to 3600 seconds")
    }
    guard count >= 0 else {
      throw Failure.usage("--count: \(count) is out of range; it must be 0 or more")
    }
    let credentials = try Credentials(user: user, passwordFile: passwordFile, flags: "--")
    let dialer = try tls.dialer()
    var watched: [WatchedNode] = []
    for part in nodes.split(separator: ",", omittingEmptySubsequences: false) {
      watched.append(WatchedNode(try Endpoint(String(part), what: "--nodes"), credentials, dialer))
    }
    // One look needs no end of its own.
    if count != 1 { Interruption.hold() }
    let isTerminal = isatty(STDOUT_FILENO) == 1
    var looks = 0
    while true {
      for index in watched.indices { watched[index].look() }
      let lines = TopTable.lines(watched.map(\.row))
      // Home, each line up to its end, and what is below.
      print(
        isTerminal
          ? "\u{1b}[H" + lines.map { $0 + "\u{1b}[K\n" }.joined() + "\u{1b}[J"
          : lines.joined(separator: "\n") + "\n", terminator: "")
      fflush(nil)
      looks += 1
      if looks == count || Interruption.wait(seconds: every) { return }
    }
  }
}

/// A node that is asked again and again.
private struct WatchedNode {
  private let endpoint: Endpoint
  private let credentials: Credentials?
  private let dialer: TLSDialer?
  private var client: BlockingClient?
  private(set) var row: TopTable.Row

  init(_ endpoint: Endpoint, _ credentials: Credentials?, _ dialer: TLSDialer?) {
    self.endpoint = endpoint
    self.dialer = dialer
    self.credentials = credentials
    row = TopTable.Row(address: endpoint.description)
  }

  mutating func look() {
    do throws(Failure) {
      let sample = try sample()
      row.earlier = row.newest
      row.newest = sample
      row.failure = nil
    } catch {
      client = nil
      (row.newest, row.earlier) = (nil, nil)
      row.failure = error.description
    }
  }

  private mutating func sample() throws(Failure) -> TopTable.Sample {
    let client: BlockingClient
    if let open = self.client {
      client = open
    } else {
      client = try BlockingClient(endpoint, as: credentials, through: dialer, timeout: 1000)
      self.client = client
    }
    let reply: BlockingClient.Reply
    do throws(BlockingClient.Broken) {
      reply = try client.ask("INFO")
    } catch {
      throw Failure(error.why)
    }
    switch reply {
    case .text(let info):
      var time = timespec()
      clock_gettime(CLOCK_MONOTONIC, &time)
      let moment = UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000
      return TopTable.Sample(moment: moment, info: info)
    case .error(let why): throw Failure(why)
    case .bytes, .integer, .null, .boolean, .array, .push: throw Failure("INFO gave no text")
    }
  }
}
