internal import Synod

/// How long a round trip takes of late: a moving average of the time from sending to a quorum's
/// answers.
///
/// The time that rivals leave each other is many trips long, so one event must not count for much: a
/// partition, a pause or a full disk holds up all rounds that are open then, and says little of the
/// next. So samples do not overlap in time: what was sent before the last one came says nothing, and
/// one that took far longer than the others does not count in full. A few quick ones are believed.
struct Trips: Hashable, Sendable {
  /// Eight times the average, in ticks.
  private(set) var eightfold: UInt64 = 8
  /// When the last sample came.
  private(set) var measuredAt = Ticks(0)

  /// The average, in ticks; at least one.
  var average: UInt64 { max(eightfold / 8, 1) }

  /// Takes a sample.
  /// - Parameters:
  ///   - slack: by how much a trip may be longer for no reason, in ticks.
  ///   - isBound: the trip would have taken no less, and perhaps more.
  mutating func measure(from sent: Ticks, to now: Ticks, slack: UInt64, isBound: Bool) {
    let time = now.rawValue - sent.rawValue
    guard sent >= measuredAt, time >= average || !isBound else { return }
    measuredAt = now
    if time < average {
      eightfold -= (eightfold - 8 * time) / 4
    } else {
      eightfold = eightfold - eightfold / 8 + min(time, 4 * average + slack, 1 << 20)
    }
  }
}
