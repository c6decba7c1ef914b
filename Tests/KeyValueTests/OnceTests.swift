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

  /// Its first attempt was made before.
  @Test func aRetryBehindTheEndOfAllKeysIsNotMadeAgain() {
    var state = KeyValueState()
    #expect(run(Self.add(1, 1), on: &state, stamp: 1) == .integer(1))
    #expect(run(.deleteAll, on: &state, stamp: 2) == .ok)
    var other = rebuilt(state)
    #expect(run(Self.add(1, 1, isRetry: true), on: &state, stamp: 3) == .integer(1))
    #expect(run(Self.add(1, 1, isRetry: true), on: &other, stamp: 3) == .integer(1))
    #expect(state.count == 0 && other.digest == state.digest)
  }

  /// That of another was not.
  @Test func aRetryOfWhatWasNeverMadeIsMadeBehindTheEndOfAllKeys() {
    var state = KeyValueState()
    #expect(run(Self.add(1, 1), on: &state, stamp: 1) == .integer(1))
    #expect(run(.deleteAll, on: &state, stamp: 2) == .ok)
    #expect(run(Self.add(2, 1, isRetry: true), on: &state, stamp: 3) == .integer(1))
  }

  /// What is kept of a key that is missing is let go of where nothing was made since it was seen.
  @Test func whatIsKeptOfKeysThatAreMissingIsLetGoOf() {
    var state = KeyValueState()
    func all() -> [KeyValueRemains] {
      (0..<KeyValueState.partsOfRemains).flatMap { state.remains(in: $0) }
    }
    let forget = { (key: Bytes) in
      KeyValueStep.forget(Identity128(high: 7, low: 1), through: 1, of: key)
    }
    for number in 0..<1000 {
      let key = Bytes("\(number)")
      _ = run(.once(.set("v"), of: key, Self.once(1, 1)), on: &state, stamp: 1)
      if number % 3 == 0 { _ = run(forget(key), on: &state, stamp: 2) }
    }
    let full = state.bytes
    #expect(all().isEmpty, "all keys are there")
    _ = run(.delete((0..<1000).map { Bytes("\($0)") }), on: &state, stamp: 3)
    let seen = all()
    #expect(seen.count == 1000)
    // One of them came back, and of one more was made since.
    _ = run(.change(.set("v"), of: "1"), on: &state, stamp: 4)
    _ = run(.once(.set("v"), of: "2", Self.once(2, 1)), on: &state, stamp: 5)
    _ = run(.delete(["2"]), on: &state, stamp: 6)
    #expect(run(.letGo(seen), on: &state, stamp: 7) == .integer(998))
    #expect(run(.letGo(seen), on: &state, stamp: 8) == .integer(0))
    #expect(state.sessions.count == 2 && all().map(\.key) == ["2"])
    #expect(state.bytes < full / 100)
    #expect(rebuilt(state).digest == state.digest && rebuilt(state).bytes == state.bytes)
  }

  /// It was left behind somewhere, its retry was made, and its client has said since that it will send it
  /// no more.
  @Test func aFirstAttemptThatComesAfterItsClientLeftIsNotMade() {
    var state = KeyValueState()
    #expect(run(Self.add(1, 1, isRetry: true), on: &state, stamp: 1) == .integer(1))
    let forget = KeyValueStep.forget(Identity128(high: 7, low: 1), through: 1, of: "k")
    #expect(run(forget, on: &state, stamp: 2) == .value("1"))
    var other = rebuilt(state)
    #expect(other.digest == state.digest && other.bytes == state.bytes)
    #expect(run(Self.add(1, 1), on: &state, stamp: 3) == .refused(.forgotten))
    #expect(run(Self.add(1, 1), on: &other, stamp: 3) == .refused(.forgotten))
    // What it had not numbered yet is new.
    #expect(run(Self.add(1, 2), on: &state, stamp: 4) == .integer(2))
    #expect(run(Self.add(1, 1), on: &state, stamp: 5) == .refused(.forgotten))
  }

  /// Nor behind the changes of as many others as a key keeps replies of.
  @Test func aFirstAttemptThatComesBehindFifteenOthersIsNotMade() {
    var state = KeyValueState()
    #expect(run(Self.add(1, 1, isRetry: true), on: &state, stamp: 1) == .integer(1))
    for client in 2...16 as ClosedRange<UInt64> {
      #expect(run(Self.add(client, 1), on: &state, stamp: client) == .integer(Int64(client)))
    }
    #expect(run(Self.add(1, 1), on: &state, stamp: 17) == .integer(1))
    #expect(state.value(of: "k") == "16")
  }

  /// Of those who left it is said as long as there is room: their replies are not wanted any more.
  @Test func whoLeftMakesRoomForTheRepliesOfOthers() {
    var state = KeyValueState()
    for client in 1...12 as ClosedRange<UInt64> {
      _ = run(Self.add(client, 1), on: &state, stamp: client)
      _ = run(
        .forget(Identity128(high: 7, low: client), through: 1, of: "k"), on: &state, stamp: client)
    }
    // Four are not known any more.
    #expect(run(Self.add(4, 1), on: &state, stamp: 20) == .integer(13))
    #expect(run(Self.add(5, 1), on: &state, stamp: 21) == .refused(.forgotten))
    for client in 21...35 as ClosedRange<UInt64> {
      _ = run(Self.add(client, 1), on: &state, stamp: client)
    }
    #expect(run(Self.add(12, 1), on: &state, stamp: 40) == .integer(29))
    #expect(run(Self.add(21, 1, isRetry: true), on: &state, stamp: 41) == .integer(14))
    // A retry is told that somebody is not known any more.
    #expect(run(Self.add(4, 1, isRetry: true), on: &state, stamp: 42) == .refused(.forgotten))
    #expect(rebuilt(state).digest == state.digest)
  }

  /// A client that wrote nothing may have left, too: its first attempt is still on its way.
  @Test func whoLeftBeforeItsFirstAttemptCameMakesNone() {
    var state = KeyValueState()
    _ = run(.forget(Identity128(high: 7, low: 1), through: 3, of: "k"), on: &state, stamp: 1)
    #expect(run(Self.add(1, 3), on: &state, stamp: 2) == .refused(.forgotten))
    #expect(run(Self.add(1, 4), on: &state, stamp: 3) == .integer(1))
  }

  /// The first attempt was left behind, and its retry is told no: what is told stays so.
  @Test func aFirstAttemptBehindARetryThatWasToldNoIsNotMade() {
    func swap(isRetry: Bool) -> KeyValueStep {
      .once(.compareAndSet("b", "c"), of: "k", Self.once(1, 1, isRetry: isRetry))
    }
    var state = KeyValueState()
    _ = run(.change(.set("a"), of: "k"), on: &state, stamp: 1)
    #expect(run(swap(isRetry: true), on: &state, stamp: 2) == .integer(0))
    _ = run(.change(.set("b"), of: "k"), on: &state, stamp: 3)
    var other = rebuilt(state)
    #expect(run(swap(isRetry: false), on: &state, stamp: 4) == .integer(0))
    #expect(run(swap(isRetry: true), on: &other, stamp: 4) == .integer(0))
    #expect(state.value(of: "k") == "b" && other.value(of: "k") == "b")
  }

  @Test func aFirstAttemptBehindARetryThatWasRefusedIsNotMade() {
    var state = KeyValueState()
    _ = run(.configure(KeyValueLimits(maxValue: 4), seed: 1), on: &state, stamp: 1)
    _ = run(.change(.set("no number"), of: "k"), on: &state, stamp: 2)
    _ = run(.change(.set("text"), of: "k"), on: &state, stamp: 3)
    #expect(run(Self.add(1, 1, isRetry: true), on: &state, stamp: 4) == .refused(.notAnInteger))
    let long = KeyValueStep.once(.append("5"), of: "k", Self.once(2, 1, isRetry: true))
    #expect(run(long, on: &state, stamp: 5) == .refused(.tooLarge(size: 5, limit: 4)))
    _ = run(.change(.set("1"), of: "k"), on: &state, stamp: 6)
    #expect(run(Self.add(1, 1), on: &state, stamp: 7) == .refused(.notAnInteger))
    #expect(run(long, on: &state, stamp: 8) == .refused(.tooLarge(size: 5, limit: 4)))
    #expect(state.value(of: "k") == "1")
  }

  /// Before it there was no other that could come yet: it may be tried again under the same number.
  @Test func whoWasToldNoWithoutARetryIsTriedAnew() {
    let swap = KeyValueStep.once(.compareAndSet("b", "c"), of: "k", Self.once(1, 1))
    var state = KeyValueState()
    #expect(run(swap, on: &state, stamp: 1) == .integer(0))
    #expect(state.sessions.count == 0)
    _ = run(.change(.set("b"), of: "k"), on: &state, stamp: 2)
    #expect(run(swap, on: &state, stamp: 3) == .integer(1))
  }

  /// What cannot be kept is not told for certain.
  @Test func aRetryThatIsToldNoWhereThereIsNoRoomIsNotToldForCertain() {
    var state = KeyValueState()
    _ = run(.configure(KeyValueLimits(maxBytes: 150), seed: 1), on: &state, stamp: 1)
    _ = run(.change(.set("a"), of: "k"), on: &state, stamp: 2)
    for number in 1...5 as ClosedRange<UInt64> {
      let swap = KeyValueStep.once(
        .set("b"), of: Bytes("\(number)"), Self.once(1, number, isRetry: true))
      #expect(run(swap, on: &state, stamp: 2 + number) == .refused(.forgotten))
    }
    for number in 1...5 as ClosedRange<UInt64> {
      _ = run(
        .forget(Identity128(high: 7, low: 1), through: 9, of: Bytes("\(number)")), on: &state,
        stamp: 20)
    }
    #expect(state.bytes <= 150)
  }

  /// However many replies a key may keep, they go into one message of a snapshot with what is before them.
  @Test func whatIsKeptOfOneKeyFitsIntoAMessage() {
    var state = KeyValueState()
    _ = run(.configure(KeyValueLimits(maxSessions: 1024), seed: 1), on: &state, stamp: 1)
    let long = Bytes([UInt8](repeating: 65, count: 4000))
    _ = run(.change(.set(long), of: "k"), on: &state, stamp: 2)
    let change = KeyValueChange.set(long, .givesOldValue)
    for client in 1...300 as ClosedRange<UInt64> {
      let step = KeyValueStep.once(change, of: "k", Self.once(client, 1))
      #expect(run(step, on: &state, stamp: client + 2) == .value(long))
    }
    let longest = pieces(of: state, limit: 64 * 1024).map(\.count).max() ?? 0
    #expect((300_000...500_000).contains(longest))
    // The first are forgotten, and say so.
    #expect(
      run(.once(change, of: "k", Self.once(1, 1, isRetry: true)), on: &state, stamp: 400)
        == .refused(.forgotten))
    #expect(
      run(.once(change, of: "k", Self.once(300, 1, isRetry: true)), on: &state, stamp: 401)
        == .value(long))
    #expect(rebuilt(state).digest == state.digest)
  }
}
