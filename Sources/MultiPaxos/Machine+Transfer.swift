internal import Synod

/// Snapshots between nodes: asked for piece by piece, so that whoever takes one says how fast
/// (rules 26 to 29).
extension Machine {
  /// A snapshot that another node takes from here.
  struct Transfer: Sendable {
    var to: VoterID
    var source: SnapshotSource<App>
    /// The piece that was given last.
    var last: MultiPaxos.Message.SnapshotPiece
    var usedAt: Ticks
  }

  /// A snapshot that this node takes.
  struct Incoming: Sendable {
    var target: SnapshotTarget<App>
    /// As they are recorded, so that a checkpoint can restate them.
    var pieces: [Bytes]
    /// One of those that were read back is none.
    var error: RestoreError?
  }

  mutating func givePiece(_ slot: Slot, _ index: UInt32, to voter: VoterID) {
    let limit = core.settings.maxPieceBytes
    if let place = transfers.firstIndex(where: { $0.to == voter }) {
      let last = transfers[place].last
      transfers[place].usedAt = core.now
      let isNext = slot == last.slot && index == last.index + 1 && !last.isLast
      if isNext { transfers[place].last = transfers[place].source.piece(index, limit) }
      // Who begins has perhaps come further than a snapshot that it was given before.
      let isSame =
        slot == last.slot && index == last.index
        || slot == .none && last.index == 0 && last.slot == core.applied
      if isNext || isSame {
        core.keep(after: transfers[place].last.slot, for: voter)
        core.outbox.send(.piece(transfers[place].last), to: .voter(voter))
        return
      }
      transfers.remove(at: place)
    }
    guard core.applied > .none else { return }
    dropIdleTransfers()
    guard transfers.count < core.settings.maxTransfers else { return }
    var source = SnapshotSource(core.state, app)
    let first = source.piece(0, limit)
    transfers.append(Transfer(to: voter, source: source, last: first, usedAt: core.now))
    core.keep(after: first.slot, for: voter)
    core.outbox.send(.piece(first), to: .voter(voter))
  }

  /// At each reading of the clock: what was frozen for one who is gone is let go of, and half a snapshot
  /// that nobody goes on with. A checkpoint would hold that, too.
  @usableFromInline
  mutating func tickTransfers() {
    if incoming != nil, core.catchUp.incoming == nil { incoming = nil }
    let (patience, now) = (core.patience, core.now)
    transfers.removeAll { $0.usedAt.advanced(by: patience) <= now }
  }

  /// Makes room: of those that were given whole, and of those that nobody asked of for a while.
  private mutating func dropIdleTransfers() {
    let (patience, now) = (core.patience, core.now)
    transfers.removeAll { $0.usedAt.advanced(by: patience) <= now || $0.last.isLast }
  }

  mutating func takePiece(_ piece: MultiPaxos.Message.SnapshotPiece, from sender: VoterID) {
    guard var asked = core.catchUp.incoming, asked.from == sender else { return }
    if piece.index == 0, asked.next == 0 || piece.slot != asked.slot {
      guard piece.slot > core.chosenThrough else { return core.abandonSnapshot() }
      incoming = Incoming(target: SnapshotTarget(slot: piece.slot), pieces: [])
      asked.slot = piece.slot
      asked.next = 0
      core.outbox.record(.stateBegins(piece.slot))
    }
    guard piece.slot == asked.slot, piece.index == asked.next, var taken = incoming else { return }
    incoming = nil
    for bytes in piece.bytes {
      do {
        try taken.target.take(bytes)
      } catch {
        return core.abandonSnapshot()
      }
      core.outbox.record(.statePiece(UInt32(taken.pieces.count), bytes))
      taken.pieces.append(bytes)
    }
    if let window = taken.target.state?.schedule.window, window != core.settings.window {
      return core.stop(.cannotStart(.otherWindow(window, settings: core.settings.window)))
    }
    incoming = taken
    asked.next += 1
    asked.tries = 0
    core.catchUp.incoming = asked
    guard piece.isLast else { return core.askForEntries() }
    guard taken.target.digest == piece.digest else { return core.abandonSnapshot() }
    core.catchUp.incoming = nil
    core.logBatch = core.outbox.record(.installed(piece.slot))
    guard install(piece.slot) else { return core.abandonSnapshot() }
    // What is behind it is kept there.
    if core.knownChosen > core.chosenThrough { core.askForEntries(of: sender) }
  }

  /// Makes what was taken this node's state, where that has not come as far (rule 26). The promise and
  /// what is accepted behind it stay.
  @discardableResult
  mutating func install(_ slot: Slot) -> Bool {
    guard let taken = incoming, taken.target.slot == slot, let state = taken.target.state else {
      return false
    }
    incoming = nil
    guard slot > core.applied else { return false }
    appState = taken.target.app
    core.install(state)
    return true
  }
}

extension SnapshotSource {
  /// The next piece, as a message.
  fileprivate mutating func piece(_ index: UInt32, _ limit: Int) -> Message.SnapshotPiece {
    var bytes: [Bytes] = []
    var size = 0
    while !isAtEnd, size < limit {
      let count = bytes.count
      next(limit: limit, into: &bytes)
      for piece in bytes[count...] { size += piece.count }
    }
    return Message.SnapshotPiece(
      slot: slot, index: index, isLast: isAtEnd, digest: digest, bytes: bytes)
  }
}

extension Core {
  /// The snapshot came to nothing: this node asks again later, perhaps someone else.
  mutating func abandonSnapshot() {
    catchUp.incoming = nil
    catchUp.due = now.advanced(by: settings.retransmitAfter)
  }

  /// Leaps to the state of another node.
  mutating func install(_ other: Replicated) {
    if role != .following { stepDown(for: nil) }
    state = other
    log.drop(through: other.applied)
    #if PlantedBugs
      if PlantedBug.has(.overwritingSnapshot) {
        log = EntryLog()
        log.drop(through: other.applied)
      }
    #endif
    retained = 0
    chosenThrough = max(chosenThrough, other.applied)
    adopt()
    statistics.installed += 1
    if started {
      notes.append(.installed(other.applied))
      notes.append(
        .membership(state.schedule.newest.membership, from: state.schedule.newest.from))
    }
    restartTimers()
    noteRetirement()
    // Of what is contained in it, nobody knows what came of it. Who is to be a member may ask before.
    for number in pending.numbers
    where state.origins.contains(EntryID(origin: me, number: number))
      || !state.knows(me) && number != recovery.number
    {
      end(number, because: .forgotten)
    }
    advance()
    noteGap()
  }
}
