public import Synod

/// All of a machine that does not depend on what its changes are: the acceptor, the ballots, the
/// rounds' votes and timers. It asks for changes to be run by leaving directives.
@usableFromInline
struct Core: Hashable, Sendable {
  @usableFromInline var settings: Settings
  var configuration: Configuration
  /// The batch that makes it durable, or did: no answer of its epoch leaves before.
  var configurationBatch = PersistBatch.none
  /// This node's place among the voters; nil where it has no vote.
  var place: Int?
  @usableFromInline var table: RegisterTable
  /// What every register that is absent has promised; and the batch that makes it durable, or did.
  var floor = Ballot.zero
  var floorBatch = PersistBatch.none
  var outbox: Outbox
  var ballots: BallotSource
  var random: SplitMix
  @usableFromInline var now = Ticks(0)
  var trips = Trips()
  /// Open rounds by slot, and the free slots.
  @usableFromInline var rounds: [Round] = []
  var freeSlots: [Int32] = []
  /// Slots that wait for ballots.
  var starved: [Int32] = []
  /// By slot, when it wants to be looked at: apart from the rounds, so that a look at all is short.
  var alarms: [Ticks] = []
  /// When the next round wants to be looked at; may be too early, never too late.
  var nextWake: Ticks?
  @usableFromInline var members: Members
  /// For the application.
  var effects: [Effect] = []
  /// Work of this node's own.
  @usableFromInline var tasks = Tasks()
  /// Whom its acceptor tells, and what its own clients watch; and when either needs to know the time.
  var subscriptions = Subscriptions()
  @usableFromInline var watches = Watches()
  var watchWake: Ticks?
  var listings = Listings()
  /// Of others' listings and its own, what its acceptor has had no time for.
  var pages = PageQueue()
  @usableFromInline var collector = Collector()
  @usableFromInline var directives: [Directive] = []
  @usableFromInline var nextDirective = 0
  /// Why the machine does nothing any more.
  @usableFromInline var stopped: Abandoned?
  /// Whether the first input has come: from then on nothing is restored.
  @usableFromInline var started = false
  @usableFromInline var statistics = Statistics()

  init(_ settings: Settings) {
    self.settings = settings
    configuration = settings.configuration
    place = settings.configuration.place(of: settings.voter)
    table = RegisterTable(
      shards: settings.shards, seed: settings.hashSeed, secret: settings.seed)
    members = Members(
      Membership(settings.configuration, addresses: settings.addresses),
      hash: table.hash(Membership.key))
    members.isMember = place != nil
    outbox = Outbox(voter: settings.voter)
    ballots = BallotSource(
      voter: settings.voter, epoch: settings.configuration.epoch, block: settings.counterBlock)
    random = SplitMix(seed: settings.seed, voter: settings.voter)
  }

  /// Ends the restoring: states the configuration, once more where an earlier life did, and reserves
  /// ballots.
  /// - Parameter time: what time it is, where that was told; waits that begin now are counted from it.
  @usableFromInline
  mutating func startIfNeeded(at time: Ticks = Ticks(0)) {
    guard !started else { return }
    started = true
    now = max(now, time)
    configurationBatch = outbox.record(stated)
    members.batch = configurationBatch
    startMembers()
    reserveIfNeeded()
    startCollecting()
  }

  /// The record of who votes.
  var stated: Record {
    members.adopted.revision == 0
      ? .configuration(configuration)
      : .membership(members.adopted, isRetired: members.isRetired)
  }

  mutating func reserveIfNeeded() {
    guard let counter = ballots.wanted else { return }
    ballots.request(counter, in: outbox.record(.reserve(counter: counter)))
  }

  @usableFromInline
  mutating func tick(to time: Ticks) {
    guard time > now || nextWake.map({ $0 <= now }) == true else { return }
    now = max(now, time)
    guard let wake = nextWake, wake <= now else { return }
    nextWake = nil
    for slot in alarms.indices {
      if alarms[slot] <= now {
        ring(slot)
      } else if alarms[slot] < nextWake ?? Ticks(.max) {
        nextWake = alarms[slot]
      }
    }
    tickWatches()
    if !pages.isEmpty { answerWaitingLists() }
    if !listings.isEmpty { tickListings() }
    if let due = members.wake {
      if due <= now { tendMembers() } else { scheduleMembers(at: due) }
    }
    sweepIfDue()
  }

  /// The slot's deadline or its own time has come.
  private mutating func ring(_ slot: Int) {
    alarms[slot] = Ticks(.max)
    if rounds[slot].phase == .free { return }
    let wakes = rounds[slot].wake.map { $0 <= now } ?? false
    if let deadline = rounds[slot].deadline, deadline <= now {
      // Alone: another step would make it stale. What else is due comes with the next tick.
      direct(slot, .expired)
      if wakes { wakeUp(slot, by: now) }
    } else if wakes {
      awake(slot)
    }
    scheduleWake(slot)
  }

