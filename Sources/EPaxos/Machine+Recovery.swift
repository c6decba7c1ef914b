public import Synod

extension Machine {
  /// A frozen copy of all that is durable, or will be, and how far its restatement has come.
  public struct Cursor: Sendable {
    enum Part: Sendable {
      case state
      case instances(line: Int, number: UInt64)
      case staged(Int)
    }

    var source: SnapshotSource<State>
    var reserved: Record
    var table: InstanceTable
    var staged: (snapshot: UInt64, pieces: [Bytes])?
    var part = Part.state
  }

  /// Takes back a durable record of an earlier life; see `ConsensusMachine`.
  public mutating func restore(_ record: Record) throws(RestoreError) {
    precondition(!core.started, "records are restored before the first input")
    switch record {
    case .stateBegins(let snapshot):
      incoming = Incoming(target: SnapshotTarget(number: snapshot, core.membership), pieces: [])
    case .statePiece(let bytes):
      // A checkpoint may have been frozen behind the beginning: then it holds the pieces.
      guard var taken = incoming else { return }
      incoming = nil
      try taken.target.take(bytes)
      taken.pieces.append(bytes)
      incoming = taken
    case .installed(let snapshot): install(snapshot)
    case .entered(let membership, let id): try restore(membership, by: id)
    case .begun, .reserve, .preaccepted, .promised, .accepted, .validated, .committed, .truncated,
      .instance:
      try core.restore(record)
    }
    repeat { execute() } while mayHaveMore
  }

  /// What was undecided here when this node left an epoch came behind the change that ended it, or touches
  /// nothing that was executed; and what was known of it then may be lost. So nothing waits for it.
  private mutating func restore(_ membership: Membership, by id: InstanceID) throws(RestoreError) {
    guard membership.epoch > core.epoch else { return core.note(entered: membership.epoch) }
    core.graph.close()
    repeat { execute() } while mayHaveMore
    guard core.epoch == membership.epoch, core.began == id else {
      throw RestoreError("epoch \(membership.epoch) began, and what is decided does not say so")
    }
    core.note(entered: membership.epoch)
  }

  /// Gives a bounded piece of the durable state as records: of a copy that is frozen when the first
  /// piece is taken; see `ConsensusMachine`.
  public func restate(
    after cursor: Cursor?, limit: Int, into records: inout [Record]
  ) -> Cursor? {
    var cursor = cursor ?? freeze(&records)
    // Less would only make for more pieces.
    let limit = max(limit, 256)
    var spent = 0
    repeat {
      switch cursor.part {
      case .state:
        if cursor.source.isAtEnd {
          records.append(.installed(cursor.source.number))
          records.append(cursor.reserved)
          cursor.part = .instances(line: 0, number: 1)
        } else {
          var pieces: [Bytes] = []
          cursor.source.next(limit: limit, into: &pieces)
          for piece in pieces {
            spent += piece.count
            records.append(.statePiece(piece))
          }
        }
      case .instances(let line, let number):
        guard line < cursor.table.lines.count else {
          if let staged = cursor.staged { records.append(.stateBegins(staged.snapshot)) }
          cursor.part = .staged(0)
          continue
        }
        let cells = cursor.table.lines[line]
        let place = max(number, cells.truncated + 1)
        guard place <= cells.last else {
          cursor.part = .instances(line: line + 1, number: 1)
          continue
        }
        cursor.part = .instances(line: line, number: place + 1)
        guard let instance = cells[place], !instance.isExecuted, instance.isWorthKeeping else {
          continue
        }
        spent += 64 + (instance.cmd?.size ?? 0)
        records.append(.instance(InstanceID(row: cells.row, number: place), instance))
      case .staged(let index):
        guard let staged = cursor.staged, index < staged.pieces.count else { return nil }
        cursor.part = .staged(index + 1)
        spent += staged.pieces[index].count
        records.append(.statePiece(staged.pieces[index]))
      }
    } while spent < limit
    return cursor
  }

  private func freeze(_ records: inout [Record]) -> Cursor {
    if let begun = core.begun {
      records.append(.begun(begun, store: core.settings.store, joins: core.hasJoined))
    }
    // In a store one comes behind the other: this tells them apart as well as any.
    let source = SnapshotSource(core.executed, core, replicated, appState)
    // Who has no state yet restates none.
    if core.hasState { records.append(.stateBegins(source.number)) }
    return Cursor(
      source: source, reserved: .reserve(core.ownRow, core.reservation.requested),
      table: core.table, staged: incoming.map { ($0.target.number, $0.pieces) },
      part: core.hasState ? .state : .instances(line: 0, number: 1))
  }
}

