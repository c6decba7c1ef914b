import Synod
import SynodWire
import UV

/// What a `TCPTransport` knows of one peer.
final class TCPPeer {
  let voter: VoterID
  /// Nil where it is not known: then the peer is waited for.
  var address: TCPTransportSettings.Address?
  /// Whether a broadcast goes to it.
  var hasVote = true
  /// It is no peer, and its connection is a guest's.
  var isGuest = false
  /// It is no peer any more; what is under way to reach it comes to nothing.
  var isGone = false
  /// The one connection that payloads go to.
  var current: TCPConnection?
  var dialing = Dialing.idle
  var backoff: Backoff
  /// Why the last connection ended, or did not come to be.
  var reason: String?
  /// Of connections that have ended.
  private var sentBefore: UInt64 = 0
  private var receivedBefore: UInt64 = 0
  private var droppedBefore: UInt64 = 0
  /// Of the last ping, in microseconds.
  var roundTrip: UInt64?
  private(set) var roundTrips = LatencyHistogram()

  /// What is under way to reach the peer.
  enum Dialing {
    case idle
    /// Until this many microseconds.
    case waiting(UInt64)
    /// Its name is looked up; the number tells a late answer from the one that is waited for.
    case resolving
    /// Until this many microseconds.
    case connecting(TCPStream, UInt64)
    case greeting(TCPConnection)
  }

  init(_ voter: VoterID, _ address: TCPTransportSettings.Address?, _ backoff: Backoff) {
    self.voter = voter
    self.address = address
    self.backoff = backoff
  }

  /// Where it is looked for, for people.
  var place: String { address.map { "\($0)" } ?? "unknown" }

  /// Counts a payload that nobody was there for.
  func countDrop() { droppedBefore &+= 1 }

  func countRoundTrip(_ microseconds: UInt64) {
    roundTrip = microseconds
    roundTrips.add(microseconds)
  }

  /// Keeps the counts of a connection that has ended.
  func keepCounts(of session: Session) {
    sentBefore &+= session.sentBytes
    receivedBefore &+= session.receivedBytes
    droppedBefore &+= session.dropped
  }

  var status: PeerStatus {
    var status = PeerStatus(voter: voter, address: place)
    if current != nil {
      status.state = .connected
    } else if let reason {
      status.state = .down(reason)
    }
    let session = current?.session
    status.queuedBytes = (session?.queuedBytes ?? 0) + (current?.stream.queuedBytes ?? 0)
    status.sentBytes = sentBefore &+ (session?.sentBytes ?? 0)
    status.receivedBytes = receivedBefore &+ (session?.receivedBytes ?? 0)
    status.dropped = droppedBefore &+ (session?.dropped ?? 0)
    status.roundTripMicroseconds = roundTrip
    status.roundTrips = roundTrips
    return status
  }
}
