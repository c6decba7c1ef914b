public import Synod

/// All of a machine that does not depend on what the application is: acceptor, leader, learner,
/// proposals. Commands are bytes to it.
@usableFromInline
struct Core: Hashable, Sendable {
  @usableFromInline var settings: Settings
  var outbox: Outbox
  var reservation: Reservation
  var random: SplitMix
  @usableFromInline var now = Ticks(0)
  @usableFromInline var stopped: Abandoned?
  /// Whether the first input has come: from then on nothing is restored.
  @usableFromInline var started = false
  var hasTicked = false
  /// With what the cluster began; nil until it is recorded.
  var begun: Schedule?
  /// Why this store is not to be used again.
  var gaveUp: GivenUp?
  /// Whether this store is one of those that the cluster began with.
  var isFounder = false

  // The acceptor.
  var promised = Ballot.zero
  /// The last batch with a promise or with entries.
  var logBatch = PersistBatch.none
  @usableFromInline var log = EntryLog()
  /// Whether some membership named this voter with this store: only then does it vote.
  var isVoter = false
  var grants = Grants()
  /// What other voters acknowledged to this process.
  var acknowledged: [Acknowledged] = []
  var retirement = Retirement()

  // The learner.
  @usableFromInline var state: Replicated
  /// All slots up to this one are known to be chosen, and this node holds them.
  @usableFromInline var chosenThrough = Slot.none
  /// All slots up to `through` are chosen, at ballots up to this one.
  var claim = Claim()
  /// The highest slot that somebody knows to be chosen.
  var knownChosen = Slot.none
  /// The last slot that a record says is chosen.
  var hinted = Slot.none
  /// The batch of that record.
  var hintBatch = PersistBatch.none
  @usableFromInline var catchUp = CatchUp()

  // The leader.
  @usableFromInline var role = Role.following
  /// Who sent the newest accept or heartbeat (strict, rule 39).
  @usableFromInline var leader: VoterID?
  /// When it last followed whom somebody named.
  var hintedAt: Ticks?
  /// The highest ballot seen (lax).
  var highestSeen = Ballot.zero
  var heardAt = Ticks(0)
  var electionAt = Ticks(0)
  var lead = Leadership()
  var probe = Probe()

  // Proposals.
  var pending = PendingTable()
  /// Numbers of those that are neither queued nor forwarded.
  var waiting = Queue<UInt64>()
  /// When a proposal wants to be looked at; may be too early, never too late.
  var pendingWake: Ticks?
  var ended: [Ended] = []
  @usableFromInline var notes: [Note] = []
  @usableFromInline var indexes = Indexes()
  var recovery = Recovery()
  var leaseTimers: [LeaseTimer] = []
  /// Those whose time counts from the next reading of the clock on.
  var freshTimers: [LeaseTimer] = []
  /// When one of them is over; may be too early, never too late.
  var leaseDue: Ticks?
  /// Leases that this node keeps, and when one of them is to be refreshed; may be too early.
  var kept: [KeptLease] = []
  var keepDue: Ticks?
  /// Bytes of applied entries that are kept.
  var retained = 0
  var keepers: [Keeper] = []
  var digests: [StateDigest] = []
  /// The last slot at which this node, leading, had states compared.
  var verified = Slot.none

  @usableFromInline var statistics = Statistics()

  init(_ settings: Settings) {
    self.settings = settings
    outbox = Outbox(voter: settings.voter)
    reservation = Reservation(block: settings.counterBlock)
    random = SplitMix(seed: settings.seed, voter: settings.voter)
    state = Replicated(settings.schedule)
  }

  /// A claim of a leader's (rule 13).
  struct Claim: Hashable, Sendable {
    var ballot = Ballot.zero
    var through = Slot.none
    /// Slots up to here were looked at.
    var marked = Slot.none
  }

  /// What the application is to be told, but for events.
  @usableFromInline
  enum Note: Hashable, Sendable {
    case leader(VoterID?)
    case membership(Membership, from: Slot)
    case leaseEnded(Bytes, Lease)
    case installed(Slot)
    case diverged(Slot)
    case retired(Slot)
    case rolledBack
  }

  var me: VoterID { settings.voter }
  @usableFromInline var applied: Slot { state.applied }

