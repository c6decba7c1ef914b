internal import Synod

/// What an acceptor has granted its leader: to let nobody else lead for a time (rules 44, 45).
struct Grants: Hashable, Sendable {
  /// To whom, and until when.
  var holder = VoterID.none
  var until = Ticks(0)
  /// The longest that may be granted, recorded before any is; and the batch of that record.
  var longest: UInt64 = 0
  var batch = PersistBatch.none
  /// Longest that an earlier life may have granted.
  var earlier: UInt64 = 0
  /// Until then nobody is followed: a grant of an earlier life may live.
  var guardUntil = Ticks(0)
  var isGuarding = false
}

extension Core {
  /// Has durable, before any, how long grants may be.
  mutating func startGrants() {
    grants.earlier = grants.longest
    grants.isGuarding = grants.earlier > 0
    guard let duration = settings.leaseDuration, duration > grants.longest else { return }
    grants.longest = duration
    grants.batch = outbox.record(.grants(duration))
  }

  /// At the first tick: grants do not survive a restart, so everyone is refused for as long as the
  /// longest could live. The one that it was given to is no exception (rule 45).
  mutating func beginGuard() {
    if grants.isGuarding { grants.guardUntil = now.advanced(by: grants.earlier) }
  }

  /// Whether a grant of an earlier life may live.
  var isGuarded: Bool { grants.isGuarding && !(hasTicked && grants.guardUntil <= now) }

  /// Whether a ballot of this voter may be promised and accepted now.
  mutating func mayFollow(_ voter: VoterID) -> Bool {
    if isGuarded { return false }
    grants.isGuarding = false
    return grants.holder == voter || grants.holder == .none || grants.until <= now
  }

  /// Lets nobody else lead for a while. A promise given before counts from when it is queued, so
  /// whoever is granted to is the one whose ballot is promised.
  mutating func grant(_ voter: VoterID) {
    guard let duration = settings.leaseDuration, isVoter, grants.batch <= outbox.durable else {
      return
    }
    grants.holder = voter
    grants.until = now.advanced(by: min(duration, grants.longest))
  }

  /// How long a grant may be trusted, from when the heartbeat was sent.
  var trust: UInt64? {
    guard let duration = settings.leaseDuration else { return nil }
    let million: UInt64 = 1_000_000
    let kept = duration * (million - settings.clockRateError) / (million + settings.clockRateError)
    return kept > settings.leaseMargin ? kept - settings.leaseMargin : nil
  }
}
