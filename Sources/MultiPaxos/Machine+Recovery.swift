public import Synod

extension Machine {
  /// A frozen copy of all that is durable, or will be, and how far its restatement has come.
  public struct Cursor: Sendable {
    enum Part: Sendable {
      case state
      case log(Slot)
      case staged(Int)
    }

    var head: [Record]
    var source: SnapshotSource<App>
    var log: EntryLog
    var chosenThrough: Slot
    var staged: (slot: Slot, pieces: [Bytes])?
    /// Pieces of the state that were given.
    var given: UInt32 = 0
    var part = Part.state
  }

  /// Takes back a durable record of an earlier life; see `ConsensusMachine`.
  public mutating func restore(_ record: Record) throws(RestoreError) {
    precondition(!core.started, "records are restored before the first input")
    switch record {
    case .stateBegins(let slot):
      incoming = Incoming(target: SnapshotTarget(slot: slot), pieces: [])
    case .statePiece(let index, let bytes):
      // A checkpoint that was frozen meanwhile holds the first pieces, or the whole.
      guard var taken = incoming, taken.error == nil, Int(index) == taken.pieces.count else {
        return
      }
      incoming = nil
      do {
        try taken.target.take(bytes)
      } catch {
        // It may be of a snapshot that was given up: that counts for nothing.
        taken.error = error
      }
      taken.pieces.append(bytes)
      incoming = taken
    case .installed(let slot):
      if let error = incoming?.error, slot > core.applied { throw error }
      install(slot)
    case .begun, .reserve, .promise, .accept, .learned, .chosen, .grants, .gaveUp:
      try core.restore(record)
    }
    while core.hasUnapplied { applyNext() }
    core.trim()
  }

  /// Gives a bounded piece of the durable state as records: of a copy that is frozen when the first
  /// piece is taken; see `ConsensusMachine`.
  public func restate(
    after cursor: Cursor?, limit: Int, into records: inout [Record]
  ) -> Cursor? {
    var cursor = cursor ?? freeze(&records)
    var spent = 0
    repeat {
      switch cursor.part {
      case .state:
        if cursor.source.isAtEnd || cursor.source.slot == .none {
          if cursor.source.slot > .none { records.append(.installed(cursor.source.slot)) }
          cursor.part = .log(cursor.source.slot.next)
        } else {
          var pieces: [Bytes] = []
          cursor.source.next(limit: limit, into: &pieces)
          for piece in pieces {
            spent += piece.count
            records.append(.statePiece(cursor.given, piece))
            cursor.given += 1
          }
        }
      case .log(let slot):
        guard slot < cursor.log.end else {
          // What is chosen and not applied yet.
          if cursor.chosenThrough > cursor.source.slot {
            records.append(.chosen(through: cursor.chosenThrough))
          }
          if let staged = cursor.staged { records.append(.stateBegins(staged.slot)) }
          cursor.part = .staged(0)
          continue
        }
        cursor.part = .log(slot.next)
        guard let cell = cursor.log.cell(slot) else { continue }
        spent += cell.entry.size
        records.append(
          cell.ballot.isZero
            ? .learned(first: slot, [cell.entry])
            : .accept(cell.ballot, first: slot, [cell.entry]))
      case .staged(let index):
        guard let staged = cursor.staged, index < staged.pieces.count else { return nil }
        cursor.part = .staged(index + 1)
        spent += staged.pieces[index].count
        records.append(.statePiece(UInt32(index), staged.pieces[index]))
      }
    } while spent < limit
    return cursor
  }

  private func freeze(_ records: inout [Record]) -> Cursor {
    records += core.head
    let source = SnapshotSource(core.state, app)
    if source.slot > .none { records.append(.stateBegins(source.slot)) }
    return Cursor(
      head: [], source: source, log: core.log, chosenThrough: core.chosenThrough,
      staged: incoming.map { ($0.target.slot, $0.pieces) })
  }
}

extension Core {
  /// What stands before all else.
  fileprivate var head: [Record] {
    var records: [Record] = []
    if let begun {
      records.append(.begun(begun, store: settings.store, isFounder: isFounder))
    }
    records.append(reservation.record)
    if !promised.isZero { records.append(.promise(promised)) }
    if grants.longest > 0 { records.append(.grants(grants.longest)) }
    if let gaveUp { records.append(.gaveUp(gaveUp)) }
    return records
  }

  mutating func restore(_ record: Record) throws(RestoreError) {
    switch record {
    case .begun(let schedule, let store, let isFounder):
      try restore(schedule, store, isFounder)
    case .reserve(let counter, let number, let read):
      reservation.restore(counter: counter, number: number, read: read)
    case .promise(let ballot):
      promised = max(promised, ballot)
      see(ballot)
    case .accept(let ballot, let first, let entries):
      promised = max(promised, ballot)
      see(ballot)
      for (offset, entry) in entries.enumerated() {
        restore(entry, at: first.advanced(by: UInt64(offset)), ballot)
      }
    case .learned(let first, let entries):
      // Whatever was before was known to be chosen, and held, when this was recorded.
      restoreChosen(through: first.previous)
      for (offset, entry) in entries.enumerated() {
        let slot = first.advanced(by: UInt64(offset))
        guard slot == chosenThrough.next else { continue }
        let ballot = log.cell(slot).map { $0.entry == entry ? $0.ballot : .zero }
        log.put(EntryLog.Cell(ballot ?? .zero, entry, isChosen: true), at: slot)
        chosenThrough = slot
      }
    case .chosen(let through):
      restoreChosen(through: through)
      hinted = max(hinted, through)
    case .grants(let ticks): grants.longest = max(grants.longest, ticks)
    case .gaveUp(let reason): gaveUp = gaveUp ?? reason
    case .stateBegins, .statePiece, .installed: break
    }
    knownChosen = max(knownChosen, chosenThrough)
  }

  private mutating func restore(
    _ schedule: Schedule, _ store: Identity128?, _ isFounder: Bool
  ) throws(RestoreError) {
    guard schedule.window == settings.window else {
      throw RestoreError(
        "this store's window is \(schedule.window); the settings name \(settings.window)")
    }
    let membership = schedule.items[0].membership
    // Who resumes need not know with whom the cluster began.
    if settings.mode == .resume { settings.configuration = membership.configuration }
    guard membership.configuration == settings.configuration else {
      throw RestoreError(
        "this store's cluster began with \(membership.configuration); the settings name "
          + "\(settings.configuration)")
    }
    guard store == settings.store || settings.store == nil else {
      throw RestoreError("this store drew another number than the settings name")
    }
    if settings.store == nil { settings.store = store }
    self.isFounder = isFounder
    // Where they were reached then is part of the state, whatever the settings say of it now.
    if begun == nil { state = Replicated(schedule) }
    begun = schedule
  }

  private mutating func restore(_ entry: Entry, at slot: Slot, _ ballot: Ballot) {
    guard slot > chosenThrough, slot >= log.first else { return }
    if let cell = log.cell(slot), cell.ballot > ballot || cell.isChosen { return }
    log.put(EntryLog.Cell(ballot, entry), at: slot)
  }

  private mutating func restoreChosen(through slot: Slot) {
    while chosenThrough < slot, log.cell(chosenThrough.next) != nil {
      chosenThrough = chosenThrough.next
      log.choose(chosenThrough)
    }
  }
}
