package import Synod

// What an exhaustive search needs of a machine: one machine in place of all that behave alike, and
// which messages can do nothing any more.
//
// A machine that is at rest, with all that was ready drained, is put in the place of another only
// where no sequence of inputs could ever tell the two apart by what they send, persist, complete or
// are asked to be woken for. Why, is said at each field.

/// What may still happen to a machine.
@usableFromInline
package struct Prospects {
  /// `tick` may still be called.
  package var hasTime: Bool
  /// `propose` may still be called.
  package var mayPropose: Bool
  /// `cancel` may still be called.
  package var mayCancel: Bool
  /// The members may change.
  package var mayChangeMembers: Bool
  /// Those that need no answers any more.
  package var done: (VoterID) -> Bool

  /// One made of its parts.
  package init(
    hasTime: Bool, mayPropose: Bool, mayCancel: Bool, mayChangeMembers: Bool = false,
    done: @escaping (VoterID) -> Bool
  ) {
    self.mayChangeMembers = mayChangeMembers
    self.hasTime = hasTime
    self.mayPropose = mayPropose
    self.mayCancel = mayCancel
    self.done = done
  }
}

extension Machine {
  /// - Returns: by how much the numbers of batches fell.
  @inlinable
  package mutating func canonicalise(_ prospects: Prospects) -> UInt64 {
    // Only where the search for a proposal begins.
    lastCancelled = 0
    let isDone = isDone(prospects)
    if isDone {
      folds = []
      open = 0
      openTasks = 0
    }
    return core.canonicalise(
      prospects, isDone: isDone, isAnyWaiting: folds.contains { !$0.waiting.isEmpty })
  }

  /// Whether it will never send a request again: nothing is under way and nothing will be asked of
  /// it, or all that is under way waits for a time that never comes.
  @usableFromInline
  package func isDone(_ prospects: Prospects) -> Bool { core.isDone(prospects) }

  /// Whether this is `before` but for replies to others that wait for a batch.
  @inlinable
  package func onlyHoldsMore(than before: Self) -> Bool
  where C: Hashable, C.Output: Hashable, C.Rejection: Hashable {
    core.onlyHoldsMore(than: before.core) && isSame(as: before, besides: core)
  }

  /// Whether this is `before` but for promises, acceptances or refusals that were counted and decided
  /// nothing. Such votes decide by their number and by the highest state among them, whatever their
  /// order; answers to a read do not: some of them may settle what all of them do not.
  @inlinable
  package func onlyCountsMore(than before: Self) -> Bool
  where C: Hashable, C.Output: Hashable, C.Rejection: Hashable {
    core.onlyCountsMore(than: before.core) && isSame(as: before, besides: core)
  }

  @inlinable
  func isSame(as other: Self, besides core: Core) -> Bool
  where C: Hashable, C.Output: Hashable, C.Rejection: Hashable {
    var other = other
    other.core = core
    return self == other
  }

  /// Counters up to this may have been drawn.
  package var reservedCounter: UInt64 { core.ballots.requested }

  /// See `Core.isDead`.
  @inlinable
  package func isDead(
    _ message: Message, durable: Machine, isDone: Bool, senderIsDone: Bool, _ prospects: Prospects
  ) -> Bool {
    core.isDead(
      message, durable: durable.core, isDone: isDone, senderIsDone: senderIsDone, prospects,
      isAnyWaiting: folds.contains { !$0.waiting.isEmpty })
  }

  /// Whether a reply is to an open attempt that is the given one of its round, from 1, or a later.
  package func isAttempt(_ reply: Message, atLeast number: Int) -> Bool {
    core.rounds.contains { $0.ballot == reply.ballot && Int($0.failures) + 1 >= number }
  }
}

extension Core {
  @usableFromInline
  func isDone(_ prospects: Prospects) -> Bool {
    if prospects.mayPropose || !listings.isEmpty { return false }
    if stopped != nil { return true }
    if prospects.mayChangeMembers && mayDrive(prospects) { return false }
    let mayWait = !prospects.hasTime && !prospects.mayCancel
    return rounds.allSatisfy { $0.phase == .free || ($0.phase == .backingOff && mayWait) }
  }

  @usableFromInline
  func onlyHoldsMore(than before: Core) -> Bool {
    guard outbox.holdsOnlyMore(than: before.outbox) else { return false }
    var same = self
    same.outbox = before.outbox
    return same == before
  }

  @usableFromInline
  func onlyCountsMore(than before: Core) -> Bool {
    // First what rules out most, as this is asked often.
    guard rounds.count == before.rounds.count,
      zip(rounds, before.rounds).contains(where: {
        $0.phase != .reading && ($0.votes != $1.votes || $0.refused != $1.refused)
      }),
      outbox == before.outbox
    else { return false }
    var same = self
    for slot in rounds.indices { same.rounds[slot].takeCount(of: before.rounds[slot]) }
    return same == before
  }

