public import Synod

/// What a session needs to know. Times are in microseconds.
public struct SessionSettings: Sendable {
  /// What this side says of itself.
  public var hello: Hello
  /// Who has a vote.
  public var voters: [VoterID]
  /// The largest payload, in bytes, both ways: the same on all nodes. One that is sent a larger one closes
  /// the connection.
  public var maxPayload = 1 << 20
  /// Bytes that may wait to be sent.
  public var queueLimit = 8 << 20
  /// From the opening of the connection to the last of both welcomes.
  public var handshakeTime: UInt64 = 5_000_000
  /// From a frame's first byte to its last, beside what `minimumRate` grants for its length.
  public var frameTime: UInt64 = 5_000_000
  /// Bytes a second that a body must make.
  public var minimumRate: UInt64 = 64 << 10
  /// Between pings.
  public var pingInterval: UInt64 = 1_000_000
  /// Intervals without a byte from the peer, after which it counts as dead.
  public var silentIntervals = 5

  /// - Parameters:
  ///   - hello: what this side says of itself.
  ///   - voters: who has a vote.
  public init(hello: Hello, voters: [VoterID]) {
    self.hello = hello
    self.voters = voters
  }
}

/// What a session tells its driver.
public enum SessionEvent: Hashable, Sendable {
  /// The peer's hello arrived and there is nothing against it but, perhaps, its store. The driver
  /// looks at the pins, makes a new one durable, and answers with `admit` or `refuse`.
  case greeted(Hello)
  /// Both sides have admitted each other; payloads go both ways.
  case opened
  /// A payload arrived.
  case payload(Bytes)
  /// A ping came back after this many microseconds.
  case roundTrip(UInt64)
  /// The session has ended. What `takeOutput` still gives is written, then the stream is closed.
  case closed(CloseReason)
}

/// Why a session ended.
public enum CloseReason: Error, Hashable, Sendable {
  /// This side refused the peer.
  case refused(Refusal)
  /// The peer refused this side.
  case refusedByPeer(Refusal)
  /// The peer's bytes break the rules of the wire.
  case badBytes(WireError)
  /// The handshake was not done in time.
  case handshakeTimeout
  /// A frame began and did not end in time.
  case frameTimeout
  /// The peer has sent nothing, not even an answer to a ping.
  case silent
}

extension CloseReason: CustomStringConvertible {
  /// Why, in words.
  public var description: String {
    switch self {
    case .refused(let refusal): "refused: \(refusal)"
    case .refusedByPeer(let refusal): "refused by the peer: \(refusal)"
    case .badBytes(let error): "closed: \(error)"
    case .handshakeTimeout: "the handshake took too long"
    case .frameTimeout: "a frame took too long to arrive"
    case .silent: "the peer did not answer"
    }
  }
}
