import KeyValue
import Synod
import UV

/// The time of a lease begins with a reading of the clock that is younger than what told of it. The loop
/// reads it once a turn: the process may have stood still in the middle of one, and what waits in a
/// socket when it goes on is younger than that reading.
extension LeaseClock {
  /// One that begins the time of every lease of a state anew.
  init(of state: KeyValueState, by loop: Loop) {
    loop.refreshNow()
    self.init(of: state, now: Ticks(loop.now))
  }

  /// Takes what became of leases.
  mutating func note(_ events: [LeaseEvent], by loop: Loop) {
    // Most commands touch none.
    guard !events.isEmpty else { return }
    loop.refreshNow()
    let now = Ticks(loop.now)
    for event in events { note(event, now: now) }
  }
}
