import Synod
import Testing

@testable import SynodWire

@Suite struct FrameTests {
  /// A stream of every type of frame, with bodies of awkward sizes.
  static func stream(seed: UInt64) -> (bytes: [UInt8], frames: [Frame]) {
    var random = SplitMix(seed: seed)
    var frames = [
      Session.frame(.hello, hello(2)), Frame(.welcome), Frame(.ping, randomBytes(8, &random)),
      Frame(.payload, randomBytes(0, &random)), Frame(.payload, randomBytes(1, &random)),
      Frame(.payload, randomBytes(23, &random)), Frame(.pong, randomBytes(8, &random)),
      Frame(.payload, randomBytes(137, &random)),
      Session.frame(.refusal, Refusal.unknownVoter(VoterID(9))),
    ]
    frames.shuffle(using: &random)
    return (frames.reduce(into: []) { $0.append($1) }, frames)
  }

  func expect(_ parsed: Parsed, is frames: [Frame]) {
    #expect(parsed.error == nil)
    #expect(
      parsed.frames
        == frames.map {
          ReceivedFrame(type: $0.header.type, version: $0.header.version, body: $0.body)
        })
  }

  @Test func aStreamOfFramesReadsBackAsTheFramesThatWereWritten() {
    for seed in 0..<50 as Range<UInt64> {
      let (bytes, frames) = Self.stream(seed: seed)
      expect(parse(bytes), is: frames)
    }
  }

  @Test func noSplitOfAStreamChangesWhatItReadsAs() {
    let (bytes, frames) = Self.stream(seed: 1)
    for first in 0...bytes.count { expect(parse(bytes, cut: [first]), is: frames) }
    for width in 1...60 {
      let cuts = Array(repeating: width, count: bytes.count / width)
      expect(parse(bytes, cut: cuts), is: frames)
    }
    var random = SplitMix(seed: 2)
    for _ in 0..<200 {
      let cuts = (0..<20).map { _ in Int.random(in: 0...60, using: &random) }
      expect(parse(bytes, cut: cuts), is: frames)
    }
  }

  @Test func everySplitInTwoPlacesOfAShortStreamReadsAlike() {
    var random = SplitMix(seed: 3)
    let frames = [Frame(.payload, randomBytes(5, &random)), Frame(.ping, randomBytes(8, &random))]
    let bytes = frames.reduce(into: [UInt8]()) { $0.append($1) }
    for a in 0...bytes.count {
      for b in 0...(bytes.count - a) { expect(parse(bytes, cut: [a, b]), is: frames) }
    }
  }

  @Test func aBodyOfManyReadsIsOneSliceOfTheSameBytes() {
    var random = SplitMix(seed: 4)
    let body = randomBytes(1 << 20, &random)
    let bytes = [UInt8](Frame(.payload, body).encoded.array)
    for width in [1000, 65_536, 100_000] {
      let cuts = Array(repeating: width, count: bytes.count / width)
      expect(parse(bytes, cut: cuts), is: [Frame(.payload, body)])
    }
  }

  @Test func everyTruncationGivesTheWholeFramesAndThenWaits() {
    let (bytes, frames) = Self.stream(seed: 5)
    for length in 0..<bytes.count {
      let parsed = parse(Array(bytes.prefix(length)))
      #expect(parsed.error == nil)
      var end = 0
      let whole = frames.prefix {
        end += $0.count
        return end <= length
      }
      #expect(parsed.frames.count == whole.count)
    }
  }

  @Test func everyFlippedBitOfAHeaderIsRefused() {
    var random = SplitMix(seed: 6)
    for frame in [Frame(.payload, randomBytes(100, &random)), Frame(.welcome)] {
      let good = frame.encoded.array
      for bit in 0..<(FrameHeader.size * 8) {
        var bad = good
        bad[bit / 8] ^= 1 << UInt8(bit % 8)
        let parsed = parse(bad)
        #expect(parsed.frames.isEmpty)
        #expect(parsed.error != nil, "bit \(bit)")
      }
    }
  }

  @Test func everyFlippedBitOfABodyIsRefused() {
    var random = SplitMix(seed: 7)
    let good = Frame(.payload, randomBytes(300, &random)).encoded.array
    for bit in (FrameHeader.size * 8)..<(good.count * 8) {
      var bad = good
      bad[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(parse(bad) == Parsed(error: .payloadChecksum))
    }
  }

  @Test func framesBeforeADamagedOneStillCount() {
    let good = Frame(.payload, "one")
    var stream = good.encoded.array
    var bad = Frame(.payload, "two").encoded.array
    bad[FrameHeader.size] ^= 1
    stream += bad + good.encoded.array
    for first in 0...stream.count {
      let parsed = parse(stream, cut: [first])
      #expect(parsed.frames.map(\.body) == ["one"])
      #expect(parsed.error == .payloadChecksum)
    }
  }

  /// A header with right checksums that says what it likes.
  func header(
    version: UInt8 = 1, type: UInt8 = 4, flags: UInt16 = 0, length: UInt32 = 0,
    reserved: UInt32 = 0
  ) -> [UInt8] {
    var writer = ByteWriter()
    writer.write(FrameHeader.magic)
    writer.write(version)
    writer.write(type)
    writer.write(flags)
    writer.write(length)
    writer.write(reserved)
    writer.write(CRC32C.checksum(Bytes()))
    writer.write(writer.withUnsafeBytes { CRC32C.checksum($0) })
    return writer.finish().array
  }

  @Test func anEncodedHeaderIsTheTableInItsDocumentation() {
    #expect(header() == Frame(.payload).encoded.array)
    #expect(header().prefix(4) == [0x53, 0x59, 0x4e, 0x57])
  }

  @Test func aLengthOverTheLimitIsRefusedBeforeAnythingIsAllocated() {
    for length in [1 << 20 + 1, 1 << 31, UInt32.max] as [UInt32] {
      let parsed = parse(header(length: length))
      #expect(parsed.error == .tooLong(.payload, found: Int(length), limit: 1 << 20))
      #expect(parsed.reserved == 0)
    }
    #expect(parse(header(type: 1, length: 489)).error == .tooLong(.hello, found: 489, limit: 488))
    #expect(parse(header(type: 5, length: 9)).error == .tooLong(.ping, found: 9, limit: 8))
  }

  @Test func memoryFollowsWhatHasArrivedAndNotWhatWasAnnounced() {
    let body = Bytes(Array(repeating: 1, count: 1 << 20))
    let bytes = Frame(.payload, body).encoded.array
    #expect(parse(Array(bytes.prefix(30))).reserved == 64 << 10)
    #expect(parse(Array(bytes.prefix(60_000)), cut: [10_000]).reserved == 64 << 10)
    #expect(parse(bytes, cut: [80_000, 1]).reserved == 1 << 20)
  }

  @Test func aPayloadBeforeItIsAllowedIsRefusedAtItsHeader() {
    let parsed = parse(header(length: 1000), limits: FrameLimits(payload: nil))
    #expect(parsed == Parsed(error: .unexpected(.payload)))
  }

  @Test func whatALaterVersionMightSendIsRefusedByName() {
    #expect(parse(header(version: 2)).error == .unsupportedVersion(2))
    #expect(parse(header(type: 0)).error == .unknownType(0))
    #expect(parse(header(type: 7)).error == .unknownType(7))
    #expect(parse(header(flags: 1)).error == .unknownFlags(1 << 32))
    #expect(parse(header(reserved: 5)).error == .unknownFlags(5))
    let http = Array("GET / HTTP/1.1\r\nHost: synod\r\n".utf8)
    #expect(parse(http).error == .notSynod(found: 0x2054_4547))
  }

  @Test func aParserThatFailedStaysFailed() {
    var parser = FrameParser(limits: FrameLimits(payload: 100))
    var bad = header()
    bad[0] = 0
    for bytes in [bad, header(), header()] {
      bytes.withUnsafeBytes { raw in
        var input = raw
        #expect(throws: WireError.notSynod(found: 0x574e_5900)) { try parser.next(&input) }
      }
    }
  }

  @Test func aCopyOfAParserWithinABodyDoesNotShareItsMemory() throws {
    let frames = [Frame(.payload, "abcdef"), Frame(.payload, "abcXYZ")].map(\.encoded.array)
    var one = FrameParser(limits: FrameLimits(payload: 100))
    feed(&one, Array(frames[0].prefix(27)))
    var two = one
    let frame = feed(&one, Array("def".utf8))
    feed(&two, Array("QQ".utf8))
    #expect(frame?.body == "abcdef")
  }

  @discardableResult
  func feed(_ parser: inout FrameParser, _ bytes: [UInt8]) -> ReceivedFrame? {
    bytes.withUnsafeBytes { raw in
      var input = raw
      return try? parser.next(&input)
    }
  }

  @Test func hostileBytesNeverTrap() {
    for seed in 0..<400 as Range<UInt64> {
      var random = SplitMix(seed: seed)
      // Half of the streams begin well, so that the bytes reach the later checks too.
      var bytes = seed % 2 == 0 ? [] : Self.stream(seed: seed).bytes
      if seed % 4 == 1 { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random)) }
      bytes += randomBytes(Int.random(in: 0..<500, using: &random), &random).array
      let cuts = (0..<10).map { _ in Int.random(in: 0...100, using: &random) }
      #expect(parse(bytes) == parse(bytes, cut: cuts).withReserved(of: parse(bytes)))
    }
  }

  @Test func mutatedFramesAreEitherRefusedOrUnchanged() {
    for seed in 0..<2_000 as Range<UInt64> {
      var random = SplitMix(seed: seed)
      let (good, frames) = Self.stream(seed: seed)
      var bad = good
      for _ in 0..<Int.random(in: 1...4, using: &random) { mutate(&bad, &random) }
      let parsed = parse(bad)
      // Whatever was let through is one of the frames that were written: no bytes were made up.
      for frame in parsed.frames {
        #expect(
          frames.contains { $0.header.type == frame.type && $0.body == frame.body },
          "seed \(seed)")
      }
      #expect(parse(bad, cut: [3, 50, 1, 70]).withReserved(of: parsed) == parsed, "seed \(seed)")
    }
  }

  func mutate(_ bytes: inout [UInt8], _ random: inout SplitMix) {
    guard !bytes.isEmpty else { return }
    let at = Int.random(in: 0..<bytes.count, using: &random)
    switch Int.random(in: 0..<5, using: &random) {
    case 0: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 1: bytes[at] = UInt8.random(in: 0...255, using: &random)
    case 2: bytes.insert(UInt8.random(in: 0...255, using: &random), at: at)
    case 3: bytes.removeSubrange(at..<min(bytes.count, at + 9))
    default:
      let from = Int.random(in: 0..<bytes.count, using: &random)
      bytes.insert(contentsOf: Array(bytes[from..<min(bytes.count, from + 40)]), at: at)
    }
  }
}

extension Parsed {
  /// The same, but for the memory, which does depend on how the bytes were cut.
  func withReserved(of other: Parsed) -> Parsed {
    var copy = self
    copy.reserved = other.reserved
    return copy
  }
}
