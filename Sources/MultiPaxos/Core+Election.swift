public import Synod

/// How a node becomes leader, and stops being one (rules 5 to 9, 39 to 41).
extension Core {
  /// The configurations of the slots that a leader may open now.
  var windowItems: ClosedRange<Int> {
    state.schedule.indices(
      from: chosenThrough.next, through: state.applied.advanced(by: state.schedule.window))
  }

  func configuration(_ item: Int) -> Configuration {
    state.schedule.items[item].membership.configuration
  }

  /// Whether this node votes on slots that are yet to be opened.
  var mayStand: Bool {
    settings.decorations.standsForLeader && isVoter && !isGuarded && mayBreakGrant(as: me)
      && (windowItems.contains { configuration($0).place(of: me) != nil })
  }

  /// Nothing was heard of a leader for too long.
  mutating func missLeader() {
    electionAt = now.advanced(by: electionDelay())
    if role != .following { stepDown(for: nil) } else { setLeader(nil) }
    guard mayStand else { return lookForLeader() }
    settings.decorations.asksBeforeStanding ? startProbe() : stand()
  }

  /// A node that votes in no slot to come hears of nobody by itself: it asks anyone.
  private mutating func lookForLeader() {
    guard let someone = anyone() else { return }
    let isOut = !windowItems.contains { configuration($0).place(of: me) != nil }
    if isOut, !waiting.isEmpty || pendingWake != nil || indexes.isWanted { setLeader(someone) }
    askForEntries(of: someone)
  }

  /// Asks whether others miss the leader too, so that a node that was cut off does not outbid a leader
  /// that all others hear (rule 41).
  private mutating func startProbe() {
    role = .probing
    probe.round += 1
    probe.agreeing = [me]
    outbox.send(.probe(round: probe.round, chosen: chosenThrough), to: .peers)
    standIfAgreed()
  }

  mutating func receiveProbe(_ round: UInt64, _ chosen: Slot, from sender: VoterID) {
    guard sender != me else { return }
    knowChosen(chosen, by: sender)
    // One that left may not know: no leader writes to it any more. And who left, and votes no more, may
    // be the only one of an earlier quorum that is there to know (rule 21).
    if chosen < chosenThrough,
      !isVoter || !windowItems.contains(where: { configuration($0).place(of: sender) != nil })
    {
      receiveFetch(chosen.next, from: sender)
    }
    guard isVoter else { return }
    let hears = leader != nil && now < heardAt.advanced(by: settings.electionTimeout)
    // Who must take a snapshot first could have nothing chosen until then (rule 6).
    let canFollowUp = chosen >= log.first.previous || !mayStand
    let misses = role != .leading && !hears && mayFollow(sender) && canFollowUp
    outbox.send(.probed(round: round, misses: misses, promised: promised), to: .voter(sender))
  }

  mutating func receiveProbed(
    _ round: UInt64, _ misses: Bool, _ promised: Ballot, from sender: VoterID
  ) {
    see(promised)
    remind(sender, ofMoreThan: promised)
    guard role == .probing, round == probe.round, misses, !probe.agreeing.contains(sender) else {
      return
    }
    probe.agreeing.append(sender)
    standIfAgreed()
  }

  /// Quorums of both kinds: one whom few promise to, and who can have nothing chosen, would only unseat
  /// others, and be granted what keeps the next from leading.
  private mutating func standIfAgreed() {
    let isAgreed = windowItems.allSatisfy { item in
      let votes = votes(of: probe.agreeing, in: configuration(item))
      return configuration(item).isPrepareQuorum(votes)
        && configuration(item).isAcceptQuorum(votes)
    }
    if isAgreed { stand() }
  }

  func votes(of voters: [VoterID], in configuration: Configuration) -> VoteSet {
    var votes = VoteSet()
    for voter in voters {
      if let place = configuration.place(of: voter) { votes.insert(place) }
    }
    return votes
  }

