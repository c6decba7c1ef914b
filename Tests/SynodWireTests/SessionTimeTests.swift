import Synod
import Testing

@testable import SynodWire

@Suite struct SessionTimeTests {
  let second: UInt64 = 1_000_000

  @Test func aHandshakeThatDripsInIsCutOffAtItsDeadline() {
    var pair = Pair(settings(hello(1)), settings(hello(2)))
    let start = pair.now
    let drip = Session.frame(.hello, hello(2)).encoded.array
    for byte in drip.prefix(49) {
      pair.now += second / 10
      pair.deliver([byte], to: 0)
      pair.tick(0)
    }
    #expect(pair.sessions[0].phase == .greeting)
    #expect(pair.sessions[0].nextDeadline == start + 5 * second)
    pair.now = start + 5 * second - 1
    pair.tick(0)
    #expect(pair.sessions[0].phase == .greeting)
    pair.now += 1
    pair.tick(0)
    #expect(pair.events[0] == [.closed(.handshakeTimeout)])
  }

  @Test func aPeerThatNeverWelcomesIsCutOffToo() {
    var pair = Pair(settings(hello(1)), settings(hello(2)))
    pair.verdicts[1] = { _ in nil }
    pair.settle()
    pair.now += 5 * second
    pair.tick(0)
    pair.tick(1)
    #expect(pair.sessions.map(\.closeReason) == [.handshakeTimeout, .handshakeTimeout])
  }

  /// Drips a frame in, `bytes` at a time, `every` microseconds; both sides tick and ping.
  func drip(_ length: Int, bytes: Int, every: UInt64) -> CloseReason? {
    var pair = Pair.open()
    var stream = Frame(.payload, Bytes(Array(repeating: 7, count: length))).encoded.array[...]
    while !stream.isEmpty, pair.sessions[1].closeReason == nil {
      pair.deliver(Array(stream.prefix(bytes)), to: 1)
      stream = stream.dropFirst(bytes)
      pair.now += every
      pair.tick(1)
    }
    #expect(pair.payloads(on: 1).count == (pair.sessions[1].closeReason == nil ? 1 : 0))
    return pair.sessions[1].closeReason
  }

  @Test func aFrameMustMakeProgressThoughItsBytesNeverStop() {
    // 1 MiB is granted 5 s and 16 s more, at 64 KiB a second.
    #expect(drip(1 << 20, bytes: 4096, every: second / 10) == .frameTimeout)
    #expect(drip(1 << 20, bytes: 8192, every: second / 10) == nil)
    // A header that drips in has no length yet: 5 s.
    #expect(drip(10, bytes: 1, every: second / 4) == .frameTimeout)
    #expect(drip(10, bytes: 1, every: second / 8) == nil)
  }

  @Test func theDeadlineOfAFrameIsWhatTheDriverSleepsUntil() {
    var pair = Pair.open()
    pair.tick(1)
    pair.settle()
    pair.deliver(Array(Frame(.payload, "abc").encoded.array.prefix(26)), to: 1)
    #expect(pair.sessions[1].nextDeadline == pair.now + second)  // A ping comes first.
    pair.deliver(Array(Frame(.payload, "abc").encoded.array.suffix(1)), to: 1)
    #expect(pair.payloads(on: 1) == ["abc"])
  }

  @Test func pingsMeasureTheRoundTrip() {
    var pair = Pair.open()
    pair.tick(0)
    let ping = pair.output(of: 0)
    pair.now += 300
    pair.deliver(ping, to: 1)
    let pong = pair.output(of: 1)
    pair.now += 100
    pair.deliver(pong, to: 0)
    #expect(pair.events[0].last == .roundTrip(400))
    #expect(pair.sessions[0].roundTrip == 400)
    // A pong that nobody asked for, or that comes twice, means nothing.
    pair.deliver(pong, to: 0)
    pair.deliver(Frame(.pong, "12345678").encoded.array, to: 0)
    pair.deliver(Frame(.pong, "").encoded.array, to: 0)
    #expect(pair.events[0].last == .roundTrip(400))
    #expect(pair.sessions[0].isOpen)
  }

  @Test func aPeerThatAnswersStaysForEver() {
    var pair = Pair.open()
    for _ in 0..<100 {
      pair.now += second
      pair.tick(0)
      pair.tick(1)
      pair.settle()
    }
    #expect(pair.sessions.allSatisfy { $0.isOpen })
  }

  @Test func aPeerThatIsSilentIsDeadAfterFiveIntervals() {
    var pair = Pair.open()
    let start = pair.now
    while pair.sessions[0].closeReason == nil, pair.now < start + 60 * second {
      if let deadline = pair.sessions[0].nextDeadline { pair.now = max(pair.now, deadline) }
      pair.tick(0)
      _ = pair.output(of: 0)
    }
    #expect(pair.events[0].last == .closed(.silent))
    #expect(pair.now - start == 5 * second)
  }

  @Test func aProcessThatWasStoppedDoesNotBlameItsPeers() {
    var pair = Pair.open()
    pair.tick(0)
    _ = pair.output(of: 0)
    pair.now += 3600 * second  // Its peer's bytes wait in the kernel meanwhile.
    pair.tick(0)
    #expect(pair.sessions[0].isOpen)
    pair.settle()
    pair.now += second
    pair.tick(0)
    #expect(pair.sessions[0].isOpen)
  }

  @Test func aFloodOfPingsIsAnsweredOnceAtATime() {
    var pair = Pair.open()
    for i in 0..<1000 {
      let body = Bytes((0..<8).map { UInt8(truncatingIfNeeded: i >> ($0 * 8)) })
      pair.deliver(Frame(.ping, body).encoded.array, to: 1)
    }
    #expect(pair.output(of: 1).count == FrameHeader.size + 8)
  }
}
