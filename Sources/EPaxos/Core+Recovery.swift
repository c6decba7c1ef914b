internal import Synod

/// Recovery of an instance whose owner is silent (rules 15 to 24).
extension Core {
  /// Begins one at a ballot of this node's own, above all that it knows of (rule 16).
  ///
  /// A ballot is a counter and the voter that drew it, so no two voters share one, as they would with
  /// `bal + n` after promising another's (B24); classes of residues would do the same, and need the
  /// number of the voters.
  mutating func recover(_ id: InstanceID) {
    guard isVoter, table.takes(id), !table.isCommitted(id), !table.isTruncated(id) else { return }
    let counter = max(table[id]?.bal.counter ?? 0, refusals[id] ?? 0)
    guard counter < Ballot.counterLimit else { return }
    let ballot = Ballot(epoch: id.row.epoch, counter: counter + 1, voter: me)
    statistics.recoveries += 1
    let batch = promise(ballot, id)
    let patience = settings.attemptLasts << min(counter, 6)
    begin(
      id,
      Attempt(
        ballot, .collecting, resendAt: jittered(settings.retransmitAfter),
        endsAt: jittered(patience)))
    outbox.send(.recover(ballot, id), to: .peers, after: batch)
    if let instance = table[id] { vote(.holding(ballot, id, Holding(instance)), for: id) }
  }

  /// Promises a ballot that is higher than all before.
  private mutating func promise(_ ballot: Ballot, _ id: InstanceID) -> PersistBatch {
    outbid(id, by: ballot)
    let batch = outbox.record(.promised(id, ballot))
    let now = now
    table.update(id) {
      #if PlantedBugs
        if PlantedBug.has(.singleBallot), $0.phase == .accepted { $0.abal = $0.bal }
      #endif
      $0.bal = ballot
      $0.batch = batch
      $0.noticedAt = now
    }
    return batch
  }

  /// Begins anew: with answers of those who are there now (rule 23).
  mutating func tryAgain(_ id: InstanceID) {
    forget(id)
    recover(id)
  }

  mutating func receiveRecover(_ ballot: Ballot, _ id: InstanceID, from sender: VoterID) {
    guard isVoter, sender == ballot.voter, sender != me, reaches(id) else { return }
    #if PlantedBugs
      if PlantedBug.has(.unknownForgotten), table.isTruncated(id) {
        return outbox.send(.holding(ballot, id, Holding(Instance())), to: sender)
      }
    #endif
    if answerDecided(id, to: sender) { return }
    let promised = table[id]?.bal ?? .zero
    guard promised <= ballot else {
      return outbox.send(.refused(ballot, id, promised: promised), to: sender)
    }
    // Whoever asks is given time, but for no more than it asks for: asking again, one that hears no
    // answer would else keep all others from recovering it for ever.
    if promised < ballot { _ = promise(ballot, id) }
    guard let instance = table[id] else { return }
    outbox.send(.holding(ballot, id, Holding(instance)), to: sender, after: instance.batch)
  }

  /// Somebody promised more: time is given to whoever that is, the more the more often, and the more
  /// the further this node is from the owner (rule 24).
  mutating func receiveRefused(_ ballot: Ballot, _ id: InstanceID, _ promised: Ballot) {
    guard !ballot.isZero, let attempt = attempts[id], attempt.ballot == ballot, promised > ballot
    else { return }
    guard refusals[id] ?? 0 < promised.counter else { return }
    refusals[id] = promised.counter
    let distance = electorate.distance(from: id.owner)
    let patience = settings.retransmitAfter + settings.recoverSpread * distance
    let endsAt = jittered(patience << min(promised.counter, 6))
    attempts[id]?.endsAt = endsAt
    wake(id)
  }

  mutating func receiveHolding(
    _ ballot: Ballot, _ id: InstanceID, _ holding: Holding, from place: Int
  ) {
    // Also that it is of this attempt: one of an earlier one says what was before (B21).
    guard let attempt = attempts[id], attempt.ballot == ballot, attempt.answers[place] == nil,
      table[id]?.bal == ballot, table.takes(holding.dep)
    else { return }
    table.see(holding.dep)
    attempts[id]?.answers[place] = holding
    switch attempt.stage {
    case .collecting:
      attempts[id]?.quorum.insert(place)
      if let quorum = attempts[id]?.quorum, quorum.count >= electorate.thresholds.slow {
        decideRecovery(id)
      }
    case .waiting: lookAtLate(holding, from: place, of: id)
    case .preAccepting, .validating, .accepting: break
    }
  }