  @usableFromInline
  mutating func canonicalise(
    _ prospects: Prospects, isDone: Bool, isAnyWaiting: Bool
  ) -> UInt64 {
    if isDone { forgetProposing() }
    if !prospects.hasTime {
      forgetTime()
      if !prospects.mayPropose && !isAnyWaiting { forgetRivals() }
    }
    return canonicalise(prospects)
  }

  /// Whether `message` can change nothing here, now or later, in this life or in one that begins
  /// with `durable`, that any node could ever tell.
  /// - Parameters:
  ///   - isDone: this machine will never send a request again.
  ///   - senderIsDone: nor will the sender, so nothing that is answered to it counts.
  @usableFromInline
  func isDead(
    _ message: Message, durable: Core, isDone: Bool, senderIsDone: Bool, _ prospects: Prospects,
    isAnyWaiting: Bool
  ) -> Bool {
    if prospects.mayChangeMembers, isDeadHere(message, durable: durable, prospects) { return true }
    switch message.kind {
    case .prepare:
      // Refused for ever, since what is durable only rises; and a refusal is told to nobody who
      // cares. (A machine that proposes is still told that there is a rival.)
      return isDone && senderIsDone
        && durable.holds(message.key) { message.ballot <= max($0, $1) }
    case .accept:
      return isDone && senderIsDone
        && durable.holds(message.key) { message.ballot < $0 || message.ballot <= $1 }
    // Changes nothing here, and its answer counts for nothing.
    case .read, .list: return senderIsDone
    // Explored worlds watch nothing.
    case .watch, .observed: return false
    // Whoever sends it knows that this node has accepted that ballot, or erased it since.
    case .erase: return durable.holds(message.key) { $1 != message.ballot }
    case .promise, .accepted, .readReply, .page:
      return isDone || isDead(reply: message, durable: durable)
    case .conflict:
      return isDone || isDead(reply: message, durable: durable)
        || isLastAttempt(prospects, isAnyWaiting)
    case .configuration, .behind: return false
    }
  }

  /// A failure would have the round wait for ever, and nothing is to come after it. Such a machine
  /// does nothing that one whose conflicts are lost on their way would not do, and less: so these
  /// may all be lost.
  private func isLastAttempt(_ prospects: Prospects, _ isAnyWaiting: Bool) -> Bool {
    if prospects.hasTime || prospects.mayCancel || prospects.mayPropose { return false }
    if settings.piggybackAfter != nil || settings.backoff == 0 { return false }
    // Who refuses one that waits for answers is there.
    if rounds.contains(where: { $0.waitsUntil != nil }) { return false }
    return rounds.allSatisfy { $0.phase == .free || ($0.failures > 0 && !isAnyWaiting) }
  }

  private func holds(_ key: Bytes, where test: (_ promised: Ballot, _ accepted: Ballot) -> Bool)
    -> Bool
  {
    guard let place = table.find(key, hash: table.hash(key)),
      !table[place].promised.isZero || !table[place].accepted.isZero
    else { return test(floor, .zero) }
    return test(table[place].promised, table[place].accepted)
  }
}

extension Core {
  /// A reply to a ballot that is not the one of an open attempt never counts: each attempt has its own
  /// (rule 3), in all lives. A refusal still teaches its counters, unless they are known and durable.
  fileprivate func isDead(reply: Message, durable: Core) -> Bool {
    if reply.kind == .conflict {
      let counter = max(reply.promised.counter, reply.accepted.counter, reply.floor.counter)
      if counter > ballots.counter || counter > durable.ballots.counter { return false }
    }
    if reply.kind == .page {
      return !listings.open.contains { $0.name == reply.ballot && $0.phase == .asking }
    }
    let slot = Int(reply.slot)
    guard slot < rounds.count, rounds[slot].ballot == reply.ballot else { return true }
    return switch (rounds[slot].phase, reply.kind) {
    case (.preparing, .conflict), (.accepting, .conflict), (.preparing, .promise),
      (.reading, .readReply), (.accepting, .accepted), (.preparing, .accepted):
      false
    case (.free, _), (.idle, _), (.backingOff, _), (.starved, _), (.reading, _), (.preparing, _),
      (.accepting, _):
      true
    }
  }

  /// It proposes nothing any more: what only its proposer reads is of no account, and no ballots are
  /// reserved.
  fileprivate mutating func forgetProposing() {
    ballots.retire()
    random = SplitMix(seed: 0)
    trips = Trips()
    nextWake = nil
    rounds = []
    alarms = []
    freeSlots = []
    starved = []
    table.forEachCell { cell in
      cell.round = -1
      cell.armed = .zero
      cell.streak = 0
      cell.rivals = VoteSet()
      cell.restUntil = Ticks(0)
    }
  }

