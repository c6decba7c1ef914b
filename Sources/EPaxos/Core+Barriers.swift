internal import Synod

/// Forgetting (rules 42 and 43).
///
/// A barrier conflicts with everything. Once enough nodes have executed it and all that it comes
/// behind, durably, every quorum has one that knows it, so what is not behind it comes behind it in
/// turn, or is found void: nobody needs to know any more what is before it. It stays itself, until a
/// later one takes its place. Forgetting at any other point would not do: where an undecided instance
/// is validated, what conflicts with it and was forgotten could not object.
extension Core {
  struct Barriers: Hashable, Sendable {
    /// The last that this node has executed, with all that it comes behind.
    var last: InstanceID?
    /// Executed, and perhaps not yet all that they come behind.
    var passing: [InstanceID] = []
    /// Instances executed since.
    var since: UInt64 = 0
    /// Bytes of their commands, about.
    var bytes = 0
    /// Who said that they have executed which, the newest last.
    var heard: [Heard] = []
    /// One of this node's own that is under way.
    var own: InstanceID?
    /// When this node says again what it has executed.
    var resendAt: Ticks?

    struct Heard: Hashable, Sendable {
      var id: InstanceID
      var votes: VoteSet
    }

    /// Barriers that are remembered.
    static let limit = 16

    mutating func hear(_ id: InstanceID, from place: Int) {
      if let index = heard.firstIndex(where: { $0.id == id }) {
        return heard[index].votes.insert(place)
      }
      if heard.count == Self.limit { heard.removeFirst() }
      var votes = VoteSet()
      votes.insert(place)
      heard.append(Heard(id: id, votes: votes))
    }

    func votes(for id: InstanceID) -> VoteSet {
      heard.first { $0.id == id }?.votes ?? VoteSet()
    }
  }

  /// Sees whether all that an executed barrier comes behind is executed, too: what is in its component
  /// may be so after it.
  mutating func passBarriers() {
    guard !barriers.passing.isEmpty else { return }
    let executed = table.executed
    while let id = barriers.passing.first {
      // Where it is forgotten already, a later one was passed.
      if let dep = table[id]?.dep {
        guard executed.isSuperset(of: dep.without(id)) else { return }
        barriers.last = id
        barriers.since = 0
        barriers.bytes = 0
        barriers.resendAt = now
      }
      barriers.passing.removeFirst()
    }
    if started { tellOfBarrier() }
  }

  /// Says that this node has executed a barrier, until it can forget what is before.
  mutating func tellOfBarrier() {
    barriers.resendAt = nil
    guard stopped == nil, let last = barriers.last else { return }
    if let place = electorate.place { barriers.hear(last, from: place) }
    guard mayForget != nil else { return }
    // A snapshot that was installed may not be durable yet.
    outbox.send(.executed(last, asks: true), to: .peers, after: outbox.last)
    forgetBehindBarrier()
    if mayForget != nil { barriers.resendAt = jittered(settings.retransmitAfter) }
  }

  mutating func receiveExecuted(
    _ id: InstanceID, _ asks: Bool, from sender: VoterID, at place: Int?
  ) {
    guard sender != me, reaches(id) else { return }
    if asks, table.isTruncated(id) || barriers.last == id {
      outbox.send(.executed(id, asks: false), to: sender, after: outbox.last)
    }
    // Who does not vote only asks.
    guard let place, !table.isTruncated(id) else { return }
    table.see(id)
    barriers.hear(id, from: place)
    forgetBehindBarrier()
  }

  /// What can be forgotten once enough have executed the last barrier; nil for nothing.
  private var mayForget: Dependencies? {
    guard let last = barriers.last, let dep = table[last]?.dep else { return nil }
    let before = dep.without(last)
    return table.truncated.isSuperset(of: before) ? nil : before
  }

  private mutating func forgetBehindBarrier() {
    guard let last = barriers.last, let before = mayForget, isExecutedByEnough(last) else {
      return
    }
    outbox.record(.truncated(before))
    truncate(before)
    // Who is still in the epoch before takes a snapshot.
    past = nil
  }

  /// Whether every quorum has one that has executed it.
  private func isExecutedByEnough(_ barrier: InstanceID) -> Bool {
    #if PlantedBugs
      if PlantedBug.has(.earlyForgetting) { return true }
    #endif
    return barriers.votes(for: barrier).count >= electorate.thresholds.slow
  }

  /// By their number, or by the memory that they take.
  private func areManyKept(_ every: UInt64, _ place: Int) -> Bool {
    let bytes = settings.barrierBytes
    return barriers.since >= every + every / 8 * UInt64(place)
      || barriers.bytes >= bytes + bytes / 8 * place
  }

  mutating func truncate(_ through: Dependencies) {
    // What was recorded while the change that ended an epoch was being written is replayed behind it. In
    // the next epoch nothing names a row of an earlier one.
    var through = through
    through.keepRows { table.place(of: $0) != nil }
    for prefix in through.prefixes {
      let before = table.line(of: prefix.row)?.truncated ?? prefix.through
      guard before < prefix.through else { continue }
      statistics.truncated += prefix.through - before
      table.truncate(prefix.row, through: prefix.through)
    }
    index.truncate(through: through)
    graph.truncate(through: through)
    barriers.heard.removeAll { table.isTruncated($0.id) }
  }

  /// Proposes a barrier when much was executed since the last; the voters at different times, so that
  /// one does it as a rule.
  mutating func proposeBarrierIfDue() {
    // Also as a void one, and where a snapshot holds it.
    if let own = barriers.own, table.isExecuted(own) { barriers.own = nil }
    guard let every = settings.barrierEvery, barriers.own == nil, stopped == nil, started,
      let place = electorate.place, areManyKept(every, place),
      reservation.last < reservation.reserved, isOwnRowOpen
    else { return }
    open(Batch([Entry(.barrier)]), for: [])
    barriers.own = InstanceID(row: ownRow, number: reservation.last)
  }
}

extension Dependencies {
  /// All but the instance itself, and what is behind it in its row: a vector that names a later one of
  /// the row would seem to hold it.
  func without(_ id: InstanceID) -> Dependencies {
    guard contains(id) else { return self }
    var rest = Dependencies()
    for prefix in prefixes {
      rest.insert(
        through: prefix.row == id.row ? id.number - 1 : prefix.through, of: prefix.row)
    }
    return rest
  }
}
