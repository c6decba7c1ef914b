import KeyValue
import Synod
import Testing

@Test func aLeaseHasOneHolderAndATokenThatRises() {
  var state = KeyValueState()
  func take(_ holder: Bytes, _ stamp: UInt64) -> KeyValueReply {
    run(.lease(.take(name: "l", holder: holder, milliseconds: 100)), on: &state, stamp: stamp)
  }
  #expect(take("a", 5) == .integer(5))
  #expect(take("b", 6) == .null)
  #expect(take("a", 7) == .integer(5), "taken again by its holder, it keeps its token")
  let stale = LeaseStep.release(name: "l", holder: "a", token: 4)
  #expect(run(.lease(stale), on: &state, stamp: 8) == .integer(0))
  let release = LeaseStep.release(name: "l", holder: "a", token: 5)
  #expect(run(.lease(release), on: &state, stamp: 9) == .integer(1))
  #expect(run(.lease(release), on: &state, stamp: 10) == .integer(0))
  #expect(take("b", 11) == .integer(11))
  let late = LeaseStep.refresh(name: "l", holder: "a", token: 5, milliseconds: 100)
  #expect(run(.lease(late), on: &state, stamp: 12) == .integer(0), "a holder that lost it")
}

@Test func anExpiryThatCameTooLateDoesNothing() {
  var state = KeyValueState()
  _ = run(.lease(.take(name: "l", holder: "a", milliseconds: 9)), on: &state, stamp: 1)
  let refresh = LeaseStep.refresh(name: "l", holder: "a", token: 1, milliseconds: 9)
  #expect(run(.lease(refresh), on: &state, stamp: 2) == .integer(1))
  #expect(
    run(.lease(.expire(name: "l", renewal: 1)), on: &state, stamp: 3) == .integer(0))
  #expect(state.lease("l")?.token == 1)
  #expect(run(.lease(.expire(name: "l", renewal: 2)), on: &state, stamp: 4) == .integer(1))
  #expect(state.lease("l") == nil)
}

@Test func aClockGivesWhatRanOutAndAgainUntilItEnded() {
  var clock = LeaseClock()
  clock.note(.begins(name: "a", renewal: 1, milliseconds: 100), now: Ticks(0))
  clock.note(.begins(name: "b", renewal: 2, milliseconds: 50), now: Ticks(10))
  #expect(clock.nextDeadline == Ticks(61))
  #expect(clock.expired(now: Ticks(60), retry: 20).isEmpty)
  #expect(clock.expired(now: Ticks(61), retry: 20) == [.expire(name: "b", renewal: 2)])
  #expect(clock.expired(now: Ticks(80), retry: 20).isEmpty)
  #expect(clock.expired(now: Ticks(81), retry: 20) == [.expire(name: "b", renewal: 2)])
  clock.note(.ended(name: "b"), now: Ticks(82))
  clock.note(.begins(name: "a", renewal: 3, milliseconds: 100), now: Ticks(90))
  #expect(clock.expired(now: Ticks(190), retry: 20).isEmpty, "it was refreshed")
  #expect(clock.expired(now: Ticks(191), retry: 20) == [.expire(name: "a", renewal: 3)])
  #expect(clock.count == 1)
}

@Test func aClockThatBeginsAnewGivesEveryLeaseItsWholeTime() {
  var state = KeyValueState()
  for number in 1...300 as ClosedRange<UInt64> {
    let take = LeaseStep.take(name: Bytes("\(number)"), holder: "h", milliseconds: number)
    _ = run(.lease(take), on: &state, stamp: number)
  }
  var clock = LeaseClock(of: state, now: Ticks(1000))
  var ended = 0
  for now in 1000...1301 as ClosedRange<UInt64> {
    for step in clock.expired(now: Ticks(now), retry: 1000) {
      ended += 1
      #expect(state.lease(step.name)?.time == now - 1001)
    }
  }
  #expect(ended == 300)
}

@Test func leasesThatAreRefreshedOftenFillNoMemory() {
  var clock = LeaseClock()
  for now in 0..<10_000 as Range<UInt64> {
    clock.note(.begins(name: "l", renewal: now, milliseconds: 1 << 20), now: Ticks(now))
  }
  #expect(clock.count == 1)
  #expect(clock.nextDeadline.map { $0 > Ticks(1 << 20) } ?? false, "old deadlines are dropped")
}

/// A holder trusts it until its own clock says that its time is over, which may be slower than this one.
@Test func aLeaseEndsLaterByWhatClocksMayDiffer() {
  var clock = LeaseClock()
  clock.note(.begins(name: "a", renewal: 1, milliseconds: 1_000_000), now: Ticks(0))
  #expect(clock.expired(now: Ticks(1_001_000), retry: 20).isEmpty)
  #expect(clock.expired(now: Ticks(1_002_000), retry: 20).count == 1)
}
