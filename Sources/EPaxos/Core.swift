internal import Synod

/// All of a machine that does not depend on what the application is: owner, acceptor, recoverer,
/// learner. Commands are bytes to it, with a footprint.
struct Core: Hashable, Sendable {
  var settings: Settings
  let reading: FootprintReading
  var outbox: Outbox
  var reservation: Reservation
  var random: SplitMix
  var now = Ticks(0)
  var stopped: Abandoned?
  /// Whether the first input has come: from then on nothing is restored.
  var started = false
  var hasTicked = false
  /// With what this store began; nil until it is recorded.
  var begun: Configuration?

  // The members.
  var membership: Membership
  /// Who votes in this epoch, as far as this node knows; of a node that joins, whom it asks.
  var electorate: Electorate
  /// The change that began this epoch; nil for the first.
  var began: InstanceID?
  /// Nil where nobody needs it any more.
  var past: Past?
  /// Whether this node has the state of any epoch: who joins has none at first, and takes part in nothing.
  var hasState: Bool
  /// Whether it had none when its store began.
  var hasJoined: Bool
  /// Up to this, records say which epoch this node is in.
  var recordedEpoch: Epoch?
  /// The batch that says so.
  var enteredIn = PersistBatch.none
  var promotions = Promotions()

  // What is known.
  var table = InstanceTable()
  var index = InterferenceIndex()
  var graph = ExecutionGraph()
  /// Decided, and not known to be durably so.
  var undurable = Queue<Decided>()
  /// Instances executed, in all lives of this state.
  var executed: UInt64 = 0

  // What is under way.
  var attempts: [InstanceID: Attempt] = [:]
  var timers = TimerHeap()
  /// Of those, the ones that wait for others, ascending.
  var waitingIDs: [InstanceID] = []
  /// How many hold an instance unchanged, by a recovery of it that waits.
  var waitingHeard: [InstanceID: Int] = [:]
  /// The highest counters of ballots that recoveries of this node's met.
  var refusals: [InstanceID: UInt64] = [:]
  var allRecoveries = 0
  /// Those that are at work: what one waits for must be recovered, too, however many wait (rule 23).
  var recoveries: Int { allRecoveries - waitingIDs.count }
  var scan = Scan()
  var barriers = Barriers()
  var catchUp = CatchUp()
  var telling = Telling()

  // Proposals.
  var pending = PendingTable()
  /// Numbers of those that no instance is to decide yet.
  var waiting = Queue<UInt64>()
  /// Whether they wait for what is older than they are, and was decided.
  var isYielding = false
  /// What own instances of this life that are not executed are to decide.
  var own: [InstanceID: [UInt64]] = [:]
  /// When a proposal wants to be looked at; may be too early, never too late.
  var pendingWake: Ticks?
  var ended: [Ended] = []
  /// Changes of the voters that were executed, and are yet to be told of.
  var changed: [Changed] = []

  var statistics = Statistics()

  init(_ settings: Settings, _ reading: FootprintReading) {
    self.settings = settings
    self.reading = reading
    outbox = Outbox(voter: settings.voter)
    reservation = Reservation(longest: settings.numberBlock)
    random = SplitMix(seed: settings.seed, voter: settings.voter)
    membership = Membership(settings.configuration, addresses: settings.addresses)
    hasState = settings.mode != .join
    hasJoined = !hasState
    electorate = Electorate(settings.configuration, me: hasState ? settings.voter : .none)
    if hasState { table = InstanceTable(settings.configuration) }
  }

  struct Decided: Hashable, Sendable {
    var id: InstanceID
    var batch: PersistBatch
  }

  struct Changed: Hashable, Sendable {
    /// Of the proposal.
    var number: UInt64
    var members: Membership
  }

  var me: VoterID { settings.voter }
  var ownRow: Row { Row(epoch: epoch, owner: me) }

  /// Ends the restoring.
  mutating func startIfNeeded() {
    guard !started else { return }
    started = true
    if begun == nil {
      if settings.mode == .resume { return stop(.blankStore) }
      if hasState, !isVoter { return stop(.notAMember) }
      begun = settings.configuration
      recordedEpoch = hasState ? epoch : nil
      outbox.record(.begun(settings.configuration, store: settings.store, joins: hasJoined))
    }
    guard hasState else { return }
    enter()
    guard isVoter else { return table.hasNews = true }
    // What an earlier life reserved and nobody has heard of is found void now, not when others wait
    // for it.
    table.see(ownRow, through: reservation.inherited)
    // It may have left, and its record not have become durable (rule 28). Recovery relies on an owner to
    // put nothing beside what it proposed before (V2, W3): so all of this life comes behind it.
    if reservation.inherited > 0, !forgetsProposals {
      index.insert(InstanceID(row: ownRow, number: reservation.inherited), .barrier)
    }
    if barriers.last != nil { barriers.resendAt = now }
    table.hasNews = true
  }

  private var forgetsProposals: Bool {
    #if PlantedBugs
      if PlantedBug.has(.forgottenProposal) { return true }
    #endif
    return false
  }

  /// So many ticks, and up to half as many more.
  mutating func jittered(_ ticks: UInt64) -> Ticks {
    now.advanced(by: ticks + random.next() % (ticks / 2 + 1))
  }

