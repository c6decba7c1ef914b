internal import Synod

/// Looking for tombstones that nobody has touched for long, and for promises that came to nothing.
///
/// Every voter walks its own table, a piece at a time. A cell that one pass left marked and the next
/// finds unchanged is old enough. Each voter takes the tombstones of its turn, which goes round with
/// the passes: so two seldom meet at one register, and what a voter that is down leaves undone,
/// another does later.
extension Core {
  /// Steps of a pass, and cells looked at in one turn, at the most.
  private static let steps = 64
  private static let cellsAtOnce = 1024

  /// Plans the first step.
  mutating func startCollecting() {
    guard settings.collectAfter != nil else { return }
    collector.due = now.advanced(by: pause)
    wakeUp(by: now.advanced(by: pause))
  }

  /// From one step to the next; where there is nothing at all, a whole pass. What is promised must be
  /// left the time for the accept to come, or nobody would get one through.
  private var pause: UInt64 {
    guard let after = settings.collectAfter.map({ max($0, 64 * trip) }) else { return .max }
    return table.count == 0 ? after : max(after / UInt64(min(Self.steps, settings.shards)), 1)
  }

  /// Takes a step, if one is due, and plans the next.
  mutating func sweepIfDue() {
    guard let due = collector.due else { return }
    if due <= now {
      let isWhole = sweep()
      collector.due = now.advanced(by: isWhole ? pause : 1)
    }
    if let due = collector.due { wakeUp(by: due) }
  }

  /// - Returns: whether the step came to its end.
  private mutating func sweep() -> Bool {
    guard place != nil else { return true }
    var left = Self.cellsAtOnce
    var promised = Ballot.zero
    defer { raiseFloor(to: promised) }
    for _ in 0..<max(settings.shards / Self.steps, 1) {
      var cell = min(collector.cell, table.shards[collector.shard].cells.count)
      while cell > 0 {
        guard left > 0 else {
          collector.cell = cell
          return false
        }
        left -= 1
        cell -= 1
        let place = RegisterTable.Place(shard: collector.shard, cell: cell)
        guard look(at: place, &promised) else {
          collector.cell = cell + 1
          return false
        }
      }
      collector.cell = .max
      collector.shard += 1
      if collector.shard == settings.shards {
        collector.shard = 0
        collector.pass &+= 1
        return true
      }
    }
    return true
  }

  /// Marks a cell that would not be missed, and deals with one that was marked before.
  /// - Parameter promised: raised to what a dropped cell had promised.
  /// - Returns: false where there is no room for it now.
  private mutating func look(at place: RegisterTable.Place, _ promised: inout Ballot) -> Bool {
    let cell = table[place]
    guard cell.round < 0, cell.accepted.isZero || cell.state.isCollectable else { return true }
    // What clients may still ask about is kept longer; whoever comes too late is told so.
    let least = cell.state.sessions.isEmpty ? 1 : max(settings.sessionsLast, 1)
    if cell.age < .max { table[place].age += 1 }
    guard cell.age >= least else { return true }
    if cell.accepted.isZero {
      // Promised and never accepted, as a deletion of what is not there leaves it.
      promised = max(promised, cell.promised)
      table.remove(place)
      return true
    }
    let turn = (cell.hash &+ collector.pass) % UInt64(configuration.voters.count)
    guard Int(turn) == self.place else { return true }
    // What the members' register stands for while it is blank is no matter of the sweep.
    guard !cell.key.isReserved else { return true }
    guard collector.hasRoom else { return collector.isProbing }
    tasks.want(
      Task(
        id: collector.begun(), key: cell.key, errand: .collect,
        deadline: now.advanced(by: 4 * settings.retransmitAfter + 8 * trip)))
    return true
  }

  /// What this node's acceptor holds of the slot's register.
  mutating func ownState(_ slot: Int) -> RegisterState { table[cell(of: slot)].state }

  /// See `Settings.collectsAtOnce`.
  mutating func collectAtOnce(_ key: Bytes) {
    guard collector.isFirst, let place = table.find(key, hash: table.hash(key)),
      !table[place].accepted.isZero, table[place].state.isCollectable
    else { return }
    tasks.want(Task(id: collector.begun(), key: key, errand: .collect))
  }

  /// A voter more accepted the tombstone. Only what all of them have, in every component, may go:
  /// an older state that one of them kept would come back.
  mutating func collect(_ slot: Int) {
    #if PlantedBugs
      let voters = configuration.component.voters.compactMap { configuration.place(of: $0) }
      let isEnough =
        PlantedBug.has(.earlyErasure) && configuration.isAcceptQuorum(rounds[slot].votes)
        || PlantedBug.has(.erasureWithoutJoining) && configuration.isJoint
          && voters.allSatisfy { rounds[slot].votes.contains($0) }
    #else
      let isEnough = false
    #endif
    guard isEnough || rounds[slot].votes == configuration.everyone else { return }
    statistics.collected += 1
    let message = Message(
      .erase, slot: UInt32(slot), ballot: rounds[slot].ballot, key: rounds[slot].key)
    if configuration.voters.count > 1 {
      outbox.messages.append(Envelope(to: .peers, message: message))
    }
    erase(message)
    direct(slot, .chosen)
  }
}