  /// The clock stands still: what is due later never comes, however late it is. What is left to ask is
  /// whether something is due later at all.
  fileprivate mutating func forgetTime() {
    random = SplitMix(seed: 0)
    trips = Trips()
    nextWake = nil
    forgetMembersTime()
    collector.forgetTime()
    for slot in rounds.indices {
      alarms[slot] = Ticks(.max)
      // Decides about the length of a wait, but for the first.
      rounds[slot].failures = min(rounds[slot].failures, 1)
      rounds[slot].wake = nil
      rounds[slot].retransmitAt = Ticks(0)
      rounds[slot].sentAt = Ticks(0)
      rounds[slot].waitsUntil = rounds[slot].waitsUntil.map { _ in Ticks(.max) }
    }
    let now = now
    table.forEachCell { cell in
      cell.age = 0
      cell.restUntil = cell.restUntil > now ? Ticks(.max) : Ticks(0)
      // Only whether there are any decides about resting; how many, for how long.
      if !cell.rivals.isEmpty {
        cell.rivals = VoteSet()
        cell.rivals.insert(0)
      }
    }
  }

  /// Nothing begins after the rounds that are open, so there is nothing to rest before.
  fileprivate mutating func forgetRivals() {
    table.forEachCell { $0.rivals = VoteSet() }
  }

  fileprivate mutating func canonicalise(_ prospects: Prospects) -> UInt64 {
    precondition(directives.isEmpty && tasks.isEmpty && outbox.isDrained, "a machine at rest")
    precondition(watches.isEmpty && subscriptions.isEmpty, "a machine that nobody watches")
    statistics = Statistics()
    canonicaliseMembers(prospects)
    listings.sortAnswers()
    pages.forgetTime()
    table.sortCells()
    table.forgetRemovals()
    for slot in rounds.indices {
      if rounds[slot].phase == .free {
        // All is set again when it is opened.
        rounds[slot] = Round()
        alarms[slot] = Ticks(.max)
        continue
      }
      rounds[slot].placedAt = .max
      _ = cell(of: slot)
      // Compared with directives alone, and there are none.
      rounds[slot].stamp = 0
      // Counted, and nothing else.
      rounds[slot].withoutPrepare = false
      switch rounds[slot].phase {
      case .free, .reading, .preparing, .accepting: break
      case .idle, .backingOff, .starved:
        // Between attempts: the next one begins with its own.
        rounds[slot].ballot = .zero
        rounds[slot].base = .blank
        rounds[slot].next = .zero
      }
    }
    let after = settings.piggybackAfter
    table.forEachCell { cell in
      // Compared with this alone, and only counted up or set to nothing.
      cell.streak = after.map { min($0, cell.streak) } ?? 0
    }
    // What they would be told counts for nothing. Nothing else leaves the earlier for it: with one
    // register, what comes later waits for the newest batch in any case.
    outbox.dropHeld { prospects.done($0) }
    return rebase()
  }

  /// Numbers of batches are compared with each other, and those that are durable are alike.
  private mutating func rebase() -> UInt64 {
    let shift = outbox.durable.rawValue
    func rebased(_ batch: PersistBatch) -> PersistBatch {
      PersistBatch(batch.rawValue > shift ? batch.rawValue - shift : 0)
    }
    configurationBatch = rebased(configurationBatch)
    members.batch = rebased(members.batch)
    floorBatch = rebased(floorBatch)
    table.forEachCell { $0.batch = rebased($0.batch) }
    ballots.rebase(by: shift)
    outbox.rebase(by: shift)
    outbox.sortHeld()
    return shift
  }
}

// MARK: Symmetry

extension Machine {
  /// The same machine in a world where two voters that never propose have changed places.
  package mutating func swapVoters(_ a: VoterID, _ b: VoterID) { core.swapVoters(a, b) }
}

extension Core {
  fileprivate mutating func swapVoters(_ a: VoterID, _ b: VoterID) {
    func swapped(_ voter: VoterID) -> VoterID { voter == a ? b : voter == b ? a : voter }
    guard let first = configuration.place(of: a), let second = configuration.place(of: b) else {
      return
    }
    if settings.voter == a || settings.voter == b {
      settings.voter = swapped(settings.voter)
      place = configuration.place(of: settings.voter)
      var ballots = BallotSource(
        voter: settings.voter, epoch: configuration.epoch, block: settings.counterBlock)
      ballots.retire()
      self.ballots = ballots
    }
    outbox.swapVoters(swapped)
    for slot in rounds.indices {
      rounds[slot].votes.swap(first, second)
      rounds[slot].refused.swap(first, second)
      rounds[slot].agreeing.swap(first, second)
      rounds[slot].promising.swap(first, second)
    }
    table.forEachCell { $0.rivals.swap(first, second) }
  }
}

extension Round {
  /// The votes and what they tell of, as another has them, if it is at the same attempt.
  fileprivate mutating func takeCount(of other: Round) {
    guard ballot == other.ballot, phase == other.phase, phase != .reading else { return }
    votes = other.votes
    refused = other.refused
    highest = other.highest
    agreeing = other.agreeing
    promising = other.promising
    base = other.base
  }
}

extension VoteSet {
  fileprivate mutating func swap(_ a: Int, _ b: Int) {
    guard contains(a) != contains(b) else { return }
    var swapped = VoteSet()
    for place in 0..<QuorumSystem.maxVoters where contains(place) {
      swapped.insert(place == a ? b : place == b ? a : place)
    }
    self = swapped
  }
}
