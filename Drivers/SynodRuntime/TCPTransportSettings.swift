public import Logging
public import Synod
public import SynodWire

/// What a `TCPTransport` needs to know. Times are in milliseconds.
public struct TCPTransportSettings {
  /// A host (a numeric address or a name) and a port.
  public struct Address: Hashable, Sendable, CustomStringConvertible {
    /// A numeric address or a name.
    public var host: String
    /// The port; 0 lets the system choose, where it is listened on.
    public var port: Int

    /// - Parameters:
    ///   - host: a numeric address or a name.
    ///   - port: 0 to 65535.
    public init(_ host: String, _ port: Int) {
      self.host = host
      self.port = port
    }

    /// `127.0.0.1:7101`, `[::1]:7101`, `node1.example:7101`.
    public var description: String {
      host.utf8.contains(0x3a) ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// Reads what `description` writes; nil where the text names no host, or no port from 1 on.
    public init?(_ text: String) {
      guard let colon = text.utf8.lastIndex(of: 0x3a) else { return nil }
      var host = text[..<colon]
      let digits = text[text.index(after: colon)...]
      if host.hasPrefix("["), host.hasSuffix("]") {
        host = host.dropFirst().dropLast()
      } else if host.utf8.contains(0x3a) {
        return nil
      }
      guard !host.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
        let port = Int(digits), 1...65535 ~= port
      else { return nil }
      self.init(String(host), port)
    }
  }

  /// Who this node is, and the limits and times of each connection.
  public var session: SessionSettings
  /// Where to listen for peers.
  public var listen: Address
  /// The other voters and where they listen, until `follow` says otherwise.
  public var peers: [VoterID: Address]
  /// Of the waits between attempts.
  public var seed: UInt64
  /// The first wait between two attempts to reach a peer, and the longest.
  public var firstRetry: UInt64 = 50
  /// The longest wait between two attempts.
  public var longestRetry: UInt64 = 2_000
  /// For how long an attempt to connect may take.
  public var connectTime: UInt64 = 3_000
  /// For how long a connection must have been open to be called a success, after which the next wait
  /// is the first one again.
  public var stableTime: UInt64 = 2_000
  /// For how long a connection that was refused stays, so that its last words arrive.
  public var lingerTime: UInt64 = 1_000
  /// Connections that others may have opened to this node, in all.
  public var maxAccepted = Self.usualMaxAccepted
  /// What that is where nobody says otherwise.
  public static let usualMaxAccepted = 256
  /// … of these, from one address.
  public var maxAcceptedPerAddress = 64
  /// … of these, those that have not finished their handshake. Where one more comes, the oldest of the
  /// address that has most goes.
  public var maxHandshakes = 64
  /// … of these, from one address; where one more comes, the oldest of them goes.
  public var maxHandshakesPerAddress = 16
  /// Bytes that one write gathers at most, but for a single larger payload.
  public var writeSize = 1 << 20
  /// Between two lines of the log about the same thing.
  public var logInterval: UInt64 = 10_000
  /// Makes what stands between a connection's stream and its session; nothing does where this is
  /// nil. It is given whom this side dialed, nil where the peer connected.
  public var makeFilter: ((VoterID?) -> any StreamFilter)?
  /// Where it is said what happens.
  public var logger: Logger

  /// - Parameters:
  ///   - hello: who this node is.
  ///   - listen: where to listen for peers.
  ///   - peers: the other voters and where they listen; an entry of this node itself is left out.
  ///   - seed: of the waits between attempts; mixed with the node's own identity.
  ///   - logger: where it is said what happens.
  public init(
    hello: Hello, listen: Address, peers: [VoterID: Address], seed: UInt64, logger: Logger
  ) {
    let others = peers.filter { $0.key != hello.voter }
    session = SessionSettings(hello: hello, voters: [hello.voter] + others.keys.sorted())
    self.listen = listen
    self.peers = others
    self.seed = seed
    self.logger = logger
  }
}