  mutating func tick(to time: Ticks) {
    now = max(now, time)
    hasTicked = true
    while let timer = timers.first, timer.at <= now {
      timers.removeFirst()
      look(at: timer.id, by: timer.at)
    }
    if let due = scan.dueAt, due <= now { scanForUndecided() }
    if let due = pendingWake, due <= now { lookAtPending() }
    if let due = barriers.resendAt, due <= now { tellOfBarrier() }
    if let due = catchUp.dueAt, due <= now { askForPiece() }
    if let due = telling.dueAt, due <= now { tell() }
    if !hasState { askForState() }
    if scan.dueAt == nil, hasUndecided { scan.dueAt = now.advanced(by: scanEvery) }
  }

  /// When it next needs to be told the time.
  var nextWake: Ticks? {
    var wake = timers.first?.at
    func add(_ due: Ticks?) {
      if let due { wake = min(wake ?? due, due) }
    }
    add(scan.dueAt ?? (hasUndecided ? now.advanced(by: scanEvery) : nil))
    add(pendingWake)
    add(barriers.resendAt)
    add(catchUp.dueAt)
    add(telling.dueAt)
    if let due = promotionWake, due > now { add(due) }
    return wake
  }

  /// - Returns: whether that is news.
  mutating func persisted(through batch: PersistBatch) -> Bool {
    guard batch <= outbox.issued else {
      stop(.machineStopped)
      return true
    }
    guard batch > outbox.durable else { return false }
    outbox.persisted(through: batch)
    reservation.persisted(through: outbox.durable)
    if isVoter { reservation.request(ownRow, in: &outbox) }
    while let first = undurable.first, first.batch <= outbox.durable {
      undurable.removeFirst()
      release(first.id)
    }
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

  mutating func stop(_ reason: Abandoned) {
    guard stopped == nil else { return }
    stopped = reason
    started = true
    waiting.removeAll()
    for number in pending.numbers { end(number, because: reason) }
    own.removeAll()
    attempts.removeAll()
    waitingIDs.removeAll()
    timers.removeAll()
    outbox.discard()
  }

  mutating func receive(_ message: Message, from sender: VoterID) {
    if case .standing(let standing, let asks) = message {
      return receiveStanding(standing, asks, from: sender)
    }
    if case .fetch(let ids) = message { return receiveFetch(ids, from: sender) }
    if let id = message.instance, id.row.epoch != epoch {
      return receive(message, of: id, fromAnotherEpoch: sender)
    }
    let voter = electorate.configuration.place(of: sender)
    if case .executed(let barrier, let asks) = message {
      return receiveExecuted(barrier, asks, from: sender, at: voter)
    }
    guard let place = voter else { return }
    switch message {
    case .preAccept(let id, let value): receivePreAccept(id, value, from: sender)
    case .preAccepted(let id, let dep): receivePreAccepted(id, dep, from: place)
    case .accept(let ballot, let id, let value): receiveAccept(ballot, id, value, from: sender)
    case .accepted(let ballot, let id): receiveAccepted(ballot, id, from: place)
    case .commit(let committed): receiveCommit(committed)
    case .recover(let ballot, let id): receiveRecover(ballot, id, from: sender)
    case .holding(let ballot, let id, let holding):
      receiveHolding(ballot, id, holding, from: place)
    case .refused(let ballot, let id, let promised): receiveRefused(ballot, id, promised)
    case .validate(let ballot, let id, let value):
      receiveValidate(ballot, id, value, from: sender)
    case .validated(let ballot, let id, let objections):
      receiveValidated(ballot, id, objections, from: place)
    case .waiting(let id, let unchanged): receiveWaiting(id, unchanged)
    case .standing, .executed, .fetch, .fetchPiece, .piece: break
    }
  }
}

/// Who votes on the instances of an epoch.
struct Electorate: Hashable, Sendable {
  let configuration: Configuration
  let thresholds: Thresholds
  /// This node's place among the voters; nil where it is none.
  let place: Int?

  init(_ configuration: Configuration, me: VoterID) {
    self.configuration = configuration
    thresholds = Thresholds(voters: configuration.voters.count)
    place = configuration.place(of: me)
  }

  /// How many voters after another, in their circle, this node comes.
  func distance(from owner: VoterID) -> UInt64 {
    let count = configuration.voters.count
    guard let place, let other = configuration.place(of: owner) else { return 0 }
    return UInt64((place - other + count) % count)
  }
}

/// What a machine has done since it was made.
public struct Statistics: Sendable {
  /// Instances executed; of those, void ones.
  public var executed: UInt64 = 0
  /// Of those, void ones.
  public var nops: UInt64 = 0
  /// Own instances that were decided in one round trip, and in two.
  public var fast: UInt64 = 0
  /// Own instances that took two.
  public var slow: UInt64 = 0
  /// Proposals that were sent again in another instance, since theirs became void.
  public var resubmitted: UInt64 = 0
  /// Messages sent again.
  public var retransmissions: UInt64 = 0
  /// Recoveries begun.
  public var recoveries: UInt64 = 0
  /// Decisions learned from others by asking.
  public var fetched: UInt64 = 0
  /// Snapshots installed.
  public var installed: UInt64 = 0
  /// Instances forgotten.
  public var truncated: UInt64 = 0
  /// How often each row of recovery's tables was taken: R1 to R5.
  public var recoveryRows: [UInt64] = [0, 0, 0, 0, 0]
  /// V1 to V3.
  public var validationRows: [UInt64] = [0, 0, 0]
  /// W1 to W4.
  public var waitingRows: [UInt64] = [0, 0, 0, 0]

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