extension Instance {
  /// Whether there is more than that there may be one.
  fileprivate var isWorthKeeping: Bool { phase > .initial || !bal.isZero || cmd != nil }
}

extension Core {
  /// A record says that this node is in this epoch.
  fileprivate mutating func note(entered epoch: Epoch) {
    recordedEpoch = max(recordedEpoch ?? epoch, epoch)
  }

  mutating func restore(_ record: Record) throws(RestoreError) {
    if let id = record.id {
      // What is forgotten stays forgotten, and what is decided stays as it is.
      if id.row.epoch < epoch { return }
      guard table.takes(id) else { throw RestoreError("\(id) is of nobody's, or out of reach") }
      table.see(id)
      if table.isTruncated(id) || table.isCommitted(id) { return }
    }
    switch record {
    case .begun(let configuration, let store, let joins):
      guard joins || configuration == settings.configuration else {
        throw RestoreError(
          "this store's cluster began with \(configuration); the settings name "
            + "\(settings.configuration)")
      }
      guard store == settings.store || settings.store == nil else {
        throw RestoreError("this store drew another number than the settings name")
      }
      if settings.store == nil { settings.store = store }
      begin(configuration, joins: joins)
    case .reserve(let row, let number):
      if row == ownRow { reservation.restore(number) }
    case .preaccepted(let id, let value, let held):
      guard table[id]?.phase ?? .initial == .initial, table[id]?.bal.isZero ?? true else { return }
      note(id, value.batch)
      table.update(id) { $0.preaccept(value, behind: held, in: .none) }
      table.see(held)
    case .promised(let id, let ballot): table.update(id) { $0.bal = max($0.bal, ballot) }
    case .accepted(let id, let ballot, let batch, let dep):
      try restore(id, accepted: ballot, batch, dep)
    case .validated(let id, let value):
      guard table[id]?.phase ?? .initial < .accepted else { return }
      note(id, value.batch)
      table.update(id) { $0.validate(value, in: .none) }
      table.see(value.dep)
    case .committed(let id, let batch, let dep):
      guard let batch = batch ?? table[id]?.cmd else {
        throw RestoreError("\(id) is decided, and nothing says what")
      }
      restore(id, committed: Value(batch, dep))
    case .truncated(let through): truncate(through)
    case .instance(let id, let instance): restore(id, instance)
    case .stateBegins, .statePiece, .installed, .entered: break
    }
  }

  /// A store that joined began without a state, whatever the settings say.
  private mutating func begin(_ configuration: Configuration, joins: Bool) {
    begun = configuration
    hasJoined = joins
    guard joins else { return note(entered: configuration.epoch) }
    guard recordedEpoch == nil else { return }
    hasState = false
    electorate = Electorate(electorate.configuration, me: .none)
    table = InstanceTable()
  }

  private mutating func restore(
    _ id: InstanceID, accepted ballot: Ballot, _ batch: Batch?, _ dep: Dependencies
  ) throws(RestoreError) {
    guard table[id]?.bal ?? .zero <= ballot else { return }
    guard let batch = batch ?? table[id]?.cmd else {
      throw RestoreError("\(id) is accepted, and nothing says what")
    }
    note(id, batch)
    table.update(id) { $0.accept(ballot, Value(batch, dep), in: .none) }
    table.see(dep)
  }

  private mutating func restore(_ id: InstanceID, committed value: Value) {
    note(id, value.batch)
    table.update(id) { $0.commit(value, in: .none) }
    table.see(value.dep)
    table.advance(id.row)
    release(id)
  }

  private mutating func restore(_ id: InstanceID, _ instance: Instance) {
    if let cmd = instance.cmd { note(id, cmd) }
    if let cmd = instance.initCmd { note(id, cmd) }
    table.update(id) {
      $0 = instance
      $0.isExecuted = false
    }
    table.see(instance.dep)
    guard instance.phase == .committed else { return }
    table.advance(id.row)
    release(id)
  }
}

extension Record {
  /// Which instance it is about; nil for none.
  fileprivate var id: InstanceID? {
    switch self {
    case .preaccepted(let id, _, _), .promised(let id, _), .accepted(let id, _, _, _),
      .validated(let id, _), .committed(let id, _, _), .instance(let id, _):
      id
    case .begun, .reserve, .truncated, .entered, .stateBegins, .statePiece, .installed: nil
    }
  }
}
