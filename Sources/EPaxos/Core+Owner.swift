internal import Synod

/// The commit path at the owner (rules 8, 10 and 35).
extension Core {
  /// Whether an instance can be opened for what waits.
  var needsFlush: Bool {
    stopped == nil && isVoter && !waiting.isEmpty && !isYielding
      && own.count < settings.maxOpenInstances
      && reservation.last < reservation.reserved
      && isOwnRowOpen
  }

  /// Whether others take the next number of this node's row: where too much of it is not forgotten, they
  /// would not.
  var isOwnRowOpen: Bool {
    table.takes(InstanceID(row: ownRow, number: reservation.last + 1))
  }

  /// Opens instances for what waits, several proposals in each.
  mutating func flush() {
    while needsFlush {
      let (batch, numbers) = nextBatch()
      for _ in numbers { waiting.removeFirst() }
      open(batch, for: numbers)
      yieldIfOvertaken()
    }
    if !waiting.isEmpty, reservation.isDry, reservation.last > reservation.inherited {
      reservation.grow()
    }
    if isVoter { reservation.request(ownRow, in: &outbox) }
  }

  /// What is old comes first: or there might be no end to what is put in front of it (rule 41).
  mutating func yieldIfOvertaken() {
    guard !waiting.isEmpty, isVoter, graph.isOvertaken(.barrier, by: settings.maxOvertaken) else {
      return isYielding = false
    }
    let footprint = reading.footprint(of: nextBatch().0)
    isYielding = graph.isOvertaken(footprint, by: settings.maxOvertaken)
  }

  /// The first that wait, as many as one instance takes.
  private func nextBatch() -> (Batch, [UInt64]) {
    var entries: [Entry] = []
    var numbers: [UInt64] = []
    var size = 0
    while numbers.count < min(settings.maxBatch, waiting.count) {
      let number = waiting[numbers.count]
      guard let entry = pending[number]?.entry else { preconditionFailure("it waits, and ended") }
      // Barriers conflict with everything, and stand alone; a message must fit into a frame, so what is
      // long stands alone, too.
      if !entries.isEmpty, entry.isBarrier || size + entry.size > settings.maxMessageBytes { break }
      entries.append(entry)
      numbers.append(number)
      size += entry.size
      if entry.isBarrier { break }
    }
    return (Batch(entries), numbers)
  }

  /// Begins an instance of this node's own (rule 8).
  mutating func open(_ batch: Batch, for numbers: [UInt64]) {
    guard let number = reservation.draw() else { return }
    let id = InstanceID(row: ownRow, number: number)
    let footprint = reading.footprint(of: batch)
    let value = Value(batch, index.conflicts(with: footprint))
    note(id, footprint)
    hold(id, value, behind: value.dep)
    for number in numbers { pending[number]?.instance = id }
    own[id] = numbers
    let asked = settings.isThrifty ? electorate.thresholds.fast : electorate.thresholds.voters
    let asking = Attempt.PreAccepting(dep: value.dep, asked: asked)
    begin(id, Attempt(.zero, .preAccepting(asking), resendAt: jittered(settings.retransmitAfter)))
    // The number is reserved, so this needs not wait for the record (rule 28).
    ask(.preAccept(id, value), electorate.thresholds.fast, for: id)
    vote(.preAccepted(id, value.dep), for: id)
  }

  /// Notes, durably, what an owner proposed, and behind what it is held here.
  mutating func hold(_ id: InstanceID, _ value: Value, behind dep: Dependencies) {
    let batch = outbox.record(.preaccepted(id, value, held: dep))
    table.update(id) { $0.preaccept(value, behind: dep, in: batch) }
    table.see(dep)
  }

  /// Sends this node's own vote to itself: it counts when what it stands for is durable.
  mutating func vote(_ message: Message, for id: InstanceID) {
    outbox.send(message, to: me, after: table[id]?.batch ?? .none)
  }

  /// Asks all voters, or no more than it takes, those behind this one in their circle (rule 37).
  ///
  /// A recovery asks all: who recovers has reason to think that somebody is dead, and where that one is
  /// among the few who are asked, another recovery outbids this one before it asks the others.
  mutating func ask(_ message: Message, _ enough: Int, for id: InstanceID) {
    let isRecovery = !(table[id]?.bal.isZero ?? true)
    guard settings.isThrifty, !isRecovery, let place = electorate.place else {
      return outbox.send(message, to: .peers)
    }
    let voters = electorate.configuration.voters
    for distance in 1..<max(enough, 1) {
      outbox.send(message, to: voters[(place + distance) % voters.count])
    }
  }

  /// Sends again to those who have not voted.
  mutating func askAgain(_ message: Message, but votes: VoteSet) {
    for (place, voter) in electorate.configuration.voters.enumerated()
    where voter != me && !votes.contains(place) {
      outbox.send(message, to: voter)
      statistics.retransmissions += 1
    }
  }

  mutating func receivePreAccepted(_ id: InstanceID, _ dep: Dependencies, from place: Int) {
    guard case .preAccepting(var asking)? = attempts[id]?.stage, let instance = table[id],
      instance.bal.isZero, instance.phase == .preaccepted, !asking.votes.contains(place),
      table.takes(dep)
    else { return }
    asking.votes.insert(place)
    // Answers that agree with each other do not count: recovery looks for what the owner sent (B5).
    if dep == instance.initDep { asking.unchanged.insert(place) }
    #if PlantedBugs
      if PlantedBug.has(.agreedDependencies) { asking.unchanged.insert(place) }
    #endif
    asking.dep.formUnion(dep)
    table.see(dep)
    attempts[id]?.stage = .preAccepting(asking)
    decide(id, asking, instance, isLate: false)
  }

