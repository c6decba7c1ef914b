internal import Synod

/// Finding out what was decided: by asking, then by recovery (rule 15).
extension Core {
  /// When this node next looks for what stays undecided.
  struct Scan: Hashable, Sendable {
    var dueAt: Ticks?
    /// Rises with every question, so that another is asked each time.
    var round: UInt64 = 0
  }

  /// Instances of one row that are looked at in one go: whatever comes behind them waits for them
  /// anyway.
  private static let scanned: UInt64 = 512

  /// How often, in ticks.
  var scanEvery: UInt64 { max(settings.askAfter / 4, 1) }

  /// Whether anything was heard of that is not known to be decided.
  var hasUndecided: Bool {
    stopped == nil && table.lines.contains { $0.committed < $0.seen }
  }

  mutating func scanForUndecided() {
    scan.dueAt = nil
    var missing: [InstanceID] = []
    for line in table.lines where line.committed < line.seen {
      let end = min(line.seen, line.committed + Self.scanned, line.truncated + InstanceTable.window)
      var number = line.committed + 1
      while number <= end {
        lookAfter(InstanceID(row: line.row, number: number), line[number], &missing)
        number += 1
      }
    }
    for id in waitingIDs {
      guard case .waiting(let validation)? = attempts[id]?.stage else { continue }
      for objection in validation.objections where table.takes(objection.id) {
        lookAfter(objection.id, table[objection.id], &missing)
      }
    }
    fetch(missing)
    if hasUndecided { scan.dueAt = now.advanced(by: scanEvery) }
  }

  private mutating func lookAfter(
    _ id: InstanceID, _ instance: Instance?, _ missing: inout [InstanceID]
  ) {
    guard instance?.phase != .committed, !table.isTruncated(id) else { return }
    // Its own are sent again, not recovered: this node's answer would make them void (R3, B19).
    if attempts[id] != nil { return }
    guard let since = instance?.noticedAt else {
      let now = now
      return table.update(id) { $0.noticedAt = now }
    }
    let age = now.rawValue - min(since.rawValue, now.rawValue)
    if isVoter, age >= patience(with: id, instance),
      recoveries < settings.maxRecoveries, catchUp.source == nil
    {
      recover(id)
    } else if age >= settings.askAfter {
      missing.append(id)
    }
  }

  /// How long an instance may stay undecided before this node recovers it: its own of an earlier life not
  /// at all (rule 45: nobody else is at work on them, as a rule), others the longer, the further it is
  /// from the owner, and twice as long for every ballot that was drawn for it, so that in the end one
  /// recovery has the time that it takes (rule 24).
  ///
  /// It is a part of the time after which that recovery begins anew: one that is heard, and hears
  /// nobody, would else outbid all the others for ever.
  private func patience(with id: InstanceID, _ instance: Instance?) -> UInt64 {
    let isOfAnEarlierLife = id.row == ownRow && id.number <= reservation.inherited
    if isOfAnEarlierLife, instance?.bal.isZero ?? true { return 0 }
    let contention = min(instance?.bal.counter ?? 0, 6)
    let spread = settings.recoverSpread * electorate.distance(from: id.owner)
    guard contention > 0 else { return settings.recoverAfter + spread }
    let attempt = settings.attemptLasts << contention
    return min(attempt / 4 + spread, attempt / 2)
  }

  /// Asks the owners first, who know best, and then others in turn.
  private mutating func fetch(_ missing: [InstanceID]) {
    guard !missing.isEmpty, catchUp.source == nil else { return }
    scan.round += 1
    let voters = electorate.configuration.voters
    for voter in voters where voter != me {
      let ids = missing.filter { id in
        let first = electorate.configuration.place(of: id.owner) ?? 0
        // Every other time the owner; else those behind it.
        let turn = scan.round % 2 == 1 ? 0 : Int((scan.round / 2) % UInt64(voters.count))
        let asked = voters[(first + turn) % voters.count]
        return asked == voter || asked == me && voters[(first + turn + 1) % voters.count] == voter
      }
      if !ids.isEmpty { outbox.send(.fetch(Array(ids.prefix(1024))), to: voter) }
    }
  }

  mutating func receiveFetch(_ ids: [InstanceID], from sender: VoterID) {
    guard sender != me, hasState else { return }
    var committed: [Message.Committed] = []
    var size = 0
    var hasTruncated = false
    for id in ids {
      let isPast = id.row.epoch < epoch
      guard let value = (isPast ? past?.table : table)?.decision(of: id, by: outbox.durable)
      else {
        hasTruncated = hasTruncated || isPast || table.isTruncated(id)
        continue
      }
      size += value.batch.size
      if !committed.isEmpty, size > settings.maxMessageBytes { break }
      committed.append(.init(id, value))
    }
    if !committed.isEmpty { outbox.send(.commit(committed), to: sender) }
    if hasTruncated { outbox.send(.standing(standing, asks: false), to: sender, after: enteredIn) }
  }

  /// What is to be executed next, and is durable; marks it executed.
  mutating func nextToExecute() -> (id: InstanceID, batch: Batch)? {
    while let id = graph.next() {
      guard let instance = table[id], !instance.isExecuted, let cmd = instance.cmd else { continue }
      table.update(id) { $0.isExecuted = true }
      table.advance(id.row)
      executed += 1
      barriers.since += 1
      barriers.bytes += cmd.size
      statistics.executed += 1
      if cmd.isNop { statistics.nops += 1 }
      return (id, cmd)
    }
    return nil
  }
}