  /// Stands for leader: asks for promises of a new ballot on all slots that it does not know chosen.
  mutating func stand() {
    guard let ballot = reservation.drawBallot(for: me) else {
      // A reservation is on its way; or none is left, and others are to lead.
      role = .following
      electionAt = now.advanced(by: reservation.ballots.isExhausted ? electionDelay() : 2)
      return
    }
    statistics.candidacies += 1
    role = .preparing
    lead = Leadership()
    lead.ballot = ballot
    lead.retransmitAt = now.advanced(by: settings.retransmitAfter)
    electionAt = now.advanced(by: electionDelay())
    receivePrepare(ballot, chosenThrough.next, from: me)
    // Whose own acceptor abstains could propose nothing.
    guard promised == ballot else {
      role = .following
      return
    }
    outbox.send(.prepare(ballot, from: chosenThrough.next), to: .peers)
  }

  /// Asks those again whose promise is not there, of all configurations of the window (rule 7).
  mutating func askForPromises() {
    lead.retransmitAt = now.advanced(by: settings.retransmitAfter)
    var asked: [VoterID] = []
    for item in windowItems {
      for voter in configuration(item).voters
      where !asked.contains(voter) && !hasPromised(voter) {
        asked.append(voter)
        if voter == me {
          receivePrepare(lead.ballot, chosenThrough.next, from: me)
        } else {
          outbox.send(.prepare(lead.ballot, from: chosenThrough.next), to: .voter(voter))
        }
      }
    }
  }

  private func hasPromised(_ voter: VoterID) -> Bool {
    lead.promises.contains { $0.voter == voter && $0.isComplete }
  }

  mutating func receivePromise(_ promise: Message.Promise, from sender: VoterID) {
    note(promise.ballot, by: sender)
    guard role == .preparing || role == .leading, promise.ballot == lead.ballot else { return }
    guard promise.parts <= UInt32(Message.maxEntries) else { return }
    knowChosen(promise.from.previous)
    let place = place(of: promise, sender)
    guard !lead.promises[place].isComplete else { return }
    lead.promises[place].got[Int(promise.part)] = true
    for accepted in promise.accepted where accepted.slot >= lead.next || role == .preparing {
      #if PlantedBugs
        if PlantedBug.has(.earlyMaximum), role == .leading { continue }
        if PlantedBug.has(.firstReport), lead.reported[accepted.slot] != nil { continue }
      #endif
      lead.highestReported = max(lead.highestReported, accepted.slot)
      // The highest ballot of all promises, those that come late too (rule 8).
      if let known = lead.reported[accepted.slot], known.ballot >= accepted.ballot { continue }
      lead.reported[accepted.slot] = accepted
    }
    guard lead.promises[place].isComplete else { return }
    lead.hear(sender, at: now)
    if promise.from > chosenThrough.next { askForEntries(of: sender) }
    if role == .preparing { leadIfPromised() }
  }

  /// Where the promise of a voter is kept; begun anew where it tells of other slots than before.
  private mutating func place(of promise: Message.Promise, _ sender: VoterID) -> Int {
    let fresh = Leadership.Promised(
      voter: sender, from: promise.from, parts: promise.parts, content: promise.content,
      got: [Bool](repeating: false, count: Int(promise.parts)))
    guard let place = lead.promises.firstIndex(where: { $0.voter == sender }) else {
      lead.promises.append(fresh)
      return lead.promises.count - 1
    }
    let known = lead.promises[place]
    // Parts of two answers make none: a slot might be in neither.
    if !known.isComplete,
      known.from != promise.from || known.parts != promise.parts
        || known.content != promise.content
    {
      lead.promises[place] = fresh
    }
    return place
  }

  /// Whether a prepare quorum of the slot's own configuration promised, and told of it (rule 7).
  func isPromised(_ slot: Slot) -> Bool {
    #if PlantedBugs
      if PlantedBug.has(.firstQuorumForAll) { return true }
    #endif
    let configuration = state.schedule.configuration(at: slot)
    var votes = VoteSet()
    for promise in lead.promises where promise.from <= slot && promise.isComplete {
      if let place = configuration.place(of: promise.voter) { votes.insert(place) }
    }
    return configuration.isPrepareQuorum(votes)
  }

