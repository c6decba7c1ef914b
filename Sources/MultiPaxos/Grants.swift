internal import Synod

/// What an acceptor has granted its leader: to let nobody else lead for a time (rules 44, 45).
struct Grants: Hashable, Sendable {
  /// To whom, and until when.
  var holder = VoterID.none
  var until = Ticks(0)
  /// Granted for so many ticks, which count from the next reading of the clock on: what granted it
  /// was handled in a turn whose clock may have been read before it was sent.
  var uncounted: UInt64?
  /// In which of its rounds of heartbeats, the newest that it was granted in at this ballot.
  var round: UInt64 = 0
  var ballot = Ballot.zero
  /// The longest that may be granted, recorded before any is; and the batch of that record.
  var longest: UInt64 = 0
  var batch = PersistBatch.none
  /// Longest that an earlier life may have granted.
  var earlier: UInt64 = 0
  /// Until then nobody is followed: a grant of an earlier life may live.
  var guardUntil = Ticks(0)
  var isGuarding = false
  #if PlantedBugs
    /// To whom the first was given.
    var first = VoterID.none
  #endif
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

  /// At every reading of the clock: what was granted before it lasts from now on.
  mutating func countGrants() {
    guard let granted = grants.uncounted else { return }
    grants.uncounted = nil
    grants.until = now.advanced(by: granted)
  }

  /// Whether nobody but this voter is granted anything.
  func isFree(for voter: VoterID) -> Bool {
    grants.holder == voter || grants.holder == .none
      || grants.uncounted == nil && grants.until <= now
  }

  /// Whether a grant of an earlier life may live.
  var isGuarded: Bool {
    #if PlantedBugs
      if PlantedBug.has(.forgottenGrants) { return false }
    #endif
    return grants.isGuarding && !(hasTicked && grants.guardUntil <= now)
  }

  /// Whether a ballot of this voter may be promised and accepted now.
  mutating func mayFollow(_ voter: VoterID) -> Bool {
    if isGuarded { return false }
    grants.isGuarding = false
    return mayBreakGrant(as: voter)
  }

  /// Whether nothing that this life granted speaks against it.
  func mayBreakGrant(as voter: VoterID) -> Bool {
    #if PlantedBugs
      if PlantedBug.has(.exemptFirstLeader), voter == grants.first { return true }
    #endif
    return isFree(for: voter)
  }

  /// Lets nobody else lead for a while. A promise given before counts from when it is queued, so
  /// whoever is granted to is the one whose ballot is promised.
  /// - Parameter round: the leader's round of heartbeats that asks for it.
  /// - Returns: for how long, in ticks; zero where it grants nothing, which whoever asked must know.
  mutating func grant(_ voter: VoterID, in round: UInt64) -> UInt64 {
    guard let duration = settings.leaseDuration, isVoter, grants.batch <= outbox.durable,
      mayFollow(voter)
    else { return 0 }
    #if PlantedBugs
      if grants.first == .none { grants.first = voter }
    #endif
    grants.holder = voter
    // An older heartbeat may come later: what was granted in the newer one is trusted all the same.
    grants.round = grants.ballot == promised ? max(grants.round, round) : round
    grants.ballot = promised
    let granted = min(duration, grants.longest)
    grants.uncounted = granted
    return granted
  }

  /// How long a grant of so many ticks may be trusted, from when the heartbeat was sent.
  func trust(in granted: UInt64) -> UInt64? {
    guard granted > 0, let own = settings.leaseDuration else { return nil }
    let duration = min(own, granted)
    let million: UInt64 = 1_000_000
    let kept = duration * (million - settings.clockRateError) / (million + settings.clockRateError)
    return kept > settings.leaseMargin ? kept - settings.leaseMargin : nil
  }
}
