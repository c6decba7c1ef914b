internal import Synod

/// The leader: slots, votes, heartbeats (rules 12, 16, 18, 38, 40).
extension Core {
  /// Proposes what waits, as far as the window, the promises and the memory allow.
  mutating func pump() {
    guard role == .leading else { return }
    dispatch()
    // Its own vote is one like any other: what it has not promised it does not vote on.
    guard promised == lead.ballot || !isVoter else { return }
    #if PlantedBugs
      let width = (PlantedBug.has(.widerWindow) ? 4 : 1) * state.schedule.window
    #else
      let width = state.schedule.window
    #endif
    let last = state.applied.advanced(by: width)
    var promisedFrom: (item: Int, slot: Slot)?
    while lead.next <= last, lead.next <= Slot.limit, lead.openBytes <= settings.maxOpenBytes {
      let slot = lead.next
      let item = state.schedule.index(at: slot)
      if promisedFrom?.item != item {
        guard isPromised(slot) else { return }
        promisedFrom = (item, slot)
      }
      guard let entry = entry(for: slot) else { return }
      propose(entry, at: slot)
    }
  }

  /// What is to be proposed in a slot: what may be chosen there already; else what waits (rule 8).
  private mutating func entry(for slot: Slot) -> Entry? {
    if let cell = log.cell(slot), cell.isChosen { return cell.entry }
    #if PlantedBugs
      if PlantedBug.has(.filledReports), lead.reported[slot] != nil { return .filler }
    #endif
    if let reported = lead.reported.removeValue(forKey: slot) { return reported.entry }
    if slot <= lead.highestReported { return .filler }
    if lead.transfer == nil {
      while let entry = lead.queue.popFirst() {
        if entry.id.origin != me {
          lead.handedOverBytes -= entry.size
          return entry
        }
        // It may have been given up meanwhile.
        guard pending[entry.id.number] != nil else { continue }
        pending[entry.id.number]?.hasLeft = true
        return entry
      }
    }
    // A change of the members takes effect (rule 19).
    let newest = state.schedule.newest.from
    return settings.decorations.fillsWindow && slot < newest ? .filler : nil
  }

  private mutating func propose(_ entry: Entry, at slot: Slot) {
    let isChosen = log.cell(slot)?.isChosen ?? false
    log.put(EntryLog.Cell(lead.ballot, entry, isChosen: isChosen), at: slot)
    lead.votes.append(Leadership.Vote(isChosen: isChosen, size: entry.size, sentAt: now))
    lead.openBytes += entry.size
    lead.next = slot.next
  }

  /// Whether `flush` would let anything out.
  var needsFlush: Bool {
    role == .leading
      && (lead.unsent < lead.next || lead.wantsRound || lead.toldChosen < chosenThrough)
  }

  /// Sends what was proposed since, as few messages; this node's own vote is a record like any other.
  /// Whatever looks at the log as at what is recorded calls it first.
  mutating func flushProposals() {
    guard role == .leading else { return }
    while lead.unsent < lead.next {
      let first = lead.unsent
      var last = first
      var size = log[first].entry.size
      // An entry that is too long to share a message goes alone.
      while last.next < lead.next,
        size + log[last.next].entry.size <= settings.maxMessageBytes
      {
        last = last.next
        size += log[last].entry.size
      }
      let entries = log.entries(from: first, to: last)
      outbox.send(.accept(accept(entries, at: first)), to: .peers)
      logBatch = outbox.record(.accept(lead.ballot, first: first, entries))
      #if PlantedBugs
        let logBatch = PlantedBug.has(.earlyOwnVote) ? PersistBatch.none : logBatch
      #endif
      if isVoter { voteForOwn(from: first, to: last, after: logBatch) }
      lead.unsent = last.next
      lead.toldChosen = chosenThrough
    }
  }

