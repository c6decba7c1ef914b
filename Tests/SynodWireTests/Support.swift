import Synod

@testable import SynodWire

/// Shorthands of the tests.
func hello(
  _ voter: UInt32, store: UInt64? = nil, cluster: UInt64 = 7, incarnation: UInt64 = 1,
  versions: ClosedRange<UInt8> = 1...1
) -> Hello {
  Hello(
    cluster: ClusterID(Identity128(high: cluster, low: 1)), voter: VoterID(voter),
    store: StoreID(Identity128(high: 0x5701e, low: store ?? UInt64(voter))),
    incarnation: incarnation, epoch: Epoch(1), versions: versions)
}

func settings(
  _ hello: Hello, voters: [UInt32] = [1, 2, 3], maxPayload: Int = 1 << 20,
  queueLimit: Int = 8 << 20
) -> SessionSettings {
  var settings = SessionSettings(hello: hello, voters: voters.map { VoterID($0) })
  settings.maxPayload = maxPayload
  settings.queueLimit = queueLimit
  return settings
}

func randomBytes(_ count: Int, _ random: inout SplitMix) -> Bytes {
  var bytes: [UInt8] = []
  bytes.reserveCapacity(count)
  while bytes.count < count {
    let word = random.next()
    withUnsafeBytes(of: word) { bytes.append(contentsOf: $0.prefix(count - bytes.count)) }
  }
  return Bytes(bytes)
}

extension Array where Element == UInt8 {
  mutating func append(_ frame: Frame) {
    frame.encoded.withUnsafeBytes { append(contentsOf: $0) }
  }
}

/// What a parser gave for a stream: its frames, then the error, where there was one.
struct Parsed: Equatable {
  var frames: [ReceivedFrame] = []
  var error: WireError?
  /// The most memory that was set aside for one body.
  var reserved = 0
}

/// Parses `stream` cut into pieces of the given lengths; the last takes what is left.
func parse(
  _ stream: [UInt8], cut lengths: [Int] = [],
  limits: FrameLimits = FrameLimits(payload: 1 << 20)
) -> Parsed {
  var parser = FrameParser(limits: limits)
  var parsed = Parsed()
  var rest = stream[...]
  for length in lengths + [stream.count] {
    let piece = Array(rest.prefix(length))
    rest = rest.dropFirst(length)
    piece.withUnsafeBytes { bytes in
      var input = bytes
      do throws(WireError) {
        while let frame = try parser.next(&input) { parsed.frames.append(frame) }
      } catch {
        parsed.error = error
      }
    }
    parsed.reserved = max(parsed.reserved, parser.reservedBytes)
    if parsed.error != nil { return parsed }
  }
  return parsed
}

/// Two sessions joined by a wire without time, and all that they said to their drivers.
struct Pair {
  var sessions: [Session]
  var events: [[SessionEvent]] = [[], []]
  var now: UInt64 = 1_000_000
  /// What a side answers to `greeted`; nil leaves it waiting.
  var verdicts: [(Hello) -> Refusal??] = [{ _ in .some(nil) }, { _ in .some(nil) }]

  init(_ dialer: SessionSettings, _ listener: SessionSettings) {
    let meant = listener.hello.voter
    sessions = [
      Session(dialer, dialed: meant, openedAt: 1_000_000),
      Session(listener, dialed: nil, openedAt: 1_000_000),
    ]
  }

  /// Two that are open.
  static func open(maxPayload: Int = 1 << 20, queueLimit: Int = 8 << 20) -> Pair {
    var pair = Pair(
      settings(hello(1), maxPayload: maxPayload, queueLimit: queueLimit),
      settings(hello(2), maxPayload: maxPayload, queueLimit: queueLimit))
    pair.settle()
    return pair
  }

  /// Carries bytes both ways until nobody has any.
  mutating func settle() {
    while sessions.contains(where: \.hasOutput) {
      for side in 0..<2 {
        let bytes = output(of: side)
        deliver(bytes, to: 1 - side)
      }
    }
  }

  mutating func output(of side: Int) -> [UInt8] {
    var frames: [Frame] = []
    sessions[side].takeOutput(upTo: 1 << 20, into: &frames)
    return frames.reduce(into: []) { $0.append($1) }
  }

  mutating func deliver(_ bytes: [UInt8], to side: Int) {
    bytes.withUnsafeBytes { raw in
      var input = raw
      while let event = sessions[side].receive(&input, at: now) { note(event, on: side) }
    }
  }

  mutating func tick(_ side: Int) {
    if let event = sessions[side].tick(to: now) { note(event, on: side) }
  }

  private mutating func note(_ event: SessionEvent, on side: Int) {
    events[side].append(event)
    guard case .greeted(let hello) = event, let verdict = verdicts[side](hello) else { return }
    let answer =
      if let refusal = verdict { sessions[side].refuse(refusal) } else {
        sessions[side].admit(at: now)
      }
    if let answer { note(answer, on: side) }
  }

  func payloads(on side: Int) -> [Bytes] {
    events[side].compactMap { if case .payload(let bytes) = $0 { bytes } else { nil } }
  }
}
