internal import Synod

/// What this node holds for others (rules 9, 11, 13 and 14).
extension Core {
  /// What is decided is answered with that, and nothing else (rules 13 and 43).
  /// - Returns: whether it is.
  mutating func answerDecided(_ id: InstanceID, to voter: VoterID) -> Bool {
    if table.isTruncated(id) {
      if voter != me { outbox.send(.standing(standing, asks: false), to: voter) }
      return true
    }
    guard let instance = table[id], instance.phase == .committed, let cmd = instance.cmd else {
      return false
    }
    if voter != me {
      outbox.send(
        .commit([.init(id, Value(cmd, instance.dep))]), to: voter, after: instance.batch)
    }
    return true
  }

  /// Whether a message about an instance may be taken. One that is out of reach, since this node was away for
  /// long, is heard of at least: it is then asked for, and comes in a snapshot.
  mutating func reaches(_ id: InstanceID) -> Bool {
    if table.takes(id) { return true }
    table.see(id)
    return false
  }

  /// Whether too much waits for the store to take more requests.
  private var isFull: Bool { outbox.heldCount >= settings.maxHeldReplies }

  mutating func receivePreAccept(_ id: InstanceID, _ value: Value, from sender: VoterID) {
    guard isVoter, sender == id.owner, sender != me, reaches(id), table.takes(value.dep), !isFull
    else { return }
    if answerDecided(id, to: sender) { return }
    let instance = table[id] ?? Instance()
    guard instance.bal.isZero else {
      return outbox.send(.refused(.zero, id, promised: instance.bal), to: sender)
    }
    switch instance.phase {
    case .initial:
      let footprint = reading.footprint(of: value.batch)
      let dep = value.dep.union(index.conflicts(with: footprint))
      let value = Value(value.batch.compacted(), value.dep)
      note(id, footprint)
      hold(id, value, behind: dep)
      outbox.send(.preAccepted(id, dep), to: sender, after: table[id]?.batch ?? .none)
    case .preaccepted:
      // What was said once: never computed anew.
      #if PlantedBugs
        if PlantedBug.has(.recomputedAnswer) {
          let dep = instance.dep.union(index.conflicts(with: reading.footprint(of: value.batch)))
          return outbox.send(.preAccepted(id, dep), to: sender)
        }
      #endif
      outbox.send(.preAccepted(id, instance.dep), to: sender, after: instance.batch)
    case .accepted, .committed: break
    }
  }

  mutating func receiveAccept(
    _ ballot: Ballot, _ id: InstanceID, _ value: Value, from sender: VoterID
  ) {
    guard isVoter, sender == (ballot.isZero ? id.owner : ballot.voter), sender != me,
      reaches(id), table.takes(value.dep), !isFull
    else { return }
    if answerDecided(id, to: sender) { return }
    let instance = table[id] ?? Instance()
    guard instance.bal <= ballot else {
      return outbox.send(.refused(ballot, id, promised: instance.bal), to: sender)
    }
    if instance.phase < .accepted || instance.abal != ballot {
      accept(ballot, id, Value(value.batch.compacted(), value.dep))
    }
    outbox.send(.accepted(ballot, id), to: sender, after: table[id]?.batch ?? .none)
  }

  /// Accepts a value at a ballot that is not below what was promised (rule 11).
  mutating func accept(_ ballot: Ballot, _ id: InstanceID, _ value: Value) {
    outbid(id, by: ballot)
    let isSame = table[id]?.cmd == value.batch
    let batch = outbox.record(.accepted(id, ballot, isSame ? nil : value.batch, value.dep))
    if !isSame { note(id, value.batch) }
    let now = now
    table.update(id) {
      $0.accept(ballot, value, in: batch)
      // Whoever asked is at work: it is given time.
      if $0.noticedAt != nil { $0.noticedAt = now }
    }
    table.see(value.dep)
  }

  /// Has a value accepted, at the ballot that is under way.
  mutating func propose(_ value: Value, for id: InstanceID) {
    guard let ballot = attempts[id]?.ballot, table[id]?.bal == ballot else { return forget(id) }
    if case .waiting? = attempts[id]?.stage { waitingIDs.removeAll { $0 == id } }
    accept(ballot, id, value)
    attempts[id]?.stage = .accepting(value, VoteSet())
    let resendAt = jittered(settings.retransmitAfter)
    attempts[id]?.resendAt = resendAt
    // No later life asks at this ballot again, so this needs not wait for the record.
    ask(.accept(ballot, id, value), electorate.thresholds.slow, for: id)
    vote(.accepted(ballot, id), for: id)
    wake(id)
  }

  mutating func receiveAccepted(_ ballot: Ballot, _ id: InstanceID, from place: Int) {
    guard let attempt = attempts[id], attempt.ballot == ballot, table[id]?.bal == ballot,
      case .accepting(let value, var votes) = attempt.stage
    else { return }
    votes.insert(place)
    guard votes.count >= electorate.thresholds.slow else {
      attempts[id]?.stage = .accepting(value, votes)
      return
    }
    commit(id, value, announce: true)
  }

  mutating func receiveCommit(_ committed: [Message.Committed]) {
    for one in committed
    where stopped == nil && reaches(one.id) && table.takes(one.value.dep)
      && !table.isTruncated(one.id)
    {
      switch attempts[one.id]?.stage {
      case .collecting: statistics.recoveryRows[0] += 1
      case .waiting: statistics.waitingRows[3] += 1
      case .preAccepting, .validating, .accepting, nil: break
      }
      if table[one.id]?.noticedAt != nil { statistics.fetched += 1 }
      commit(one.id, Value(one.value.batch.compacted(), one.value.dep), announce: false)
    }
  }

  /// Takes a decision, for good (rule 13): at any ballot, since there is only one.
  mutating func commit(_ id: InstanceID, _ value: Value, announce: Bool) {
    guard stopped == nil else { return }
    let held = table[id]
    if let held, held.phase == .committed {
      // Agreement (rule 7).
      if held.cmd != value.batch || held.dep != value.dep { stop(.machineStopped) }
      return
    }
    let isSame = held?.cmd == value.batch
    let batch = outbox.record(.committed(id, isSame ? nil : value.batch, value.dep))
    if !isSame { note(id, value.batch) }
    table.update(id) { $0.commit(value, in: batch) }
    table.see(value.dep)
    table.advance(id.row)
    forget(id)
    waitingHeard[id] = nil
    refusals[id] = nil
    undurable.append(Decided(id: id, batch: batch))
    if announce {
      #if PlantedBugs
        if PlantedBug.has(.earlyCommit) { outbox.send(.commit([.init(id, value)]), to: .peers) }
      #endif
      outbox.send(.commit([.init(id, value)]), to: .peers, after: batch)
    }
    if value.batch.isNop { takeBack(id) }
    if !waitingIDs.isEmpty { lookAtWaiting(for: id) }
  }

  /// A decision is durable: it may be executed.
  mutating func release(_ id: InstanceID) {
    guard let instance = table[id], instance.phase == .committed, let cmd = instance.cmd else {
      return
    }
    let footprint = cmd.isNop ? nil : reading.footprint(of: cmd)
    graph.commit(id, behind: instance.dep, footprint: footprint)
  }
}

extension Instance {
  mutating func accept(_ ballot: Ballot, _ value: Value, in batch: PersistBatch) {
    phase = .accepted
    bal = ballot
    abal = ballot
    cmd = value.batch
    dep = value.dep
    self.batch = batch
  }

  mutating func commit(_ value: Value, in batch: PersistBatch) {
    phase = .committed
    cmd = value.batch
    dep = value.dep
    self.batch = batch
  }
}
