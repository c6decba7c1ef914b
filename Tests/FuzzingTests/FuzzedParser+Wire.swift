import Synod
import SynodWire

extension FuzzedParser {
  /// The first byte says whether checksums are made right, the second where the bytes are split.
  static func feedFrames(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count > 2 else { return }
    var stream = Array(bytes.dropFirst(2))
    if bytes[0] & 1 == 1 { mend(&stream) }
    let limits = FrameLimits(payload: 1 << 16)
    let whole = frames(in: stream, splitAt: stream.count, limits)
    let split = frames(in: stream, splitAt: Int(bytes[1]), limits)
    check(whole == split, "frames depend on how they are split")
  }

  private struct Frames: Equatable {
    var frames: [ReceivedFrame] = []
    var error: WireError?
  }

  private static func frames(
    in stream: [UInt8], splitAt place: Int, _ limits: FrameLimits
  ) -> Frames {
    var parser = FrameParser(limits: limits)
    var found = Frames()
    let place = min(place, stream.count)
    for part in [stream[..<place], stream[place...]] {
      part.withUnsafeBytes { part in
        var rest = part
        do throws(WireError) {
          while let frame = try parser.next(&rest) { found.frames.append(frame) }
        } catch {
          found.error = found.error ?? error
        }
      }
    }
    return found
  }

  /// Makes the checksums of frames right, so that what lies behind them is reached.
  static func mend(_ stream: inout [UInt8]) {
    var start = 0
    while start + FrameHeader.size <= stream.count {
      let length = min(
        Int(stream[start + 8]) | Int(stream[start + 9]) << 8,
        stream.count - start - FrameHeader.size)
      let body = stream[(start + FrameHeader.size)...].prefix(length)
      put(FrameHeader.magic, at: start, &stream)
      put(UInt32(length), at: start + 8, &stream)
      put(body.withUnsafeBytes { CRC32C.checksum($0) }, at: start + 16, &stream)
      let head = stream[start..<(start + 20)].withUnsafeBytes { CRC32C.checksum($0) }
      put(head, at: start + 20, &stream)
      start += FrameHeader.size + length
    }
  }

  static func put(_ number: UInt32, at place: Int, _ bytes: inout [UInt8]) {
    for byte in 0..<4 where place + byte < bytes.count {
      bytes[place + byte] = UInt8(truncatingIfNeeded: number >> UInt32(8 * byte))
    }
  }

  // MARK: The session

  /// Each part: a byte for its length, a byte for the milliseconds before it, the part. All frames have
  /// right checksums, but for those of streams whose first byte is odd.
  static func feedSession(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count > 1 else { return }
    var stream = Array(bytes.dropFirst(1))
    if bytes[0] & 1 == 0 { mend(&stream) }
    var session = Session(
      SessionSettings(hello: hello(1), voters: [VoterID(1), VoterID(2)]),
      dialed: bytes[0] & 2 == 0 ? nil : VoterID(2), openedAt: 0)
    var now: UInt64 = 0
    var output: [Frame] = []
    var place = 0
    while place < stream.count, session.closeReason == nil {
      let count = 1 + Int(stream[place] & 127)
      now += UInt64(stream[place] >> 7) * 700_000
      let end = min(place + count, stream.count)
      take(stream[place..<end], into: &session, at: now)
      _ = session.tick(to: now)
      session.takeOutput(upTo: 1 << 16, into: &output)
      check(session.queuedBytes <= session.settings.queueLimit, "a session's queue is bounded")
      output.removeAll()
      place = end
    }
  }

  private static func take(
    _ part: ArraySlice<UInt8>, into session: inout Session, at now: UInt64
  ) {
    part.withUnsafeBytes { part in
      var rest = part
      while let event = session.receive(&rest, at: now) {
        switch event {
        case .greeted: _ = session.admit(at: now)
        case .opened: session.send(Frame(.payload, "a payload"))
        case .payload, .roundTrip: break
        case .closed: return
        }
      }
    }
  }

  static func hello(_ voter: UInt32) -> Hello {
    Hello(
      cluster: ClusterID(Identity128(high: 7, low: 7)), voter: VoterID(voter),
      store: StoreID(Identity128(high: 1, low: UInt64(voter))), incarnation: 1, epoch: Epoch(1))
  }
}