  /// Ends the restoring.
  @usableFromInline
  mutating func startIfNeeded() {
    guard !started else { return }
    started = true
    if let gaveUp { return stop(gaveUp.abandoned) }
    if begun == nil {
      if let problem = settings.startProblem { return stop(.cannotStart(problem)) }
      let schedule = settings.schedule
      begun = schedule
      isFounder = settings.mode == .bootstrap
      outbox.record(.begun(schedule, store: settings.store, isFounder: isFounder))
    }
    adopt()
    startGrants()
    reservation.request(in: &outbox)
    electionAt = now.advanced(by: electionDelay())
    if case .recover = settings.mode, !isVoter { askToRecover() }
  }

  /// Notes whether it is a voter.
  mutating func adopt() {
    if isStranger {
      let hasVoted = isVoter
      isVoter = false
      guard hasVoted, started, stopped == nil else { return }
      stop(.rolledBack)
      return notes.append(.rolledBack)
    }
    // Of the first voters no store is named: only a store that began with them is one of theirs.
    let isFirst = settings.configuration.place(of: me) != nil
    if isVoter { return }
    isVoter = state.schedule.items.contains { item in
      guard let member = item.membership.member(me), member.role == .voter else { return false }
      #if PlantedBugs
        if PlantedBug.has(.rejoinByName), member.store != nil { return true }
      #endif
      return member.store == nil ? isFirst == isFounder : member.store == settings.store
    }
  }

  /// Whether the log says that this identity is another store's: this one, which may have begun with it,
  /// was made after that was lost, and forgot what it had promised.
  private var isStranger: Bool {
    #if PlantedBugs
      if PlantedBug.has(.rejoinByName) { return false }
    #endif
    return state.schedule.items.contains {
      guard let member = $0.membership.member(me), member.role == .voter else { return false }
      return member.store != nil && member.store != settings.store
    }
  }

  mutating func electionDelay() -> UInt64 {
    settings.electionTimeout + random.next() % settings.electionTimeout
  }

  @usableFromInline
  mutating func tick(to time: Ticks) {
    now = max(now, time)
    countGrants()
    if !hasTicked {
      hasTicked = true
      electionAt = now.advanced(by: electionDelay())
      beginGuard()
      restartTimers()
      if isVoter { outbox.send(.returned, to: .peers) }
      noteRetirement()
    }
    countTimers()
    guard let wake = nextWake, wake <= now else { return }
    if role == .leading { tickLeader() } else if electionAt <= now { missLeader() }
    if role == .preparing, lead.retransmitAt <= now { askForPromises() }
    if let due = catchUp.due, due <= now { askForEntries() }
    if let due = pendingWake, due <= now { lookAtPending() }
    if let due = indexes.retryAt, due <= now { indexes.forget() }
    if let due = retirement.due, due <= now { askKnown() }
    if let due = recovery.due, due <= now { askToRecover() }
    endLeases()
    refreshLeases()
    // What was asked of its own voter again relied on nothing that is not durable.
    countOwnVotes()
  }

  /// When it next needs to be told the time.
  @usableFromInline
  var nextWake: Ticks? {
    var wake = role == .leading ? leaderWake : electionAt
    if role == .preparing { wake = min(wake, lead.retransmitAt) }
    if let due = catchUp.due { wake = min(wake, due) }
    if let due = pendingWake { wake = min(wake, due) }
    if let due = indexes.retryAt { wake = min(wake, due) }
    if let due = retirement.due { wake = min(wake, due) }
    if let due = recovery.due { wake = min(wake, due) }
    if let due = leaseWake { wake = min(wake, due) }
    if let keepDue { wake = min(wake, keepDue) }
    return wake
  }

  /// - Returns: whether that is news.
  @usableFromInline
  mutating func persisted(through batch: PersistBatch) -> Bool {
    guard batch <= outbox.issued else {
      stop(.machineStopped)
      return true
    }
    guard batch > outbox.durable else { return false }
    outbox.persisted(through: batch)
    if reservation.persisted(through: outbox.durable) { reservation.request(in: &outbox) }
    countOwnVotes()
    return true
  }

  /// This node's own votes count when they are durable.
  mutating func countOwnVotes() {
    while !outbox.own.isEmpty {
      let votes = outbox.own
      outbox.own.removeAll(keepingCapacity: true)
      for vote in votes { receive(vote, from: me) }
    }
  }

