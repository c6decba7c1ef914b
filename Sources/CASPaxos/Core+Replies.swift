internal import Synod

/// The proposer's side of a round: what it makes of replies (rules 10 to 13, 17, 18, 21, 26 and 29).
extension Core {
  mutating func receiveReply(_ reply: Message, from sender: VoterID) {
    if reply.kind == .observed { return observe(reply, from: sender) }
    // Who has no vote, or answers what was not asked here, says nothing: not even a counter.
    guard reply.ballot.voter == settings.voter, let place = place(of: sender, with: reply) else {
      return
    }
    if reply.kind == .conflict { learn(from: reply) }
    let slot = Int(reply.slot)
    // Only an answer to exactly this attempt counts, and of each voter one.
    guard slot < rounds.count, rounds[slot].ballot == reply.ballot,
      reply.ballot.epoch == configuration.epoch
    else {
      if reply.kind == .page { receivePage(reply, by: place) }
      return
    }
    switch (rounds[slot].phase, reply.kind) {
    case (.preparing, .promise): promised(slot, by: place, reply)
    case (.accepting, .accepted): accepted(slot, by: place, reply)
    case (.reading, .readReply): answered(slot, by: place, reply)
    case (.preparing, .conflict), (.accepting, .conflict): refused(slot, by: place, reply)
    case (.free, _), (.idle, _), (.backingOff, _), (.starved, _), (.reading, _), (.preparing, _),
      (.accepting, _):
      break
    }
  }

  @inline(__always)
  private func place(of sender: VoterID, with reply: Message) -> Int? {
    #if PlantedBugs
      let slot = Int(reply.slot)
      if PlantedBug.has(.doubleVote), slot < rounds.count,
        let place = configuration.place(of: sender), rounds[slot].votes.contains(place)
      {
        return configuration.voters.indices.first { !rounds[slot].votes.contains($0) } ?? place
      }
    #endif
    return configuration.place(of: sender)
  }

  /// A conflict raises the counter at any time, also when its round is long over (rule 12).
  private mutating func learn(from conflict: Message) {
    statistics.conflicts += 1
    ballots.raise(to: conflict.promised)
    ballots.raise(to: conflict.accepted)
    ballots.raise(to: conflict.floor)
    reserveIfNeeded()
  }

  /// Keeps the highest accepted state and who holds it.
  private mutating func compare(_ slot: Int, with reply: Message, of place: Int) {
    let isFirst = rounds[slot].votes.isEmpty
    rounds[slot].votes.insert(place)
    #if PlantedBugs
      let isBetter =
        PlantedBug.has(.oldestState)
        ? reply.accepted < rounds[slot].highest : reply.accepted > rounds[slot].highest
    #else
      let isBetter = reply.accepted > rounds[slot].highest
    #endif
    if isFirst || isBetter {
      rounds[slot].highest = reply.accepted
      rounds[slot].base = reply.state
      rounds[slot].agreeing = VoteSet()
      rounds[slot].agreeing.insert(place)
    } else if reply.accepted == rounds[slot].highest {
      rounds[slot].agreeing.insert(place)
    }
  }

  /// Whether the answers settle the highest state: an accept quorum holds it, so it is chosen; and a
  /// prepare quorum answered, so nothing acknowledged before is missed. Either alone proves nothing
  /// where quorums differ (rules 26 to 28).
  @usableFromInline
  func isSettled(_ slot: Int) -> Bool {
    #if PlantedBugs
      if PlantedBug.has(.staleRead), rounds[slot].phase == .reading { return true }
    #endif
    return isPrepareQuorum(rounds[slot].votes, for: slot)
      && isAcceptQuorum(rounds[slot].agreeing, for: slot)
  }

  #if PlantedBugs
    /// Whether what does not write is answered from promises that settle nothing.
    @usableFromInline
    var refusesUnsettled: Bool { PlantedBug.has(.unsettledRefusal) }
  #endif

  private mutating func promised(_ slot: Int, by place: Int, _ reply: Message) {
    guard !rounds[slot].votes.contains(place) else { return }
    compare(slot, with: reply, of: place)
    // A voter that joins promises its epoch on everything, and knows of nothing that was collected:
    // what was, the others tell.
    if reply.floor > rounds[slot].floor, configuration.component.contains(place: place) {
      rounds[slot].floor = reply.floor
    }
    guard isPrepareQuorum(rounds[slot].votes, for: slot) else { return }
    // Where nobody holds anything, there may have been something.
    if rounds[slot].highest.isZero, !rounds[slot].floor.isZero {
      rounds[slot].base.beginAnew(above: rounds[slot].floor)
    }
    if rounds[slot].waitsUntil == nil { measureTrip(slot) }
    direct(slot, .promised)
  }

