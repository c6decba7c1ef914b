internal import Synod

/// Snapshots between nodes: asked for piece by piece, so that whoever takes one says how fast
/// (rules 26 to 29).
extension Machine {
  /// A snapshot that another node takes from here.
  struct Transfer: Sendable {
    var to: VoterID
    var source: SnapshotSource<App>
    /// The pieces that were given last: some are on their way, and may be asked for again.
    var recent: [MultiPaxos.Message.SnapshotPiece]
    var usedAt: Ticks
    /// When a piece was given for the first time.
    var advancedAt: Ticks

    var last: MultiPaxos.Message.SnapshotPiece { recent[recent.count - 1] }
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
    if let place = transfers.firstIndex(where: { $0.to == voter }) {
      transfers[place].usedAt = core.now
      if goOnGiving(place, slot, index) { return }
      transfers.remove(at: place)
    }
    guard core.applied > .none else { return }
    dropIdleTransfers()
    guard transfers.count < core.settings.maxTransfers || dropStuckTransfer() else { return }
    var source = SnapshotSource(core.state, app)
    let first = source.piece(0, core.settings.maxPieceBytes)
    transfers.append(
      Transfer(to: voter, source: source, recent: [first], usedAt: core.now, advancedAt: core.now))
    give(first, to: voter)
  }

  private mutating func give(_ piece: MultiPaxos.Message.SnapshotPiece, to voter: VoterID) {
    core.keep(after: piece.slot, for: voter, given: piece.size)
    core.outbox.send(.piece(piece), to: .voter(voter))
  }

  /// Gives pieces of a snapshot that was begun.
  /// - Returns: whether what is asked for is of it.
  private mutating func goOnGiving(_ place: Int, _ slot: Slot, _ index: UInt32) -> Bool {
    let (voter, last) = (transfers[place].to, transfers[place].last)
    // Who begins has perhaps come further than a snapshot that it was given before.
    if slot == .none, last.index == 0, last.slot == core.applied {
      give(last, to: voter)
      return true
    }
    guard slot == last.slot else {
      guard slot > .none, slot < last.slot else { return false }
      // Of an earlier one: it comes late, or the first piece of this one was lost.
      if last.index == 0 { give(last, to: voter) }
      return true
    }
    if let piece = transfers[place].recent.first(where: { $0.index == index }) {
      give(piece, to: voter)
      return true
    }
    // It comes late: what was asked for since needs what was asked for before.
    if index < last.index { return true }
    guard index - last.index <= UInt32(CatchUp.Incoming.mostAhead) else {
      guard last.index == 0 else { return false }
      // This one was begun anew, in the same state.
      give(last, to: voter)
      return true
    }
    // Behind the last one there is none: whoever asks for some at once does not know how many there are.
    while transfers[place].last.index < index, !transfers[place].last.isLast {
      let next = transfers[place].last.index + 1
      let piece = transfers[place].source.piece(next, core.settings.maxPieceBytes)
      transfers[place].recent.append(piece)
      transfers[place].advancedAt = core.now
      if transfers[place].recent.count > CatchUp.Incoming.mostAhead {
        transfers[place].recent.removeFirst()
      }
      give(piece, to: voter)
    }
    return true
  }

  /// At each reading of the clock: what was frozen for one who is gone is let go of, and half a snapshot
  /// that nobody goes on with. A checkpoint would hold that, too.
  @usableFromInline
  mutating func tickTransfers() {
    if incoming != nil, core.catchUp.incoming == nil { incoming = nil }
    let (patience, now) = (core.patience, core.now)
    transfers.removeAll { $0.usedAt.advanced(by: patience) <= now }
  }

  /// Makes room for another where one has got nowhere for long: what is sent to it may be lost, while it is
  /// heard to ask for the same again and again.
  /// - Returns: whether there is room.
  private mutating func dropStuckTransfer() -> Bool {
    let places = transfers.indices
    guard let stuck = places.min(by: { transfers[$0].advancedAt < transfers[$1].advancedAt }),
      transfers[stuck].advancedAt.advanced(by: 4 * core.patience) <= core.now
    else { return false }
    transfers.remove(at: stuck)
    return true
  }

  /// Makes room: of those that were given whole, and of those that nobody asked of for a while.
  private mutating func dropIdleTransfers() {
    let (patience, now) = (core.patience, core.now)
    transfers.removeAll { $0.usedAt.advanced(by: patience) <= now || $0.last.isLast }
  }

  mutating func takePiece(_ piece: MultiPaxos.Message.SnapshotPiece, from sender: VoterID) {
    guard var asked = core.catchUp.incoming, asked.from == sender else { return }
    // The giver began anew, in the same state perhaps: then nothing else came for a while.
    if piece.index == 0, asked.next == 0 || piece.slot != asked.slot || asked.tries > 1 {
      guard piece.slot > core.chosenThrough else { return core.abandonSnapshot() }
      incoming = Incoming(target: SnapshotTarget(slot: piece.slot), pieces: [])
      asked.slot = piece.slot
      asked.next = 0
      asked.wanted = 1
      asked.tries = 0
      core.outbox.record(.stateBegins(piece.slot))
    }
    if piece.slot == asked.slot, asked.next < .max, piece.index == asked.next + 1 {
      // The one before it was lost.
      return core.askAgainForPieces()
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
    guard piece.isLast else { return core.askForPieces() }
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

extension Message.SnapshotPiece {
  fileprivate var size: Int { bytes.reduce(0) { $0 + $1.count } }
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
