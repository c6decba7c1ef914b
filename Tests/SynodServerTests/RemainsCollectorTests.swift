import KeyValue
import Synod
import Testing

@testable import SynodServer

/// What is kept of keys that are missing is let go of when it has lain for a while.
@Suite struct RemainsCollectorTests {
  private func run(_ step: KeyValueStep, on state: inout KeyValueState, _ stamp: UInt64) {
    var events: [LeaseEvent] = []
    _ = state.apply(.one(step), stamp: stamp, events: &events)
  }

  /// Looks once at every part, and does what comes of it.
  private func pass(_ collector: inout RemainsCollector, _ state: inout KeyValueState) -> Int {
    var steps: [KeyValueStep] = []
    for _ in 0..<KeyValueState.partsOfRemains { steps += collector.next(in: state, after: 2) }
    for step in steps { run(step, on: &state, 9) }
    return steps.count
  }

  @Test func whatWasSeenOftenEnoughIsLetGoOf() {
    var state = KeyValueState()
    let empty = state.bytes
    let once = Once(Identity128(high: 1, low: 1), 1)
    let keys = (0..<500).map { Bytes("\($0)") }
    for key in keys { run(.once(.set("v"), of: key, once), on: &state, 1) }
    var collector = RemainsCollector()
    for _ in 0..<4 { #expect(pass(&collector, &state) == 0, "the keys are there") }
    run(.delete(keys), on: &state, 2)
    #expect(pass(&collector, &state) == 0)
    #expect(pass(&collector, &state) == 0)
    // One is used meanwhile: it begins anew.
    run(.once(.set("w"), of: keys[0], Once(Identity128(high: 1, low: 1), 2)), on: &state, 3)
    run(.delete([keys[0]]), on: &state, 4)
    #expect(pass(&collector, &state) > 0)
    #expect(state.bytes > empty)
    _ = pass(&collector, &state)
    _ = pass(&collector, &state)
    #expect(state.bytes == empty)
  }

  @Test func aCommandIsNoLongerThanALogTakes() {
    var state = KeyValueState()
    let keys = (0..<100).map { number in
      Bytes([UInt8](repeating: 65, count: 60_000) + Array("\(number)".utf8))
    }
    for key in keys {
      run(.once(.set(""), of: key, Once(Identity128(high: 1, low: 1), 1)), on: &state, 1)
    }
    run(.deleteAll, on: &state, 2)
    var collector = RemainsCollector()
    for _ in 0..<3 * KeyValueState.partsOfRemains {
      for step in collector.next(in: state, after: 2) {
        var writer = ByteWriter()
        step.encode(into: &writer)
        #expect(writer.count < 512 * 1024)
        run(step, on: &state, 3)
      }
    }
    #expect(state.bytes == 0)
  }
}
