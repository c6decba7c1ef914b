internal import Synod

/// Leaping to the state of another node.
extension Core {
  /// What is known of a snapshot that this node takes.
  struct CatchUp: Hashable, Sendable {
    /// Whom it takes it from; nil where it takes none.
    var source: VoterID?
    var snapshot: UInt64 = 0
    var next: UInt32 = 0
    var tries = 0
    var dueAt: Ticks?
  }

  /// Whether something of this is not known here to be decided, though it was long asked for: what is
  /// only late needs no snapshot.
  func lacks(_ through: Dependencies) -> Bool {
    through.prefixes.contains { prefix in
      guard let line = table.line(of: prefix.row), line.committed < prefix.through else {
        return false
      }
      let first = InstanceID(row: prefix.row, number: line.committed + 1)
      // What this node has under way itself it asks for all the time.
      guard let since = line[first.number]?.noticedAt else { return attempts[first] != nil }
      return since.advanced(by: settings.askAfter) <= now
    }
  }

  mutating func askForPiece() {
    catchUp.dueAt = nil
    guard let source = catchUp.source, stopped == nil else { return }
    catchUp.tries += 1
    // It may be gone, or have begun anew.
    if catchUp.tries > 8 { return abandonSnapshot() }
    outbox.send(.fetchPiece(snapshot: catchUp.snapshot, index: catchUp.next), to: source)
    catchUp.dueAt = jittered(settings.retransmitAfter)
  }

  /// The next snapshot that another node takes from here: never zero, and none has had this number, in
  /// this life or an earlier one. How much was executed would not do: what is forgotten changes while
  /// that stays as it is, and after a restart other instances may be as many.
  mutating func drawSnapshot() -> UInt64 {
    var mix = SplitMix(seed: random.next() ^ reservation.requested)
    return mix.next() | 1
  }

  /// The snapshot came to nothing: whoever is asked next, perhaps gives another.
  mutating func abandonSnapshot() { catchUp = CatchUp() }

  /// Whether these hold anything that was not executed here, and all that is forgotten here; or are of a later
  /// epoch, which holds all of the earlier ones.
  func isBehind(
    _ membership: Membership, _ truncated: Dependencies, _ list: [Message.Committed]
  ) -> Bool {
    // What names rows that its epoch does not have could not be taken over, though the state has its effects.
    let rows = InstanceTable(membership.configuration)
    guard list.allSatisfy({ rows.takes($0.value.dep) }) else { return false }
    guard hasState, membership.epoch == epoch else { return !hasState || membership.epoch > epoch }
    guard isAllForgotten(in: truncated, list) else { return false }
    return truncated.prefixes.contains { prefix in
      table.line(of: prefix.row).map { $0.executed < prefix.through } ?? false
    } || list.contains { table.takes($0.id) && !table.isExecuted($0.id) }
  }

  /// Whether these hold all that is forgotten here. A snapshot that was long under way may not, since its
  /// source froze it: what it lacks could never be executed again.
  private func isAllForgotten(in truncated: Dependencies, _ list: [Message.Committed]) -> Bool {
    var held = truncated
    // Of each row the list is ascending.
    for one in list where one.id.number == held[one.id.row] + 1 { held.insert(one.id) }
    return held.isSuperset(of: table.truncated)
  }

  /// Takes over what another node has executed. What this one executed and that one did not is executed
  /// again, on the other's state.
  mutating func install(
    _ truncated: Dependencies, _ list: [Message.Committed], barrier: InstanceID?, count: UInt64,
    _ members: (Membership, began: InstanceID?)
  ) {
    statistics.installed += 1
    if !hasState || members.0.epoch > epoch {
      leap(to: members.0, by: members.began)
    } else {
      // What changed them since, and the snapshot does not hold, is executed again.
      membership = members.0
    }
    enteredIn = outbox.last
    for line in table.lines {
      var number = line.truncated + 1
      while number <= line.last {
        let id = InstanceID(row: line.row, number: number)
        if line[number]?.isExecuted == true { table.update(id) { $0.isExecuted = false } }
        number += 1
      }
    }
    for place in table.lines.indices { table.rewind(place) }
    for id in attempts.keys.sorted() where truncated.contains(id) { forget(id) }
    waitingHeard = waitingHeard.filter { !truncated.contains($0.key) }
    refusals = refusals.filter { !truncated.contains($0.key) }
    truncate(truncated)
    (barriers.since, barriers.bytes) = (0, 0)
    for one in list
    where table.takes(one.id) && table.takes(one.value.dep) && !table.isTruncated(one.id) {
      adopt(one)
    }
    for id in own.keys.sorted() where table.isExecuted(id) { lose(id) }
    executed = max(executed, count)
    barriers.last = barrier
    barriers.passing.removeAll { table.isTruncated($0) }
    if let id = barriers.own, table.isExecuted(id) { barriers.own = nil }
    if let id = promotions.own, table.isExecuted(id) { promotions.own = nil }
    barriers.resendAt = now
    rebuildGraph()
    for one in list { lookAtWaiting(for: one.id) }
  }

  /// Takes a decision that is in a snapshot, as executed.
  private mutating func adopt(_ one: Message.Committed) {
    // The records of the snapshot say it.
    let batch = outbox.last
    let held = table[one.id]
    if held?.phase != .committed {
      if held?.cmd != one.value.batch { note(one.id, one.value.batch) }
      forget(one.id)
      waitingHeard[one.id] = nil
      refusals[one.id] = nil
      if one.value.batch.isNop { takeBack(one.id) }
      table.see(one.value.dep)
    }
    barriers.since += 1
    barriers.bytes += one.value.batch.size
    table.update(one.id) {
      if $0.phase != .committed { $0.commit(one.value, in: batch) }
      $0.isExecuted = true
    }
    table.advance(one.id.row)
  }

  /// Tells the graph all that is decided, durably.
  mutating func rebuildGraph() {
    graph = ExecutionGraph()
    graph.truncate(through: table.truncated)
    for line in table.lines {
      var number = line.truncated + 1
      while number <= line.last {
        let id = InstanceID(row: line.row, number: number)
        if let instance = line[number] {
          if instance.phase == .committed,
            instance.batch <= outbox.durable || instance.isExecuted
          {
            release(id)
          } else if let batch = instance.initCmd ?? instance.cmd, !batch.isNop {
            graph.know(id, reading.footprint(of: batch))
          }
        }
        number += 1
      }
    }
  }
}
