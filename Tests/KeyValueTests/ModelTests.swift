import Synod
import Testing

@testable import KeyValue

@Test(arguments: 1...40 as ClosedRange<UInt64>)
func aStateDoesWhatAPlainDictionaryDoes(_ seed: UInt64) {
  var commands = RandomCommands(seed: seed)
  var state = KeyValueState()
  var model = NaiveStore()
  let limits = KeyValueLimits(maxSessions: 2)
  var events: [LeaseEvent] = []
  _ = state.apply(.one(.configure(limits, seed: seed)), stamp: 1, events: &events)
  _ = model.apply(.one(.configure(limits, seed: seed)), stamp: 1)
  var held: [Bytes: UInt64] = [:]
  for stamp in 2...800 as ClosedRange<UInt64> {
    let command = commands.command()
    if let answer = state.answer(command) {
      var copy = model
      #expect(answer == copy.apply(command, stamp: stamp))
    }
    let outcome = state.apply(command, stamp: stamp, events: &events)
    #expect(outcome == model.apply(command, stamp: stamp), "\(command)")
    commands.note(outcome, stamp: stamp)
    for event in events {
      switch event {
      case .begins(let name, let renewal, _): held[name] = renewal
      case .ended(let name): held[name] = nil
      }
    }
    events = []
  }
  #expect(state.count == model.keys.count)
  for (key, value) in model.keys {
    #expect(state.value(of: key)?.array == value.value)
    #expect(state.version(of: key) == value.version)
  }
  for (name, lease) in model.leases { #expect(state.lease(name) == lease) }
  #expect(held == model.leases.mapValues(\.renewal))
  #expect(state.digest == rebuilt(state).digest)
  #expect(state.bytes == rebuilt(state).bytes)
}

/// The same contents, entered anew.
func rebuilt(_ state: KeyValueState) -> KeyValueState {
  var other = KeyValueState()
  for piece in pieces(of: state, limit: 100) {
    do { try other.restore(piece) } catch { Issue.record("\(error)") }
  }
  return other
}

func pieces(of state: KeyValueState, limit: Int) -> [Bytes] {
  var pieces: [Bytes] = []
  var cursor: KeyValueState.Cursor?
  repeat {
    cursor = state.snapshot(after: cursor, limit: limit, into: &pieces)
  } while cursor != nil
  return pieces
}

/// Takes one step and gives its reply.
func run(_ step: KeyValueStep, on state: inout KeyValueState, stamp: UInt64) -> KeyValueReply {
  var events: [LeaseEvent] = []
  guard case .one(let reply) = state.apply(.one(step), stamp: stamp, events: &events) else {
    Issue.record("one step gives one reply")
    return .null
  }
  return reply
}

@Test func aMissingGuardStopsEveryStep() {
  var state = KeyValueState()
  var events: [LeaseEvent] = []
  #expect(run(.change(.set("1"), of: "a"), on: &state, stamp: 5) == .ok)
  let steps: [KeyValueStep] = [.change(.add(1), of: "a"), .change(.set("x"), of: "b")]
  let before = state.digest
  for guards in [
    [KeyValueGuard("a", version: 4)], [.init("a", version: 5), .init("b", version: 1)],
  ] {
    let outcome = state.apply(.several(steps, guards: guards), stamp: 6, events: &events)
    #expect(outcome == .guardFailed)
    #expect(state.digest == before)
  }
  let held = [KeyValueGuard("a", version: 5), KeyValueGuard("b", version: 0)]
  #expect(
    state.apply(.several(steps, guards: held), stamp: 7, events: &events)
      == .several([.integer(2), .ok]))
}

@Test func aKeyThatWasMadeAnewHasAnotherVersion() {
  var state = KeyValueState()
  _ = run(.change(.set("v"), of: "k"), on: &state, stamp: 1)
  _ = run(.change(.delete, of: "k"), on: &state, stamp: 2)
  #expect(state.version(of: "k") == 0)
  _ = run(.change(.set("v"), of: "k"), on: &state, stamp: 3)
  #expect(state.version(of: "k") == 3)
}