  /// R1 to R5.
  private mutating func decideRecovery(_ id: InstanceID) {
    guard let attempt = attempts[id] else { return }
    let answers = attempt.answers.sorted { $0.key < $1.key }.map {
      (place: $0.key, holding: $0.value)
    }
    let owner = electorate.configuration.place(of: id.owner)
    switch RecoveryRow(answers, owner: owner, electorate.thresholds) {
    case .committed(let value):
      statistics.recoveryRows[0] += 1
      commit(id, value, announce: true)
    case .accepted(let value):
      statistics.recoveryRows[1] += 1
      propose(value, for: id)
    case .ownerAnswered:
      statistics.recoveryRows[2] += 1
      propose(.nop, for: id)
    case .validate(let value, let unchanged):
      statistics.recoveryRows[3] += 1
      beginValidation(id, value, unchanged)
    case .nothingDecided:
      statistics.recoveryRows[4] += 1
      propose(.nop, for: id)
    }
  }

  // MARK: Validation

  private mutating func beginValidation(_ id: InstanceID, _ value: Value, _ unchanged: Int) {
    guard let attempt = attempts[id] else { return }
    attempts[id]?.stage = .validating(.init(value: value, unchanged: unchanged))
    for place in electorate.configuration.voters.indices where attempt.quorum.contains(place) {
      validate(id, attempt.ballot, value, at: place)
    }
  }

  mutating func validate(_ id: InstanceID, _ ballot: Ballot, _ value: Value, at place: Int) {
    let voter = electorate.configuration.voters[place]
    if voter == me {
      receiveValidate(ballot, id, value, from: me)
    } else {
      outbox.send(.validate(ballot, id, value), to: voter)
    }
  }

  mutating func receiveValidate(
    _ ballot: Ballot, _ id: InstanceID, _ value: Value, from sender: VoterID
  ) {
    guard isVoter, sender == ballot.voter, table.takes(id), table.takes(value.dep) else { return }
    if answerDecided(id, to: sender) { return }
    guard let instance = table[id], instance.bal == ballot else {
      let promised = table[id]?.bal ?? .zero
      if promised > ballot { outbox.send(.refused(ballot, id, promised: promised), to: sender) }
      return
    }
    // A repeated one may come when a value is accepted at this ballot: it would then put the owner's
    // command in that value's place (rule 18, B3).
    if instance.phase >= .accepted || instance.abal == ballot {
      #if PlantedBugs
        guard PlantedBug.has(.lateValidate) else { return }
      #else
        return
      #endif
    }
    if instance.initCmd != value.batch || instance.initDep != value.dep
      || instance.cmd != value.batch
    {
      let value = Value(value.batch.compacted(), value.dep)
      let batch = outbox.record(.validated(id, value))
      note(id, value.batch)
      table.update(id) { $0.validate(value, in: batch) }
      table.see(value.dep)
    }
    // Where there are more than a message holds, no answer is better than a part of one.
    guard let found = objections(to: value, of: id) else { return }
    outbox.send(
      .validated(ballot, id, found), to: sender, after: table[id]?.batch ?? .none)
  }

  /// What conflicts with a value, and neither comes behind the other, as far as is known here
  /// (rule 19). One that is committed is enough; nil where there are too many.
  func objections(to value: Value, of id: InstanceID) -> [Objection]? {
    let footprint = reading.footprint(of: value.batch)
    // Nothing behind these conflicts: most rows need no look.
    let conflicts = index.conflicts(with: footprint)
    var found: [Objection] = []
    for line in table.lines {
      var number = max(value.dep[line.row], line.truncated) + 1
      let last = min(line.last, conflicts[line.row])
      while number <= last {
        defer { number += 1 }
        let other = InstanceID(row: line.row, number: number)
        guard other != id, let instance = line[number] else { continue }
        let isCommitted = instance.phase == .committed
        // Of what is undecided, what its owner proposed counts, and behind what it proposed it.
        guard let cmd = isCommitted ? instance.cmd : instance.initCmd, !cmd.isNop,
          !instance.proposedBehind.contains(id),
          footprint.interferes(with: reading.footprint(of: cmd))
        else { continue }
        if isCommitted { return [Objection(other, isCommitted: true)] }
        found.append(Objection(other, isCommitted: false))
      }
    }
    return found.count <= Message.maxElements ? found : nil
  }

  mutating func receiveValidated(
    _ ballot: Ballot, _ id: InstanceID, _ objections: [Objection], from place: Int
  ) {
    guard let attempt = attempts[id], attempt.ballot == ballot, attempt.quorum.contains(place),
      table[id]?.bal == ballot, case .validating(var validation) = attempt.stage,
      !validation.votes.contains(place)
    else { return }
    validation.votes.insert(place)
    #if PlantedBugs
      let objections = PlantedBug.has(.unheardObjections) ? [] : objections
    #endif
    for objection in objections where objection.id != id { validation.object(objection) }
    attempts[id]?.stage = .validating(validation)
    if validation.votes == attempt.quorum { decideValidation(id, validation, attempt.quorum) }
  }

