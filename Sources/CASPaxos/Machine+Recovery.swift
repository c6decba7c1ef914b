public import Synod

extension Machine {
  /// How far a restatement has come: shards and the cells of a shard downwards, so that one that is
  /// moved into a freed place was passed already.
  public struct Cursor: Hashable, Sendable {
    var shard: Int
    var cell: Int
  }

  /// Takes back a durable record of an earlier life; see `ConsensusMachine`.
  public mutating func restore(_ record: Record) throws(RestoreError) {
    precondition(!core.started, "records are restored before the first input")
    try core.restore(record)
  }

  /// Gives a bounded piece of the durable state as records; see `ConsensusMachine`.
  public func restate(
    after cursor: Cursor?, limit: Int, into records: inout [Record]
  ) -> Cursor? {
    // A blank cell gives nothing and takes its time all the same.
    var spent = 0
    var advanced = false
    var next = cursor ?? Cursor(shard: 0, cell: .max)
    if cursor == nil {
      records.append(core.stated)
      if let hash = core.members.resumeAt { records.append(core.statedTransfer(through: hash)) }
      records.append(.reserve(counter: core.ballots.requested))
      if !core.floor.isZero { records.append(.floor(core.floor)) }
    }
    while next.shard < core.table.shards.count {
      let cells = core.table.shards[next.shard].cells
      var index = min(next.cell, cells.count)
      while index > 0 {
        if advanced, spent >= limit { return Cursor(shard: next.shard, cell: index) }
        index -= 1
        spent += restate(cells[index], into: &records)
        advanced = true
      }
      next = Cursor(shard: next.shard + 1, cell: .max)
    }
    return nil
  }

  /// - Returns: about how many bytes it takes, or how many could be given in its time.
  private func restate(_ cell: RegisterTable.Cell, into records: inout [Record]) -> Int {
    if !cell.accepted.isZero {
      records.append(
        .accept(
          key: cell.key, ballot: cell.accepted, promised: cell.promised, state: cell.state))
      return 64 + cell.key.count + cell.state.encodedSize
    }
    if !cell.promised.isZero {
      records.append(.promise(key: cell.key, ballot: cell.promised))
      return 32 + cell.key.count
    }
    return 16
  }
}

extension Core {
  mutating func restore(_ record: Record) throws(RestoreError) {
    switch record {
    case .configuration(let stored): try restore(stored)
    case .membership(let stored, let isRetired): try restore(stored, isRetired)
    case .transferred(let epoch, let seed, let hash, let floor):
      guard epoch == configuration.epoch, seed == settings.hashSeed else { return }
      members.resumeAt = max(members.resumeAt ?? 0, hash)
      members.resumeFloor = max(members.resumeFloor, floor)
    case .reserve(let counter): ballots.restore(reserved: counter)
    case .promise(let key, let ballot):
      #if PlantedBugs
        if PlantedBug.has(.forgottenPromise) { return }
      #endif
      // Dropped since, the floor standing for it.
      if ballot <= floor, table.find(key, hash: table.hash(key)) == nil { return }
      let place = table.findOrInsert(key, hash: table.hash(key))
      table[place].promised = max(table[place].promised, ballot)
    case .accept(let key, let ballot, let promised, let state):
      let place = table.findOrInsert(key, hash: table.hash(key))
      if ballot >= table[place].accepted {
        table[place].accepted = ballot
        var state = state
        state.value = state.value?.compacted()
        table[place].state = state
      }
      table[place].promised = max(table[place].promised, promised, ballot)
    case .erase(let key, let ballot, let stored): restoreErased(key, at: ballot, floor: stored)
    case .floor(let stored): restoreFloor(stored)
    }
  }

  private mutating func restore(_ stored: Configuration) throws(RestoreError) {
    // A decided membership says more.
    if members.adopted.revision > 0 && stored.epoch <= configuration.epoch { return }
    if stored.epoch <= configuration.epoch && stored != configuration {
      // Who has no vote in it was told another by those that it is to join.
      if stored.place(of: settings.voter) == nil && place == nil { return }
      throw contradiction(of: stored)
    }
    use(Membership(stored, addresses: settings.addresses))
  }

  /// The newest counts. What the settings name is where a cluster begins, or what a peer told.
  private mutating func restore(
    _ stored: Membership, _ isRetired: Bool
  ) throws(RestoreError) {
    if members.adopted.revision == 0, stored.configuration.epoch == configuration.epoch,
      stored.configuration != configuration
    {
      throw contradiction(of: stored.configuration)
    }
    if isRetired { members.isRetired = true }
    if stored.revision > members.adopted.revision { use(stored) }
  }

  private mutating func use(_ membership: Membership) {
    if membership.configuration.epoch != configuration.epoch {
      members.resumeAt = nil
      members.resumeFloor = .zero
    }
    configuration = membership.configuration
    members.adopted = membership
    members.isMember =
      !members.isRetired && membership.place(of: settings.voter) != nil
    place = members.isRetired ? nil : configuration.place(of: settings.voter)
    ballots.epoch = configuration.epoch
  }

  private func contradiction(of stored: Configuration) -> RestoreError {
    RestoreError("this store is of configuration \(stored); the settings name \(configuration)")
  }
}
