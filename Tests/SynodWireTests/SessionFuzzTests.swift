import Synod
import Testing

@testable import SynodWire

@Suite struct SessionFuzzTests {
  /// Frames that are well formed, in any order, some of them damaged.
  func frames(_ random: inout SplitMix) -> [UInt8] {
    var bytes: [UInt8] = []
    for _ in 0..<Int.random(in: 1...6, using: &random) {
      let body = randomBytes(Int.random(in: 0...40, using: &random), &random)
      let frame =
        switch Int.random(in: 0..<9, using: &random) {
        case 0, 1: Session.frame(.hello, hello(2))
        case 2: Session.frame(.hello, hello(UInt32.random(in: 0...4, using: &random)))
        case 3: Frame(.welcome)
        case 4: Frame(.payload, body)
        case 5: Frame(.ping, randomBytes(8, &random))
        case 6: Frame(.pong, randomBytes(8, &random))
        case 7: Frame(.refusal, body, version: 1)
        default: Frame(.hello, body, version: 1)
        }
      var encoded = frame.encoded.array
      if Int.random(in: 0..<12, using: &random) == 0 {
        encoded[Int.random(in: 0..<encoded.count, using: &random)] ^= 0x10
      }
      bytes += encoded
    }
    return bytes
  }

  @Test func aSessionKeepsItsPromisesWhateverItIsSent() {
    var opened = 0
    for seed in 0..<3_000 as Range<UInt64> {
      var random = SplitMix(seed: seed)
      var pair = Pair(settings(hello(1)), settings(hello(2)))
      // Most begin with a good handshake, so that the open phase is reached as well.
      if seed % 3 != 0 {
        pair.deliver(Session.frame(.hello, hello(2)).encoded.array, to: 0)
        pair.deliver(Frame(.welcome).encoded.array, to: 0)
      }
      for _ in 0..<4 {
        pair.deliver(frames(&random), to: 0)
        pair.now += UInt64.random(in: 0...2_000_000, using: &random)
        pair.tick(0)
        if Bool.random(using: &random) { _ = pair.output(of: 0) }
      }
      check(pair.events[0], seed)
      if pair.events[0].contains(.opened) { opened += 1 }
      #expect(pair.sessions[0].control.count <= 5)
    }
    #expect(opened > 1_000)
  }

  /// The order of events that every session keeps.
  func check(_ events: [SessionEvent], _ seed: UInt64) {
    var greeted = false
    var opened = false
    var closed = false
    for event in events {
      #expect(!closed, "seed \(seed): an event after the end")
      switch event {
      case .greeted(let hello):
        #expect(!greeted && hello.voter != VoterID(1), "seed \(seed)")
        greeted = true
      case .opened:
        #expect(greeted && !opened, "seed \(seed)")
        opened = true
      case .payload, .roundTrip:
        #expect(opened, "seed \(seed): a payload before the handshake's end")
      case .closed: closed = true
      }
    }
  }
}
