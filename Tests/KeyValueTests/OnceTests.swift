import Synod
import Testing

@testable import KeyValue

/// Changes that are made once, however often they are sent, and however late.
@Suite struct OnceTests {
  static func once(_ client: UInt64, _ sequence: UInt64, isRetry: Bool = false) -> Once {
    Once(Identity128(high: 7, low: client), sequence, isRetry: isRetry)
  }

  static func add(_ client: UInt64, _ sequence: UInt64, isRetry: Bool = false) -> KeyValueStep {
    .once(.add(1), of: "k", once(client, sequence, isRetry: isRetry))
  }

  /// Its first attempt was made, and what was kept of it is gone with the keys.
  @Test func aRetryBehindTheEndOfAllKeysIsNotMadeAgain() {
    var state = KeyValueState()
    #expect(run(Self.add(1, 1), on: &state, stamp: 1) == .integer(1))
    #expect(run(.deleteAll, on: &state, stamp: 2) == .ok)
    #expect(run(Self.add(1, 1, isRetry: true), on: &state, stamp: 3) == .refused(.forgotten))
    #expect(state.count == 0)
    // Nor of another key, nor where others have come meanwhile.
    #expect(run(Self.add(2, 1), on: &state, stamp: 4) == .integer(1))
    #expect(run(Self.add(1, 1, isRetry: true), on: &state, stamp: 5) == .refused(.forgotten))
    // What is known is told.
    #expect(run(Self.add(2, 1, isRetry: true), on: &state, stamp: 6) == .integer(1))
    // The state says so wherever it comes.
    var other = rebuilt(state)
    #expect(run(Self.add(1, 1, isRetry: true), on: &other, stamp: 7) == .refused(.forgotten))
    #expect(other.digest == state.digest)
  }

  /// Where nothing was kept nothing is lost.
  @Test func theEndOfKeysOfWhichNoneWasMadeOnceForgetsNothing() {
    var state = KeyValueState()
    #expect(run(.change(.set("1"), of: "k"), on: &state, stamp: 1) == .ok)
    #expect(run(.deleteAll, on: &state, stamp: 2) == .ok)
    #expect(run(Self.add(1, 1, isRetry: true), on: &state, stamp: 3) == .integer(1))
  }
}
