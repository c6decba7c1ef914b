import Synod
import SynodSimulation
import Testing

/// What the witness check says of histories that a person can judge.
@Suite struct CheckersWitnessTests {
  typealias Check = WitnessCheck<KeyValueModel, UInt64>

  private let check = Check(KeyValueModel(), initial: 0)

  /// A write of `value` as `version`.
  private func set(
    _ value: Int64, _ version: UInt64?, _ invoked: UInt64, _ returned: UInt64?
  ) -> Check.Witnessed {
    let answer: KeyValueOperation.Answer = version == nil ? .unknown : .done
    return Check.Witnessed(
      TimedOperation(
        client: 1, operation: KeyValueOperation(.set(.number(value)), answer), invoked: invoked,
        returned: returned),
      version.map { Check.Sight(version: $0, state: .number(value), wrote: true) })
  }

  private func get(
    _ value: Int64?, _ version: UInt64, _ invoked: UInt64, _ returned: UInt64
  ) -> Check.Witnessed {
    let state = value.map { RecordedValue.number($0) }
    return Check.Witnessed(
      TimedOperation(
        client: 2, operation: KeyValueOperation(.get, .value(state)), invoked: invoked,
        returned: returned), Check.Sight(version: version, state: state, wrote: false))
  }

  private func increment(
    to sum: Int64, _ version: UInt64, _ invoked: UInt64, _ returned: UInt64
  ) -> Check.Witnessed {
    Check.Witnessed(
      TimedOperation(
        client: 3, operation: KeyValueOperation(.increment, .number(sum)), invoked: invoked,
        returned: returned), Check.Sight(version: version, state: .number(sum), wrote: true))
  }

  @Test func overlappingOperationsMayTakeEffectInEitherOrder() {
    #expect(check.check([set(1, 2, 10, 20), set(2, 1, 11, 19), get(1, 2, 15, 30)]) == .good)
  }

  @Test func oneVersionHasOneState() {
    #expect(check.check([set(1, 1, 10, 20), get(2, 1, 30, 40)]) == .violation(.twoStates(0, 1)))
  }

  @Test func oneVersionIsWrittenOnce() {
    #expect(check.check([set(1, 1, 10, 20), set(1, 1, 12, 30)]) == .violation(.twoWrites(0, 1)))
  }

  @Test func nothingIsSeenThatNobodyWrote() {
    #expect(check.check([get(1, 1, 10, 20)]) == .violation(.nobodyWrote(0)))
    #expect(check.check([get(1, 0, 10, 20)]) == .violation(.nobodyWrote(0)))
    #expect(check.check([set(1, nil, 30, nil), get(1, 1, 10, 20)]) == .violation(.nobodyWrote(1)))
    #expect(check.check([set(1, nil, 5, nil), get(1, 1, 10, 20)]) == .good)
    #expect(check.check([get(nil, 0, 10, 20)]) == .good)
  }

  @Test func oneLostWriteExplainsOneVersion() {
    let lost = set(1, nil, 5, nil)
    #expect(
      check.check([lost, get(1, 1, 10, 20), set(2, 2, 21, 22), get(1, 3, 30, 40)])
        == .violation(.nobodyWrote(3)))
  }

  @Test func aStateFollowsFromTheOneBefore() {
    #expect(
      check.check([set(4, 1, 10, 20), increment(to: 6, 2, 30, 40)]) == .violation(.contradiction(1))
    )
    #expect(check.check([set(4, 1, 10, 20), increment(to: 5, 2, 30, 40)]) == .good)
    // Something whose answer was lost may lie between them.
    #expect(
      check.check([set(4, 1, 10, 20), set(5, nil, 21, nil), increment(to: 6, 3, 30, 40)]) == .good)
  }

  @Test func nothingOlderIsSeenAfterSomethingNewer() {
    #expect(
      check.check([set(1, 1, 10, 20), set(2, 2, 30, 40), get(1, 1, 50, 60)])
        == .violation(.inversion(1, 2)))
    #expect(
      check.check([set(1, 1, 10, 20), set(2, 2, 30, 40), get(1, 1, 40, 60)]) == .good)
  }

  @Test func aLaterWriteHasANewerVersion() {
    #expect(check.check([set(1, 2, 10, 20), set(2, 1, 30, 40)]) == .violation(.inversion(0, 1)))
  }

  @Test func aWriteIsNotSeenBeforeItsCall() {
    #expect(check.check([get(1, 1, 10, 20), set(1, 1, 30, 40)]) == .violation(.inversion(0, 1)))
  }
}