  /// Makes sure that `tick` looks at the slot in time. What is due is dealt with in this very turn.
  @usableFromInline
  mutating func scheduleWake(_ slot: Int) {
    if let deadline = rounds[slot].deadline, deadline > now { wakeUp(slot, by: deadline) }
    if let wake = rounds[slot].wake, wake > now { wakeUp(slot, by: wake) }
  }

  mutating func wakeUp(_ slot: Int, by time: Ticks) {
    if time < alarms[slot] { alarms[slot] = time }
    wakeUp(by: time)
  }

  mutating func wakeUp(by time: Ticks) {
    if let known = nextWake, known <= time { return }
    nextWake = time
  }

  @usableFromInline
  mutating func direct(_ slot: Int, _ step: Directive.Step) {
    directives.append(Directive(slot: slot, stamp: rounds[slot].stamp, step: step))
  }

  mutating func stop(_ reason: Abandoned) {
    guard stopped == nil else { return }
    stopped = reason
    outbox.discard()
    nextWake = nil
  }

  @usableFromInline
  mutating func persisted(through batch: PersistBatch) {
    guard outbox.wasIssued(batch) else { return stop(.machineStopped) }
    outbox.persisted(through: batch)
    if !members.isAnnounced { announceMembers() }
    if ballots.persisted(through: batch) {
      reserveIfNeeded()
      let waiting = starved
      starved.removeAll(keepingCapacity: true)
      for slot in waiting where rounds[Int(slot)].phase == .starved {
        advance(Int(slot), to: .idle)
        direct(Int(slot), .resume)
      }
      askStarvedListings()
    }
    countOwnVotes()
  }

  /// Counts the replies of this node's own acceptor.
  mutating func countOwnVotes() {
    var index = 0
    while index < outbox.own.count {
      let reply = outbox.own[index]
      index += 1
      receiveReply(reply, from: settings.voter)
    }
    outbox.own.removeAll(keepingCapacity: true)
  }

  /// Takes a message of another voter, or of this one.
  @usableFromInline
  mutating func receive(_ message: Message, from sender: VoterID) {
    switch message.kind {
    case .prepare, .accept, .read, .list, .erase:
      // A ballot is drawn by its own proposer alone; whoever uses another's is not to be believed.
      guard message.ballot.voter == sender || message.isCopy else { return }
      receiveRequest(message, from: sender)
    case .promise, .accepted, .conflict, .readReply, .page:
      receiveReply(message, from: sender)
    case .watch:
      guard message.ballot.voter == sender else { return }
      subscribe(message, from: sender)
    case .observed: observe(message, from: sender)
    case .configuration: receiveConfiguration(message, from: sender)
    case .behind: receiveBehind(message, from: sender)
    }
    if !outbox.own.isEmpty { countOwnVotes() }
  }
}

/// What the machine around the core moves in and out.
extension Core {
  @usableFromInline
  var hasReady: Bool { !outbox.isEmpty || !watches.effects.isEmpty || !effects.isEmpty }

  @usableFromInline
  mutating func drain(
    persist: inout [Record], messages: inout [Envelope<Message>], effects: inout [Effect]
  ) -> PersistBatch {
    if !watches.effects.isEmpty { swap(&effects, &watches.effects) }
    if !self.effects.isEmpty {
      effects += self.effects
      self.effects.removeAll()
    }
    swap(&persist, &outbox.persist)
    swap(&messages, &outbox.messages)
    return persist.isEmpty ? outbox.issued : outbox.issue()
  }

  /// The next directive that is not stale.
  @usableFromInline
  mutating func takeDirective() -> Directive? {
    while true {
      if nextDirective == directives.count {
        directives.removeAll(keepingCapacity: true)
        nextDirective = 0
        if outbox.own.isEmpty { return nil }
        countOwnVotes()
        if directives.isEmpty { return nil }
      }
      let directive = directives[nextDirective]
      nextDirective += 1
      if rounds[directive.slot].stamp == directive.stamp { return directive }
    }
  }

  /// Looks at the slot no later than `deadline`.
  @usableFromInline
  mutating func expire(_ slot: Int, at deadline: Ticks) {
    if let known = rounds[slot].deadline, known <= deadline { return }
    rounds[slot].deadline = deadline
    wakeUp(slot, by: deadline)
  }

  @usableFromInline
  mutating func setDeadline(_ slot: Int, _ deadline: Ticks?) {
    rounds[slot].deadline = deadline
    if let deadline { wakeUp(slot, by: deadline) }
  }

  /// Goes on at once with a new attempt.
  @usableFromInline
  mutating func retry(_ slot: Int) {
    advance(slot, to: .idle)
    direct(slot, .resume)
  }
}
