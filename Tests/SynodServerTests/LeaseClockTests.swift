import Glibc
import KeyValue
import Synod
import Testing
import UV

@testable import SynodServer

/// A node may stand still in the middle of a turn, whose clock was read before; and a lease may be asked
/// for, and given, meanwhile.
@Suite struct LeaseClockTests {
  /// A loop that read its clock, and stood still since.
  func stoodStill() throws -> (loop: Loop, now: UInt64) {
    let loop = try Loop()
    let early = loop.now
    usleep(20_000)
    #expect(loop.now == early, "the clock is read once a turn")
    return (loop, early + 20)
  }

  @Test func aLeaseThatWasGivenWhileANodeStoodStillHasItsWholeTime() throws {
    let (loop, now) = try stoodStill()
    var clock = LeaseClock()
    clock.note([.begins(name: "l", renewal: 1, milliseconds: 100)], by: loop)
    let deadline = try #require(clock.nextDeadline)
    #expect(deadline >= Ticks(now + 100))
  }

  @Test func theLeasesOfASnapshotThatWasTakenOverHaveTheirWholeTime() throws {
    let (loop, now) = try stoodStill()
    var (state, events) = (KeyValueState(), [LeaseEvent]())
    let take = LeaseStep.take(name: "l", holder: "h", milliseconds: 100)
    _ = state.apply(.one(.lease(take)), stamp: 1, events: &events)
    let clock = LeaseClock(of: state, by: loop)
    let deadline = try #require(clock.nextDeadline)
    #expect(deadline >= Ticks(now + 100))
  }
}