  /// Votes for what this node proposed itself, where its own voter does not refuse (rule 11).
  mutating func voteForOwn(from first: Slot, to last: Slot, after batch: PersistBatch) {
    guard let voting = settings.voting else {
      return outbox.send(.accepted(lead.ballot, first: first, last: last), to: me, after: batch)
    }
    var slot = first
    while slot <= last {
      if voting.mayAccept(slot, log[slot].entry, lead.ballot) {
        outbox.send(.accepted(lead.ballot, first: slot, last: slot), to: me, after: batch)
      }
      slot = slot.next
    }
  }

  /// Sends what was proposed since, and how far it is.
  @usableFromInline
  mutating func flush() {
    guard role == .leading else { return }
    flushProposals()
    let handsOver = lead.transfer != nil && settings.leaseDuration != nil
    if lead.wantsRound, !handsOver {
      startRound()
    } else if lead.wantsRound || lead.toldChosen < chosenThrough {
      // A round would have those who answer it grant anew what whoever takes over needs.
      lead.wantsRound = false
      lead.toldChosen = chosenThrough
      outbox.send(.heartbeat(lead.ballot, chosen: chosenThrough, round: 0), to: .peers)
    }
  }

  func accept(_ entries: [Entry], at first: Slot) -> Message.Accept {
    Message.Accept(ballot: lead.ballot, chosen: chosenThrough, first: first, entries: entries)
  }

  private mutating func startRound() {
    statistics.heartbeats += 1
    lead.wantsRound = false
    lead.round += 1
    lead.sentRounds.append(now)
    forgetRounds()
    lead.toldChosen = chosenThrough
    outbox.send(
      .heartbeat(lead.ballot, chosen: chosenThrough, round: lead.round), to: .peers)
    let mine = lead.peer(me, at: now)
    lead.peers[mine].echoed = lead.round
    // Its own grant is one of the quorum's (rule 44).
    trustGrant(of: mine, for: grant(me, in: lead.round), sentAt: now)
    answerIndexes()
  }

  /// Forgets when rounds were sent that are too old for what they are granted to be trusted.
  private mutating func forgetRounds() {
    let length = settings.leaseDuration ?? 0
    while lead.sentRounds.count > 64, let first = lead.sentRounds.first,
      first.advanced(by: length) <= now || lead.sentRounds.count > 1 << 16
    {
      lead.sentRounds.removeFirst()
    }
  }

  mutating func receiveEcho(
    _ ballot: Ballot, _ round: UInt64, _ applied: Slot, _ granted: UInt64, from sender: VoterID
  ) {
    knowChosen(applied)
    guard role == .leading, ballot == lead.ballot, sender != me else { return }
    let place = lead.peer(sender, at: round > 0 ? now : Ticks(0))
    lead.peers[place].applied = max(lead.peers[place].applied, applied)
    guard round > 0 else { return }
    lead.peers[place].heardAt = now
    guard round > lead.peers[place].echoed, round <= lead.round else { return }
    lead.peers[place].echoed = round
    let age = lead.round - round
    if age < UInt64(lead.sentRounds.count) {
      trustGrant(
        of: place, for: granted, sentAt: lead.sentRounds[lead.sentRounds.count - 1 - Int(age)])
    }
    answerIndexes()
  }

  /// A grant counts from before the heartbeat was sent (rule 44).
  private mutating func trustGrant(of place: Int, for granted: UInt64, sentAt: Ticks) {
    guard let trust = trust(in: granted), lead.peers[place].echoed >= lead.leaseFrom else { return }
    #if PlantedBugs
      let sentAt = PlantedBug.has(.leaseFromAnswer) ? now : sentAt
    #endif
    lead.peers[place].leaseUntil = max(
      lead.peers[place].leaseUntil, sentAt.advanced(by: trust))
  }

  mutating func receiveAccepted(
    _ ballot: Ballot, _ first: Slot, _ last: Slot, from sender: VoterID
  ) {
    note(ballot, last, by: sender)
    guard role == .leading, ballot == lead.ballot else { return }
    if sender != me { lead.hear(sender, at: now) }
    var slot = max(first, lead.base)
    let end = min(last, lead.unsent.previous)
    guard slot <= end else { return }
    var item = -1
    var place: Int?
    var configuration = configuration(0)
    while slot <= end {
      let index = state.schedule.index(at: slot)
      if index != item {
        item = index
        configuration = self.configuration(item)
        place = configuration.place(of: sender)
      }
      if let place { count(place, configuration, slot) }
      slot = slot.next
    }
    advanceChosen()
  }

