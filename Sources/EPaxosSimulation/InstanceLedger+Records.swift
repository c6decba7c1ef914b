internal import EPaxos
internal import Synod

/// What stores hold for certain.
extension InstanceLedger {
  /// These are durable.
  mutating func persisted(_ records: [Record], by voter: VoterID) {
    guard let place = place(of: voter) else { return }
    for record in records { persisted(record, by: voter, place) }
  }

  private mutating func persisted(_ record: Record, by voter: VoterID, _ place: Int) {
    switch record {
    case .begun, .stateBegins, .statePiece: break
    case .installed(let number):
      if let found = chronicle.take(number, of: voter) { installed(found, place) }
    case .entered(let membership, let id):
      if let wrong = roll.observe(membership, of: voter) { violate(wrong) }
      if decided[id] == nil {
        violate("voter \(voter) left an epoch by \(id), which is not decided")
      }
      stores[place].epoch = max(stores[place].epoch, membership.epoch)
    case .reserve(let row, let number):
      stores[place].reserved[row] = max(stores[place].reserved[row] ?? 0, number)
    case .preaccepted(let id, let value, let held):
      vote(id, by: voter, place) { one in
        if !one.bal.isZero || one.phase != .initial { return "pre-accepts \(id) too late" }
        one.phase = .preaccepted
        one.value = Value(value.batch, held)
        one.proposed = value
        one.preaccepted = held
        return held.isSuperset(of: value.dep) ? nil : "leaves out what \(id) was behind"
      }
      propose(value, as: id)
      mustCover(held, of: id, by: voter, place)
    case .promised(let id, let ballot):
      // The answer may leave when it has been forgotten since: all of it was durable at once.
      if stores[place].truncated.contains(id) {
        violate("voter \(voter) promises for \(id), which it has forgotten, as for what it knows")
      }
      vote(id, by: voter, place) { one in
        if ballot <= one.bal { return "promises \(ballot) of \(id) after \(one.bal)" }
        one.bal = ballot
        return nil
      }
    case .accepted(let id, let ballot, let batch, let dep):
      accepted(id, ballot, batch, dep, by: voter, place)
    case .validated(let id, let value):
      vote(id, by: voter, place) { one in
        if one.phase >= .accepted { return "takes a late question of \(id) for new" }
        one.proposed = value
        // Not what it comes behind, nor how far it is.
        one.value = Value(value.batch, one.value?.dep ?? Dependencies())
        return nil
      }
      propose(value, as: id)
      expectObjections(to: value, of: id, place)
    case .committed(let id, let batch, let dep): committed(id, batch, dep, by: voter, place)
    case .truncated(let through): truncated(through, by: voter, place)
    case .instance: break
    }
  }

  private mutating func vote(
    _ id: InstanceID, by voter: VoterID, _ place: Int, _ body: (inout Held) -> String?
  ) {
    if stores[place].isRetired { return violate("voter \(voter), who is lost, votes") }
    if id.row.epoch < stores[place].epoch {
      return violate("voter \(voter) holds anew \(id), and left that epoch")
    }
    if stores[place].truncated.contains(id) { return }
    var held = stores[place].held[id] ?? Held()
    if held.phase == .committed { return }
    let wrong = body(&held)
    stores[place].held[id] = held
    if let wrong { violate("voter \(voter) \(wrong)") }
  }

  private mutating func accepted(
    _ id: InstanceID, _ ballot: Ballot, _ batch: Batch?, _ dep: Dependencies, by voter: VoterID,
    _ place: Int
  ) {
    var value: Value?
    vote(id, by: voter, place) { one in
      if ballot < one.bal { return "accepts \(id) at \(ballot), and promised \(one.bal)" }
      guard let batch = batch ?? one.value?.batch else { return "accepts nothing of \(id)" }
      value = Value(batch, dep)
      one.bal = ballot
      one.abal = ballot
      one.phase = .accepted
      one.value = value
      one.accepted.insert(ballot)
      return nil
    }
    if let value {
      ask(value, at: ballot, for: id)
      if value.batch.isNop { stores[place].void.insert(id) }
    }
  }