  /// Becomes leader as soon as a quorum of the next slot's configuration promised, whatever part of
  /// the log it has told of.
  private mutating func leadIfPromised() {
    let configuration = state.schedule.configuration(at: chosenThrough.next)
    let promised = lead.promises.filter(\.isComplete).map(\.voter)
    guard configuration.isPrepareQuorum(votes(of: promised, in: configuration)) else { return }
    statistics.elections += 1
    role = .leading
    lead.next = chosenThrough.next
    lead.base = lead.next
    lead.unsent = lead.next
    lead.highestChosen = chosenThrough
    lead.wantsRound = true
    lead.heartbeatAt = now
    lead.retransmitAt = now.advanced(by: settings.retransmitAfter)
    lead.checkAt = now.advanced(by: settings.electionTimeout)
    setLeader(me)
    dispatch()
  }

  /// Leads or stands no more: what it had proposed may be chosen all the same.
  mutating func stepDown(for voter: VoterID?) {
    flushProposals()
    let wasLeading = role == .leading
    let transfer = lead.transfer
    // What it granted itself nobody trusts any more, and would only keep others from leading.
    if grants.holder == me { grants.holder = .none }
    // Whoever it handed over to stands; nobody else that is merely heard of need lead.
    let isTakenOver = highestSeen > lead.ballot && highestSeen.voter == transfer?.to
    let next = voter ?? (isTakenOver ? transfer?.to : nil)
    role = .following
    lead = Leadership()
    // It trusts its lease no more. Kept, its own grant would have it refuse whoever leads now until it
    // stands again itself: where all are needed, two would go on like that for ever.
    if grants.holder == me { grants.holder = .none }
    electionAt = now.advanced(by: electionDelay())
    setLeader(voter)
    guard wasLeading else { return }
    if let id = transfer?.proposal {
      ended.append(
        Ended(
          proposal: id, outcome: next.map { .transferred(to: $0) } ?? .unknown(.leadershipLost)))
    }
    loseLeadership()
  }

  // MARK: Transfer

  mutating func receiveTakeOver(_ ballot: Ballot, _ round: UInt64, from sender: VoterID) {
    guard ballot.voter == sender, ballot == promised, sender != me, role != .leading, isVoter else {
      return
    }
    // It comes late: what was granted since is trusted (rule 45).
    guard grants.holder != sender || grants.round <= round else { return }
    guard windowItems.contains(where: { configuration($0).place(of: me) != nil }) else { return }
    // The one that it was granted to asks for it.
    grants.holder = .none
    stand()
  }

  /// The sender hands over: it trusts no more what it was granted, and others may be followed at once.
  mutating func receiveRelease(_ ballot: Ballot, _ round: UInt64, from sender: VoterID) {
    guard ballot.voter == sender, ballot == promised, grants.holder == sender,
      grants.round <= round
    else { return }
    grants.holder = .none
  }

  /// Asks another to take over.
  @usableFromInline
  mutating func transfer(to voter: VoterID?, as id: ProposalID?) {
    func end(_ reason: NotApplied) {
      if let id { ended.append(Ended(proposal: id, outcome: .notApplied(reason))) }
    }
    guard role == .leading else { return end(.notLeader(leader)) }
    guard lead.transfer == nil else { return end(.overloaded) }
    let configuration = state.schedule.configuration(at: chosenThrough.next)
    let furthest = lead.peers.filter {
      $0.voter != me && configuration.place(of: $0.voter) != nil
        && $0.heardAt.advanced(by: settings.electionTimeout) > now
    }.max { ($0.applied, $1.voter) < ($1.applied, $0.voter) }
    guard let target = voter ?? furthest?.voter, target != me,
      configuration.place(of: target) != nil
    else { return end(.notAVoter(voter ?? .none)) }
    // What it holds of a lease it trusts no more, before anyone else may lead (rule 45).
    lead.leaseFrom = lead.round + 1
    for place in lead.peers.indices { lead.peers[place].leaseUntil = Ticks(0) }
    grants.holder = .none
    lead.transfer = Leadership.Transfer(
      proposal: id, to: target, until: now.advanced(by: settings.electionTimeout))
    outbox.send(.release(lead.ballot, round: lead.round), to: .peers)
    outbox.send(.takeOver(lead.ballot, round: lead.round), to: .voter(target))
  }
}
