internal import Synod

// What an exhaustive search needs of a machine: one machine in place of all that behave alike, and
// which messages can do nothing any more. It is for worlds without leases, snapshots and deadlines.

extension Machine {
  /// Times are put in one order: what comes next is due at the next tick, and how long it took until
  /// now is forgotten. Nothing else is asked of the clock in such a world.
  /// - Returns: by how much the numbers of batches fell.
  package mutating func canonicalise() -> UInt64 { core.canonicalise() }

  /// Asks at once for what it lacks, as it would a little later.
  package mutating func catchUpAtOnce() -> Bool {
    guard core.stopped == nil, core.asksAtOnce() else { return false }
    settle()
    return true
  }

  /// The same for machines that are equal, and for few others.
  package var digest: UInt64 { core.digest }

  /// Whether a message can change nothing here, in this life or in one that begins with `durable`, but
  /// for refusals, which only tell a candidate to give up.
  /// - Parameter reads: reads are asked for.
  package func isDead(
    _ message: Message, durable: Machine, reads: Bool
  ) -> Bool {
    core.isDead(message, durable: durable.core, reads: reads)
  }

  /// Whether this is `before` but for promises or acceptances that were counted and decided nothing.
  package func onlyCountsMore(than before: Machine) -> Bool
  where App: Hashable {
    guard let core = core.withoutCount(over: before.core) else { return false }
    var same = self
    same.core = core
    return same == before
  }

  /// Counters up to this may have been drawn.
  package var reservedCounter: UInt64 { core.reservation.ballots.requested }
}

extension Core {
  fileprivate mutating func canonicalise() -> UInt64 {
    let soon = Ticks(2)
    now = Ticks(1)
    random = SplitMix(seed: 0)
    heardAt = Ticks(0)
    electionAt = soon
    lead.heartbeatAt = soon
    lead.retransmitAt = soon
    lead.checkAt = soon
    for place in lead.peers.indices { lead.peers[place].heardAt = Ticks(0) }
    lead.peers.sort { $0.voter < $1.voter }
    lead.promises.sort { $0.voter < $1.voter }
    let rounds = lead.sentRounds.count
    lead.sentRounds = Queue()
    for _ in 0..<rounds { lead.sentRounds.append(Ticks(0)) }
    var votes = Queue<Leadership.Vote>()
    for var vote in lead.votes.all {
      vote.sentAt = Ticks(0)
      votes.append(vote)
    }
    lead.votes = votes
    catchUp.due = nil
    catchUp.tries = 0
    pendingWake = nil
    indexes.retryAt = nil
    let shift = outbox.renumber()
    logBatch = PersistBatch(logBatch.rawValue - min(shift, logBatch.rawValue))
    grants.batch = PersistBatch(grants.batch.rawValue - min(shift, grants.batch.rawValue))
    reservation.renumber(by: shift)
    return shift
  }

  fileprivate mutating func asksAtOnce() -> Bool {
    if catchUp.due != nil, catchUp.tries == 0 {
      askForEntries()
      return true
    }
    // A change of the members took effect: whose promise is missing is asked (rule 7).
    if role == .leading, lead.retransmitAt <= now {
      askForPromises()
      return true
    }
    return false
  }

  fileprivate var digest: UInt64 {
    var digest = SplitMix(seed: promised.counter << 8 | UInt64(promised.voter.rawValue))
    func add(_ number: UInt64) { digest = SplitMix(seed: digest.next() ^ number) }
    add(chosenThrough.rawValue << 32 | state.applied.rawValue << 16 | log.end.rawValue)
    var slot = log.first
    while slot < log.end {
      let cell = log[slot]
      add(cell.ballot.counter << 16 | UInt64(cell.ballot.voter.rawValue) << 8)
      add(cell.entry.id.number << 8 | UInt64(cell.entry.id.origin.rawValue))
      add(cell.isChosen ? 1 : 2)
      slot = slot.next
    }
    add(lead.ballot.counter << 8 | UInt64(lead.promises.count) << 4 | UInt64(lead.votes.count))
    for vote in lead.votes.all { add(UInt64(vote.votes.count) << 1 | (vote.isChosen ? 1 : 0)) }
    add(UInt64(outbox.heldCount) << 32 | outbox.issued.rawValue)
    add(UInt64(pending.count) << 32 | UInt64(waiting.count) << 8 | (started ? 1 : 0))
    add(knownChosen.rawValue << 32 | claim.through.rawValue << 8 | UInt64(leader?.rawValue ?? 0))
    add(highestSeen.counter << 32 | reservation.ballots.last)
    return digest.next()
  }

  fileprivate func isDead(_ message: Message, durable: Core, reads: Bool) -> Bool {
    switch message {
    case .probe, .probed, .refused, .digest, .diverged, .notLeading, .takeOver, .release, .forward:
      true
    case .askIndex, .index: !reads
    case .echo(let ballot, let round, _, _):
      !reads || lead.ballot != ballot || role != .leading || round < firstRoundAwaited
    case .promise(let promise):
      lead.ballot != promise.ballot || role != .preparing && role != .leading
    case .accepted(let ballot, _, let last):
      lead.ballot != ballot || role != .leading || last < lead.base
    case .prepare(let ballot, _): ballot < durable.promised
    case .accept(let accept): accept.ballot < durable.promised
    case .heartbeat(let ballot, let chosen, let round):
      ballot < durable.promised
        || !reads && ballot == durable.promised && chosen <= durable.chosenThrough && round > 0
          && leader == ballot.voter && role == .following
    case .entries(let first, let entries, let chosen):
      first.advanced(by: UInt64(entries.count)) <= durable.chosenThrough.next
        && chosen <= durable.chosenThrough
    case .fetch, .compacted, .fetchPiece, .piece, .askKnown, .known, .returned, .acknowledged: false
    }
  }

  /// The oldest round that a read waits for: one may wait beside those that came after it.
  private var firstRoundAwaited: UInt64 {
    lead.reads.all.first { $0.round > 0 }?.round ?? lead.round
  }

  /// The same with what is counted as it was before; nil where something came of a vote.
  fileprivate func withoutCount(over before: Core) -> Core? {
    guard outbox == before.outbox, role == before.role, chosenThrough == before.chosenThrough else {
      return nil
    }
    var same = self
    if role == .preparing {
      same.lead.promises = before.lead.promises
      same.lead.reported = before.lead.reported
      same.lead.highestReported = before.lead.highestReported
    } else if role == .leading, lead.votes.count == before.lead.votes.count {
      for index in 0..<lead.votes.count {
        guard lead.votes[index].isChosen == before.lead.votes[index].isChosen else { return nil }
        same.lead.votes[index].votes = before.lead.votes[index].votes
      }
    } else {
      return nil
    }
    same.lead.peers = before.lead.peers
    return same
  }
}