  private mutating func count(_ place: Int, _ configuration: Configuration, _ slot: Slot) {
    let index = Int(slot.rawValue - lead.base.rawValue)
    lead.votes[index].votes.insert(place)
    guard !lead.votes[index].isChosen,
      configuration.isAcceptQuorum(lead.votes[index].votes)
    else { return }
    lead.votes[index].isChosen = true
    lead.highestChosen = max(lead.highestChosen, slot)
    log.choose(slot)
  }

  private mutating func advanceChosen() {
    while let vote = lead.votes.first, vote.isChosen {
      // One that was known to be chosen when it was proposed may not have left yet.
      if lead.base == lead.unsent { flushProposals() }
      lead.openBytes -= vote.size
      lead.votes.removeFirst()
      chosenThrough = lead.base
      lead.base = lead.base.next
    }
    knownChosen = max(knownChosen, chosenThrough)
    if let slot = lead.sendsAgainFrom, lead.base >= slot {
      lead.sendsAgainFrom = nil
      lead.retransmitAt = now
    }
  }

  /// Slots were learned to be chosen from others: they are the leader's no more.
  mutating func leaveLearned() {
    while lead.base <= chosenThrough {
      if let vote = lead.votes.popFirst() { lead.openBytes -= vote.size }
      lead.base = lead.base.next
    }
    lead.next = max(lead.next, lead.base)
    lead.unsent = max(lead.unsent, lead.base)
    lead.highestChosen = max(lead.highestChosen, chosenThrough)
    advanceChosen()
  }

  // MARK: Time

  var leaderWake: Ticks {
    var wake = min(lead.heartbeatAt, lead.retransmitAt)
    if settings.decorations.checksQuorum { wake = min(wake, lead.checkAt) }
    if let transfer = lead.transfer { wake = min(wake, transfer.until) }
    return wake
  }

  mutating func tickLeader() {
    if lead.heartbeatAt <= now {
      lead.heartbeatAt = now.advanced(by: settings.heartbeatEvery)
      if settings.decorations.sendsHeartbeats { lead.wantsRound = true }
      leaveIfRemoved()
      verifyIfDue()
    }
    guard role == .leading else { return }
    if lead.retransmitAt <= now {
      askForPromises()
      retransmit()
    }
    if settings.decorations.checksQuorum, lead.checkAt <= now {
      lead.checkAt = now.advanced(by: settings.electionTimeout)
      if !hearsQuorum { return stepDown(for: nil) }
    }
    if let transfer = lead.transfer, transfer.until <= now {
      lead.transfer = nil
      lead.wantsRound = true
      lead.checkAt = now.advanced(by: settings.electionTimeout)
      if let id = transfer.proposal {
        ended.append(Ended(proposal: id, outcome: .unknown(.deadline)))
      }
    }
  }

  /// Of both kinds: one that cannot have anything chosen would lead in vain, and, where few promises
  /// make a leader, keep others from it by what it grants itself.
  private var hearsQuorum: Bool {
    let configuration = state.schedule.configuration(at: chosenThrough.next)
    // While it hands over it asks nobody.
    let silence = settings.electionTimeout * (lead.transfer == nil ? 1 : 2)
    let heard = lead.peers.filter { $0.heardAt.advanced(by: silence) > now || $0.voter == me }
    let votes = votes(of: heard.map(\.voter) + [me], in: configuration)
    return configuration.isPrepareQuorum(votes) && configuration.isAcceptQuorum(votes)
  }

  /// A leader that is no voter any more hands over.
  mutating func leaveIfRemoved() {
    guard lead.transfer == nil,
      !windowItems.contains(where: { configuration($0).place(of: me) != nil })
    else { return }
    transfer(to: nil, as: nil)
  }
}