  @usableFromInline
  mutating func stop(_ reason: Abandoned) {
    guard stopped == nil else { return }
    stopped = reason
    started = true
    for number in pending.numbers { end(number, because: reason) }
    if let transfer = lead.transfer, let id = transfer.proposal {
      ended.append(Ended(proposal: id, outcome: .unknown(reason)))
    }
    waiting.removeAll()
    outbox.discard()
    notes.removeAll()
    lead = Leadership()
    role = .following
    leader = nil
    catchUp = CatchUp()
  }

  /// Takes a ballot of another's for as high as it is.
  mutating func see(_ ballot: Ballot) {
    highestSeen = max(highestSeen, ballot)
    reservation.raise(to: ballot)
  }

  @usableFromInline
  mutating func receive(_ message: Message, from sender: VoterID) {
    guard isPlausible(message) else { return }
    switch message {
    case .probe(let round, let chosen): receiveProbe(round, chosen, from: sender)
    case .probed(let round, let misses, let promised):
      receiveProbed(round, misses, promised, from: sender)
    case .prepare(let ballot, let from): receivePrepare(ballot, from, from: sender)
    case .promise(let promise): receivePromise(promise, from: sender)
    case .refused(let ballot, let promised): receiveRefused(ballot, promised, from: sender)
    case .accept(let accept): receiveAccept(accept, from: sender)
    case .accepted(let ballot, let first, let last):
      receiveAccepted(ballot, first, last, from: sender)
    case .heartbeat(let ballot, let chosen, let round):
      receiveHeartbeat(ballot, chosen, round, from: sender)
    case .echo(let ballot, let round, let applied, let granted):
      receiveEcho(ballot, round, applied, granted, from: sender)
    case .fetch(let from): receiveFetch(from, from: sender)
    case .entries(let first, let entries, let chosen):
      receiveEntries(first, entries, chosen, from: sender)
    case .compacted(let through): receiveCompacted(through, from: sender)
    case .forward(let entries): receiveForward(entries, from: sender)
    case .notLeading(let hint): receiveNotLeading(hint, from: sender)
    case .askIndex(let round): receiveAskIndex(round, from: sender)
    case .index(let round, let slot): receiveIndex(round, slot)
    case .takeOver(let ballot, let round): receiveTakeOver(ballot, round, from: sender)
    case .release(let ballot, let round): receiveRelease(ballot, round, from: sender)
    case .digest(let slot, let digest): receiveDigest(slot, digest, from: sender)
    case .diverged(let slot): receiveDiverged(slot, from: sender)
    case .returned: remind(sender)
    case .acknowledged(let promised, let slot): receiveAcknowledged(promised, slot)
    case .askKnown: receiveAskKnown(from: sender)
    case .known(let slot): receiveKnown(slot, from: sender)
    case .fetchPiece, .piece: break
    }
  }

  /// Who leads, as far as this node knows, has changed.
  mutating func setLeader(_ voter: VoterID?) {
    guard leader != voter else { return }
    leader = voter
    notes.append(.leader(voter))
    indexes.forget()
    takeBackForwarded()
  }
}

extension Settings {
  /// That of the cluster's first slot.
  var schedule: Schedule {
    Schedule(Membership(configuration, addresses: addresses), window: window)
  }
}

/// What a machine has done since it was made.
public struct Statistics: Sendable {
  /// Entries applied.
  public var applied: UInt64 = 0
  /// Of those, fillers.
  public var fillers: UInt64 = 0
  /// Entries that stood in the log a second time, and were not applied again.
  public var repeated: UInt64 = 0
  /// Times that this node stood for leader, and was made leader.
  public var candidacies: UInt64 = 0
  /// Times that it was made leader.
  public var elections: UInt64 = 0
  /// Entries sent again.
  public var retransmissions: UInt64 = 0
  /// Rounds of heartbeats.
  public var heartbeats: UInt64 = 0
  /// Entries learned from others by asking.
  public var fetched: UInt64 = 0
  /// Snapshots installed.
  public var installed: UInt64 = 0

  /// All zero.
  public init() {}
}

/// Figures are not part of a machine's state.
extension Statistics: Hashable {
  /// Always.
  public static func == (a: Statistics, b: Statistics) -> Bool { true }
  /// Feeds nothing.
  public func hash(into hasher: inout Hasher) {}
}