@Test func whatIsOverALimitIsRefusedWhole() {
  var state = KeyValueState()
  _ = run(.configure(KeyValueLimits(maxValue: 4, maxBytes: 300), seed: 1), on: &state, stamp: 1)
  #expect(
    run(.change(.set("12345"), of: "a"), on: &state, stamp: 2)
      == .refused(.tooLarge(size: 5, limit: 4)))
  #expect(run(.change(.set("1234"), of: "a"), on: &state, stamp: 3) == .ok)
  #expect(
    run(.change(.append("5"), of: "a"), on: &state, stamp: 4)
      == .refused(.tooLarge(size: 5, limit: 4)))
  let pairs = [KeyValuePair("b", "1"), KeyValuePair("c", "2"), KeyValuePair("d", "3")]
  let before = state.digest
  #expect(run(.set(pairs), on: &state, stamp: 5) == .refused(.full(limit: 300)))
  #expect(state.digest == before)
  #expect(run(.set(Array(pairs.prefix(2))), on: &state, stamp: 6) == .ok)
  #expect(run(.change(.set("x"), of: "e"), on: &state, stamp: 7) == .refused(.full(limit: 300)))
  // What does not add to it is taken, and what takes away makes room.
  #expect(run(.change(.set("0"), of: "b"), on: &state, stamp: 8) == .ok)
  #expect(run(.delete(["c"]), on: &state, stamp: 9) == .integer(1))
  #expect(run(.change(.set("x"), of: "e"), on: &state, stamp: 10) == .ok)
}

@Test func aListHoldsEveryKeyOnce() {
  var state = KeyValueState()
  _ = run(.configure(KeyValueLimits(), seed: 77), on: &state, stamp: 1)
  let all = Set((0..<3000).map { Bytes("key \($0)") })
  for key in all { _ = run(.change(.set("v"), of: key), on: &state, stamp: 2) }
  for limit in [1, 7, 1000, 100_000] {
    var found: [Bytes] = []
    var after: UInt64?
    repeat {
      let page = state.list(after: after, limit: limit)
      found += page.keys
      after = page.through == .max ? nil : page.through
    } while after != nil
    #expect(found.count == 3000)
    #expect(Set(found) == all)
  }
  #expect(state.list(after: .max >> 1, limit: 5).keys.isEmpty)
  #expect(state.list(after: .max, limit: 5).through == .max)
}

@Test func everyKeyIsDeletedAtOnce() {
  var state = KeyValueState()
  _ = run(.lease(.take(name: "l", holder: "h", milliseconds: 5)), on: &state, stamp: 1)
  var kept = KeyValueState()
  _ = run(.lease(.take(name: "l", holder: "h", milliseconds: 5)), on: &kept, stamp: 1)
  for number in 0..<500 {
    _ = run(.change(.set("v"), of: Bytes("\(number)")), on: &state, stamp: 2)
    let once = Once(Identity128(high: 1, low: 1), 1)
    let key = Bytes("n\(number)")
    for one in [0, 1] {
      _ =
        one == 0
        ? run(.once(.add(1), of: key, once), on: &state, stamp: 3)
        : run(.once(.add(1), of: key, once), on: &kept, stamp: 3)
    }
    _ = run(.delete([key]), on: &kept, stamp: 4)
  }
  #expect(run(.deleteAll, on: &state, stamp: 4) == .ok)
  #expect(state.count == 0)
  // Leases stay, and what is known of changes that were made once.
  #expect((state.digest, state.bytes) == (kept.digest, kept.bytes))
  #expect(state.digest == rebuilt(state).digest)
  #expect(run(.lease(.get(name: "l")), on: &state, stamp: 5) != .null)
}

@Test func aSeedThatComesLateMovesWhatIsThere() {
  var state = KeyValueState()
  var other = KeyValueState()
  let steps: [KeyValueStep] = [
    .change(.set("1"), of: "a"), .change(.set("2"), of: "b"),
    .lease(.take(name: "l", holder: "h", milliseconds: 5)),
    .once(.add(1), of: "n", Once(Identity128(high: 1, low: 1), 1)),
  ]
  for (index, step) in steps.enumerated() {
    _ = run(step, on: &state, stamp: UInt64(index + 1))
  }
  _ = run(.configure(KeyValueLimits(), seed: 5), on: &state, stamp: 9)
  _ = run(.configure(KeyValueLimits(), seed: 5), on: &other, stamp: 9)
  for (index, step) in steps.enumerated() {
    _ = run(step, on: &other, stamp: UInt64(index + 1))
  }
  #expect(state.digest == other.digest)
  #expect(state.list(after: nil, limit: 9) == other.list(after: nil, limit: 9))
  #expect(state.value(of: "b") == "2" && state.lease("l") != nil)
  let before = state.digest
  _ = run(.configure(KeyValueLimits(), seed: 6), on: &state, stamp: 10)
  #expect(state.digest == before, "there is one seed for a state's whole life")
}