  /// Decides in one round trip, or sees that it takes two (rule 10).
  func isFastPathOpen(_ asking: Attempt.PreAccepting) -> Bool {
    let silent = asking.asked - asking.votes.count
    return asking.unchanged.count + silent >= electorate.thresholds.fast
  }

  mutating func decide(
    _ id: InstanceID, _ asking: Attempt.PreAccepting, _ instance: Instance, isLate: Bool
  ) {
    guard asking.votes.count >= electorate.thresholds.slow, let cmd = instance.cmd else { return }
    if asking.unchanged.count >= electorate.thresholds.fast {
      statistics.fast += 1
      #if PlantedBugs
        if PlantedBug.has(.agreedDependencies) {
          return commit(id, Value(cmd, asking.dep), announce: true)
        }
      #endif
      commit(id, Value(cmd, instance.initDep), announce: true)
    } else if isLate || !isFastPathOpen(asking) {
      statistics.slow += 1
      propose(Value(cmd, asking.dep), for: id)
    } else if asking.giveUpAt == nil {
      var asking = asking
      asking.giveUpAt = now.advanced(by: settings.slowPathAfter)
      attempts[id]?.stage = .preAccepting(asking)
      wake(id)
    }
  }

  // MARK: Attempts

  mutating func begin(_ id: InstanceID, _ attempt: Attempt) {
    forget(id)
    attempts[id] = attempt
    if !attempt.ballot.isZero { allRecoveries += 1 }
    wake(id)
  }

  /// Ends what is under way for an instance.
  mutating func forget(_ id: InstanceID) {
    guard let attempt = attempts.removeValue(forKey: id) else { return }
    if !attempt.ballot.isZero { allRecoveries -= 1 }
    if case .waiting = attempt.stage { waitingIDs.removeAll { $0 == id } }
  }

  /// Ends what is under way at a lower ballot: its votes count no more (rule 14).
  mutating func outbid(_ id: InstanceID, by ballot: Ballot) {
    guard let attempt = attempts[id], attempt.ballot < ballot else { return }
    forget(id)
  }

  mutating func wake(_ id: InstanceID) {
    guard let attempt = attempts[id] else { return }
    let due = attempt.dueAt
    // That one finds what was put off.
    if let timer = attempt.timer, timer <= due { return }
    attempts[id]?.timer = due
    timers.insert(TimerHeap.Timer(at: due, id: id))
  }

  /// A timer of its came up, perhaps too early.
  mutating func look(at id: InstanceID, by timer: Ticks) {
    guard let attempt = attempts[id], attempt.timer == timer else { return }
    attempts[id]?.timer = nil
    if attempt.dueAt <= now {
      if case .preAccepting(var asking) = attempt.stage, let late = asking.giveUpAt, late <= now,
        let instance = table[id]
      {
        asking.giveUpAt = nil
        attempts[id]?.stage = .preAccepting(asking)
        decide(id, asking, instance, isLate: true)
      } else if let endsAt = attempt.endsAt, endsAt <= now {
        return tryAgain(id)
      }
      resend(id)
    }
    wake(id)
  }

  /// Sends again what was not answered.
  private mutating func resend(_ id: InstanceID) {
    guard let attempt = attempts[id], attempt.resendAt <= now, let instance = table[id] else {
      return
    }
    let resendAt = jittered(settings.retransmitAfter)
    attempts[id]?.resendAt = resendAt
    switch attempt.stage {
    case .preAccepting(var asking):
      guard let cmd = instance.initCmd else { return }
      asking.asked = electorate.thresholds.voters
      attempts[id]?.stage = .preAccepting(asking)
      askAgain(.preAccept(id, Value(cmd, instance.initDep)), but: asking.votes)
    case .collecting: recover(id, attempt)
    case .validating(let validation):
      for place in electorate.configuration.voters.indices
      where attempt.quorum.contains(place) && !validation.votes.contains(place) {
        validate(id, attempt.ballot, validation.value, at: place)
      }
      recover(id, attempt)
    case .waiting(let validation):
      outbox.send(.waiting(id, unchanged: validation.unchanged), to: .peers)
      recover(id, attempt)
    case .accepting(let value, let votes):
      askAgain(.accept(attempt.ballot, id, value), but: votes)
    }
  }

  /// Asks those who have not answered; also for what frees a recovery that waits (rule 23).
  private mutating func recover(_ id: InstanceID, _ attempt: Attempt) {
    var votes = VoteSet()
    for place in attempt.answers.keys { votes.insert(place) }
    guard table[id]?.batch ?? .none <= outbox.durable else { return }
    askAgain(.recover(attempt.ballot, id), but: votes)
  }
}

extension Instance {
  mutating func preaccept(_ value: Value, behind dep: Dependencies, in batch: PersistBatch) {
    phase = .preaccepted
    cmd = value.batch
    initCmd = value.batch
    initDep = value.dep
    self.dep = dep
    self.batch = batch
  }
}