  /// V1 to V3.
  private mutating func decideValidation(
    _ id: InstanceID, _ validation: Attempt.Validation, _ quorum: VoteSet
  ) {
    let configuration = electorate.configuration
    let row = ValidationRow(validation, quorum: quorum.count, electorate.thresholds) { voter in
      configuration.place(of: voter).map { !quorum.contains($0) } ?? true
    }
    switch row {
    case .accept:
      statistics.validationRows[0] += 1
      propose(validation.value, for: id)
    case .giveUp:
      statistics.validationRows[1] += 1
      propose(.nop, for: id)
    case .wait:
      statistics.validationRows[2] += 1
      beginWaiting(id, validation)
    }
  }

  // MARK: Waiting

  private mutating func beginWaiting(_ id: InstanceID, _ validation: Attempt.Validation) {
    attempts[id]?.stage = .waiting(validation)
    waitingIDs.insert(id, at: waitingIDs.firstIndex { $0 > id } ?? waitingIDs.count)
    // What it waits for is recovered, too (rule 23), when its owner has had its time.
    for objection in validation.objections { table.see(objection.id) }
    outbox.send(.waiting(id, unchanged: validation.unchanged), to: .peers)
    // Answers of others that came meanwhile, and what this node knows itself, count at once.
    receiveWaiting(id, validation.unchanged)
    guard let attempt = attempts[id] else { return }
    for (place, holding) in attempt.answers.sorted(by: { $0.key < $1.key }) {
      lookAtLate(holding, from: place, of: id)
    }
    lookAtWaiting(id)
  }

  /// One process often recovers both of two that wait for each other, so it hears itself, too
  /// (rule 22); and what is heard before it waits is remembered.
  mutating func receiveWaiting(_ id: InstanceID, _ unchanged: Int) {
    guard table.takes(id), !table.isCommitted(id), !table.isTruncated(id) else { return }
    guard waitingHeard[id] ?? 0 < unchanged else { return }
    waitingHeard[id] = unchanged
    table.see(id)
    lookAtWaiting(for: id)
  }

  /// Looks at those that wait for this one.
  mutating func lookAtWaiting(for other: InstanceID) {
    for id in waitingIDs {
      guard case .waiting(let validation)? = attempts[id]?.stage,
        validation.objections.contains(where: { $0.id == other })
      else { continue }
      lookAtWaiting(id)
    }
  }

  /// W1 to W3.
  private mutating func lookAtWaiting(_ id: InstanceID) {
    guard case .waiting(let validation)? = attempts[id]?.stage else { return }
    // What is forgotten cannot be looked up. Who is asked anew knows the barrier behind it, as a rule; one
    // who does not yet would object again, so that is not done at once.
    if validation.objections.contains(where: { table.isTruncated($0.id) }) {
      let again = now.advanced(by: settings.retransmitAfter)
      let endsAt = attempts[id]?.endsAt ?? again
      attempts[id]?.endsAt = min(endsAt, again)
      return wake(id)
    }
    let states = validation.objections.map { objection in
      (state: state(of: objection.id, against: id), waits: waitingHeard[objection.id])
    }
    switch WaitingRow(states, electorate.thresholds) {
    case .overruled:
      statistics.waitingRows[0] += 1
      propose(.nop, for: id)
    case .cleared:
      statistics.waitingRows[1] += 1
      propose(validation.value, for: id)
    case .yields:
      statistics.waitingRows[2] += 1
      propose(.nop, for: id)
    case .accepted, .ownerAnswered, nil: break
    }
  }

  private func state(of other: InstanceID, against id: InstanceID) -> ObjectionState {
    guard let instance = table[other], instance.phase == .committed else { return .open }
    return instance.cmd?.isNop ?? true || instance.dep.contains(id) ? .withdrawn : .stands
  }

  /// W4.
  private mutating func lookAtLate(_ holding: Holding, from place: Int, of id: InstanceID) {
    guard let attempt = attempts[id], case .waiting = attempt.stage,
      !attempt.quorum.contains(place)
    else { return }
    let isOwner = electorate.configuration.voters[place] == id.owner
    switch WaitingRow(holding, isOwner: isOwner) {
    case .accepted(let value):
      statistics.waitingRows[3] += 1
      propose(value, for: id)
    case .ownerAnswered:
      statistics.waitingRows[3] += 1
      propose(.nop, for: id)
    case .overruled, .cleared, .yields, nil: break
    }
  }
}

extension Instance {
  /// What it comes behind, for good, or as far as its owner knew.
  fileprivate var proposedBehind: Dependencies {
    #if PlantedBugs
      if PlantedBug.has(.foundDependencies) { return dep }
    #endif
    return phase == .committed ? dep : initDep
  }

  /// Takes what a recovery says that the owner proposed; what is held, promised and accepted stays as
  /// it is (rule 18).
  mutating func validate(_ value: Value, in batch: PersistBatch) {
    cmd = value.batch
    initCmd = value.batch
    initDep = value.dep
    self.batch = batch
  }
}