  private mutating func answered(_ slot: Int, by place: Int, _ reply: Message) {
    guard !rounds[slot].votes.contains(place) else { return }
    compare(slot, with: reply, of: place)
    if isSettled(slot) {
      statistics.fastReads += 1
      rounds[slot].failures = 0
      direct(slot, .readSettled)
    } else if rounds[slot].votes.count == configuration.voters.count {
      direct(slot, .readUnsettled)
    } else if isPrepareQuorum(rounds[slot].votes, for: slot) {
      losePatience(slot)
    }
  }

  private mutating func accepted(_ slot: Int, by place: Int, _ reply: Message) {
    guard !rounds[slot].votes.contains(place) else { return }
    rounds[slot].votes.insert(place)
    if !rounds[slot].next.isZero && reply.promised >= rounds[slot].next {
      rounds[slot].promising.insert(place)
    }
    if rounds[slot].isCollecting { return collect(slot) }
    guard isAcceptQuorum(rounds[slot].votes, for: slot) else { return }
    measureTrip(slot)
    statistics.chosen += 1
    if rounds[slot].withoutPrepare { statistics.oneRoundTrip += 1 }
    arm(slot)
    rounds[slot].failures = 0
    direct(slot, .chosen)
  }

  /// Keeps the promise that came with the acceptance, only where an accept quorum gave it: then
  /// whoever prepares between the two ballots meets a voter that refuses it or the first (rule 17).
  private mutating func arm(_ slot: Int) {
    let place = cell(of: slot)
    rest(place)
    if table[place].streak < .max { table[place].streak += 1 }
    guard configuration.isAcceptQuorum(rounds[slot].promising),
      table[place].accepted == rounds[slot].ballot, table[place].promised == rounds[slot].next
    else { return }
    table[place].armed = rounds[slot].next
  }

  private mutating func refused(_ slot: Int, by place: Int, _ reply: Message) {
    // A voter that has accepted this very ballot refuses only a prepare of it that came again, late.
    guard !rounds[slot].votes.contains(place), reply.accepted != reply.ballot else { return }
    #if PlantedBugs
      if PlantedBug.has(.endlessPrepare), rounds[slot].phase == .preparing { return }
    #endif
    let rival = max(reply.promised, reply.accepted)
    // What only a floor refuses shows no rival.
    if rival >= reply.ballot {
      let isOther = rival.voter != settings.voter
      table[cell(of: slot)].meetRival(isOther ? configuration.place(of: rival.voter) : nil)
    }
    rounds[slot].refused.insert(place)
    if rounds[slot].waitsUntil != nil { return direct(slot, .promised) }
    if rounds[slot].isCollecting { return fail(slot) }
    let left = configuration.everyone.subtracting(rounds[slot].refused)
    let mayWin =
      rounds[slot].phase == .preparing
      ? isPrepareQuorum(left, for: slot) : isAcceptQuorum(left, for: slot)
    if !mayWin {
      measureTrip(slot, isRefused: true)
      fail(slot)
    } else {
      losePatience(slot)
    }
  }

  private mutating func losePatience(_ slot: Int) {
    let time = now.advanced(by: max(settings.patience, 2 * trip))
    if let wake = rounds[slot].wake, wake <= time { return }
    rounds[slot].wake = time
    scheduleWake(slot)
  }

  /// Having won against another proposer, this node leaves it the time for a round of its own. The
  /// loser of a duel backs off; if the winner went on at once, it would win for ever.
  private mutating func rest(_ place: RegisterTable.Place) {
    let rivals = UInt64(table[place].rivals.count)
    guard rivals > 0 else { return }
    table[place].rivals = VoteSet()
    let time = min(3 * rivals * trip, longestWait)
    table[place].restUntil = now.advanced(by: time + random.next() % time)
  }

  /// The phase has its quorum, or cannot have it any more.
  private mutating func measureTrip(_ slot: Int, isRefused: Bool = false) {
    // A smaller quorum answers sooner than the other phase's will: only this node's own, it may be.
    let isShorter =
      rounds[slot].phase == .preparing
      ? configuration.acceptsTakeMore : configuration.preparesTakeMore
    trips.measure(
      from: rounds[slot].sentAt, to: now, slack: settings.patience, isBound: isRefused || isShorter)
  }

  /// No wait for others is longer, in ticks, however many they are.
  var longestWait: UInt64 { max(16 * settings.maxBackoff, 8 * trip) }

  /// How long a round trip takes of late, in ticks; at least one.
  var trip: UInt64 { trips.average }
}

extension Configuration {
  /// Whether more voters must accept than must promise, and the other way.
  fileprivate var acceptsTakeMore: Bool { quorums { $0.accept } > quorums { $0.prepare } }
  fileprivate var preparesTakeMore: Bool { quorums { $0.prepare } > quorums { $0.accept } }

  private func quorums(_ size: (QuorumSystem) -> Int) -> Int {
    max(size(component.quorums), incoming.map { size($0.quorums) } ?? 0)
  }
}
