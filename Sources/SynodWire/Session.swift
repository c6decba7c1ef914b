public import Synod

/// One connection between two voters, as a value: bytes and time in, frames and events out. It does
/// no IO and reads no clock.
///
/// Both sides send a hello at once. Each checks the other's, then its driver the pinned store, and
/// only then is a welcome sent. Payloads go out once both welcomes have been exchanged, so none is
/// ever counted, or held, for a peer that is not known yet.
///
/// Time is in microseconds of a monotonic clock. Deadlines are absolute: bytes that drip in do not
/// put them off. Silence is counted in pings without an answer, at most one for each `tick`, so
/// that a process that was stopped for long does not blame its peers for it.
///
/// A driver: create it once the stream is connected; after every call, write what `takeOutput`
/// gives; call `tick` at `nextDeadline`. A filter between stream and session (TLS, say) sees the
/// bytes before `receive` and after `takeOutput`; the session knows nothing of it.
public struct Session: Sendable {
  /// Where the session is.
  public enum Phase: Hashable, Sendable {
    /// The peer's hello has not come. Next: `judging`, `closed`.
    case greeting
    /// The peer's hello has come; the driver's verdict has not. Next: `admitted`, `open`, `closed`.
    case judging
    /// This side has sent its welcome; the peer's has not come. Next: `open`, `closed`.
    case admitted
    /// Payloads go both ways. Next: `closed`.
    case open
    /// Final.
    case closed(CloseReason)
  }

  /// Limits, times, and what this side says of itself.
  public let settings: SessionSettings
  /// Whom this side meant to reach; nil where the peer connected.
  public let dialed: VoterID?
  /// How far the session has come.
  public internal(set) var phase = Phase.greeting
  /// What the peer says of itself; nil before its hello.
  public internal(set) var peer: Hello?
  /// The version that both speak, once the peer's hello has come.
  public internal(set) var version = WireVersion.first
  /// Bytes taken from the peer.
  public internal(set) var receivedBytes: UInt64 = 0
  /// Bytes given out to be written.
  public internal(set) var sentBytes: UInt64 = 0
  /// Of the last ping, in microseconds.
  public internal(set) var roundTrip: UInt64?

  var parser: FrameParser
  var queue: SendQueue
  /// Frames of the session's own, which go before payloads; a handful at most.
  var control: [Frame] = []
  var isWelcomed = false
  /// When the handshake must be over.
  let handshakeDeadline: UInt64
  /// When the frame that is arriving must be whole.
  var frameDeadline: UInt64?
  var frameBegan: UInt64 = 0
  /// The next ping, once the session is open.
  var nextPing: UInt64 = .max
  var pings = Pings()

  struct Pings: Sendable {
    /// The number of the last ping, and when it was sent; nil once it was answered.
    var last: UInt64 = 0
    var sentAt: UInt64?
    /// Intervals in which nothing came, in a row.
    var silent = 0
    var heardSince = false
  }

  /// A session on a stream that has just been connected. The hello waits in its output.
  /// - Parameters:
  ///   - settings: who this side is, limits, times.
  ///   - dialed: whom this side meant to reach; nil where the peer connected.
  ///   - now: in microseconds.
  public init(_ settings: SessionSettings, dialed: VoterID?, openedAt now: UInt64) {
    self.settings = settings
    self.dialed = dialed
    parser = FrameParser(
      versions: settings.hello.versions, limits: FrameLimits(payload: nil))
    queue = SendQueue(limit: settings.queueLimit)
    handshakeDeadline = now.adding(settings.handshakeTime)
    control.append(Session.frame(.hello, settings.hello))
  }

  /// Whether payloads go both ways.
  public var isOpen: Bool { phase == .open }
  /// Why the session ended; nil while it has not.
  public var closeReason: CloseReason? {
    switch phase {
    case .closed(let reason): reason
    case .greeting, .judging, .admitted, .open: nil
    }
  }
  /// Bytes of payloads that wait, headers included.
  public var queuedBytes: Int { queue.bytes }
  /// Payloads that were dropped.
  public var dropped: UInt64 { queue.dropped }

  /// Whether `takeOutput` would give anything.
  public var hasOutput: Bool { !control.isEmpty || (isOpen && !queue.isEmpty) }

  /// Queues a payload; the oldest go where there is no room. Before the session is open it waits;
  /// after its end it is dropped.
  public mutating func send(_ frame: Frame) {
    precondition(frame.header.type == .payload, "a driver sends payloads only")
    queue.append(frame.body.count <= settings.maxPayload ? frame : nil)
    if closeReason != nil { queue.dropAll() }
  }

  /// Whether frames of the session's own wait: a welcome, an answer to a ping. They should not wait
  /// for the end of a turn.
  public var hasControl: Bool { !control.isEmpty }

  /// Moves what may be written now to the end of `batch`: the session's own frames, then the oldest
  /// payloads within about `budget` bytes. What was taken must be written whole.
  public mutating func takeOutput(upTo budget: Int, into batch: inout [Frame]) {
    let first = batch.count
    if !control.isEmpty {
      batch.append(contentsOf: control)
      control.removeAll(keepingCapacity: true)
    }
    if isOpen, !queue.isEmpty {
      let payloads = batch.count
      queue.take(upTo: budget, into: &batch)
      for i in payloads..<batch.count where batch[i].header.version != version {
        batch[i] = batch[i].inVersion(version)
      }
    }
    for frame in batch[first...] { sentBytes &+= UInt64(frame.count) }
  }

  static func frame(_ type: FrameType, _ value: some ByteCodable) -> Frame {
    var writer = ByteWriter(capacity: 96)
    value.encode(into: &writer)
    return Frame(type, writer.finish(), version: WireVersion.first)
  }
}

extension UInt64 {
  /// The sum; the largest value of all where there is none.
  func adding(_ more: UInt64) -> UInt64 {
    let (sum, overflow) = addingReportingOverflow(more)
    return overflow ? .max : sum
  }
}