  private mutating func committed(
    _ id: InstanceID, _ batch: Batch?, _ dep: Dependencies, by voter: VoterID, _ place: Int
  ) {
    var value: Value?
    vote(id, by: voter, place) { one in
      guard let batch = batch ?? one.value?.batch else { return "takes nothing for decided" }
      value = Value(batch, dep)
      one.phase = .committed
      one.value = value
      return nil
    }
    if let value {
      decide(value, of: id, says: voter)
      if value.batch.isNop { stores[place].void.insert(id) }
    }
  }

  /// What is forgotten is decided, and enough hold it as that (rule 43).
  private mutating func truncated(_ through: Dependencies, by voter: VoterID, _ place: Int) {
    mustBeDecided(through, says: voter)
    if let epoch = through.prefixes.first?.row.epoch, !isHeldByEnough(through, in: epoch) {
      violate("voter \(voter) forgets \(through), and too few hold it")
    }
    stores[place].truncated.formUnion(through)
    reach(.forgotten)
  }

  /// A snapshot is this store's state, for certain.
  private mutating func installed(_ found: Installed, _ place: Int) {
    stores[place].installed.epoch = max(stores[place].installed.epoch, found.epoch)
    stores[place].installed.through.formUnion(found.through)
    stores[place].installed.others.formUnion(found.others)
    stores[place].epoch = max(stores[place].epoch, found.epoch)
  }

  /// A machine was rebuilt: all that was durable is in it, and no promise is taken back.
  mutating func recovered(
    as voter: VoterID, in epoch: Epoch, _ instances: [(id: InstanceID, instance: Instance)],
    reserved: UInt64, forgotten: Dependencies, holding: Installed
  ) {
    guard let place = place(of: voter) else { return }
    installed(holding, place)
    if epoch < stores[place].epoch {
      violate("voter \(voter) came back to epoch \(epoch), and left it")
    }
    stores[place].life += 1
    stores[place].objections = [:]
    mustBeDecided(forgotten, says: voter)
    stores[place].truncated.formUnion(forgotten)
    let row = Row(epoch: epoch, owner: voter)
    let known = stores[place].reserved[row] ?? 0
    if reserved < known { violate("voter \(voter) came back without a reservation") }
    stores[place].reserved[row] = max(known, reserved)
    // It may have been proposed, and be held by others only.
    if known > 0 { stores[place].void.insert(InstanceID(row: row, number: known)) }
    var found: Set<InstanceID> = []
    for (id, instance) in instances {
      found.insert(id)
      compare(instance, of: id, voter, place)
      adopt(instance, of: id, voter, place)
    }
    for id in stores[place].held.keys.sorted()
    where id.row.epoch >= epoch && !found.contains(id) && !stores[place].truncated.contains(id) {
      violate("voter \(voter) came back without \(id)")
    }
  }

  private mutating func compare(
    _ found: Instance, of id: InstanceID, _ voter: VoterID, _ place: Int
  ) {
    guard let known = stores[place].held[id] else { return }
    // What is decided needs no ballots any more.
    let isOlder =
      found.phase < known.phase
      || found.phase != .committed && (found.bal < known.bal || found.abal < known.abal)
    if isOlder {
      violate(
        "voter \(voter) came back with \(id) \(found.phase) at \(found.bal), \(found.abal), and "
          + "held it \(known.phase) at \(known.bal), \(known.abal)")
    } else if found.phase == known.phase, found.abal == known.abal, let value = known.value,
      found.cmd != value.batch || found.dep != value.dep
    {
      violate("voter \(voter) came back with another value of \(id)")
    }
  }

  /// What was not known to be durable is so now.
  private mutating func adopt(
    _ found: Instance, of id: InstanceID, _ voter: VoterID, _ place: Int
  ) {
    var held = stores[place].held[id] ?? Held()
    if held.phase == .committed { return }
    if found.phase != held.phase || found.bal != held.bal || found.abal != held.abal {
      reach(.unsyncedSurvived)
    }
    held.bal = found.bal
    held.abal = found.abal
    held.value = found.cmd.map { Value($0, found.dep) }
    if let batch = found.initCmd { held.proposed = Value(batch, found.initDep) }
    if found.phase == .preaccepted { held.preaccepted = found.dep }
    if found.phase == .accepted {
      held.accepted.insert(found.abal)
      if let value = held.value { ask(value, at: found.abal, for: id) }
    }
    held.phase = found.phase
    stores[place].held[id] = held
    if held.phase == .committed, let value = held.value { decide(value, of: id, says: voter) }
  }
}
