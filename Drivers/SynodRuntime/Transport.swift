public import Synod

/// What carries payloads between voters. It may lose, repeat, delay and reorder them as it likes; it
/// must not change them, nor give one the wrong sender.
///
/// Everything happens on the node's loop. A payload is one or more encoded messages, at most
/// `maxPayload` bytes. `TransportConformance` says what must hold, as tests.
public protocol Transport: AnyObject {
  /// The largest payload that it takes, in bytes.
  var maxPayload: Int { get }

  /// Begins to listen and to connect. Called once, before anything is sent.
  /// - Throws: where it cannot listen (a port in use, say).
  func start(_ events: TransportEvents) throws

  /// Queues a payload to one voter; the oldest waiting go where the queue is full.
  func send(_ payload: Bytes, to voter: VoterID)

  /// Queues one payload to every peer that has a vote; encoded and summed once.
  func broadcast(_ payload: Bytes)

  /// The peers from now on, in any order, this node itself left out or not: the voters of a
  /// configuration come and go. What waits for one that is gone is dropped, and nothing that it sends
  /// is handed up any more.
  ///
  /// A stranger that follows a newer membership than this side is let in as a guest: it may be one of
  /// those that came while this side was away. What it says is told apart, and it can be sent to, until
  /// it is a peer, or leaves.
  /// - Parameters:
  ///   - peers: who they are, and where.
  ///   - epoch: of the configuration that names them.
  ///   - revision: of the membership; it rises within an epoch, too.
  func follow(_ peers: [TransportPeer], in epoch: Epoch, revision: UInt64)

  /// Ends a turn: what waits for a peer leaves in one write.
  func flush()

  /// Says that `voter` sent what is not a message; its connection is closed and may come back.
  func refuse(_ voter: VoterID, because reason: String)

  /// Peers, in ascending order, for people and metrics.
  var peers: [PeerStatus] { get }

  /// Closes every connection. No event follows `done`.
  func close(_ done: @escaping () -> Void)
}

/// A node that a transport carries to.
public struct TransportPeer: Hashable, Sendable {
  /// Who it is.
  public var voter: VoterID
  /// Where it listens, written as its transport reads it; where it is empty, what is known stays, or
  /// it is waited for.
  public var address: Bytes
  /// Whether what goes to every peer goes to it.
  public var hasVote: Bool

  /// One made of its parts.
  public init(voter: VoterID, address: Bytes = Bytes(), hasVote: Bool = true) {
    self.voter = voter
    self.address = address
    self.hasVote = hasVote
  }
}

/// What a transport tells its node, on the node's loop.
public struct TransportEvents {
  /// A payload arrived. The slice may share a larger buffer.
  public var received: (_ payload: Bytes, _ sender: VoterID) -> Void
  /// A payload of a guest arrived: its store is not pinned, and it is to be heard on the members alone.
  public var receivedOfGuest: (_ payload: Bytes, _ sender: VoterID) -> Void

  /// One made of its parts.
  public init(
    received: @escaping (_ payload: Bytes, _ sender: VoterID) -> Void,
    receivedOfGuest: @escaping (_ payload: Bytes, _ sender: VoterID) -> Void = { _, _ in }
  ) {
    self.received = received
    self.receivedOfGuest = receivedOfGuest
  }
}

/// How a peer is doing.
public struct PeerStatus: Sendable {
  /// Who it is.
  public var voter: VoterID
  /// Where it is looked for.
  public var address: String
  /// Whether it is reached.
  public var state: State
  /// Bytes that wait to be written to it.
  public var queuedBytes: Int
  /// Bytes written to it since the start.
  public var sentBytes: UInt64
  /// Bytes read from it since the start.
  public var receivedBytes: UInt64
  /// Payloads that were dropped because the queue was full or nobody was there.
  public var dropped: UInt64
  /// Of the last ping, in microseconds; nil before the first.
  public var roundTripMicroseconds: UInt64?
  /// Of all pings since the start.
  public var roundTrips = LatencyHistogram()

  /// Whether a peer is reached.
  public enum State: Sendable, Equatable {
    case connected
    case connecting
    /// Why the last connection ended, or was refused.
    case down(String)
  }

  /// One made of its parts.
  public init(voter: VoterID, address: String) {
    self.voter = voter
    self.address = address
    state = .connecting
    queuedBytes = 0
    sentBytes = 0
    receivedBytes = 0
    dropped = 0
  }
}
