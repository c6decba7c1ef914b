internal import Synod

/// Snapshots between nodes: asked for piece by piece, so that whoever takes one says how fast.
extension Machine {
  /// A snapshot that another node takes from here.
  struct Transfer: Sendable {
    var to: VoterID
    /// The rest; nil once all of it was given: the copy of the state takes memory.
    var source: SnapshotSource<State>?
    /// The piece that was given last.
    var last: EPaxos.Message.SnapshotPiece
    var usedAt: Ticks
    /// When a piece was given for the first time.
    var advancedAt: Ticks

    /// Gives the next piece.
    mutating func advance(_ limit: Int) {
      guard var source else { return }
      self.source = nil
      last = source.piece(last.index + 1, limit)
      if !last.isLast { self.source = source }
    }
  }

  /// A snapshot that this node takes.
  struct Incoming: Sendable {
    var target: SnapshotTarget<State>
    /// As they are recorded, so that a checkpoint can restate them.
    var pieces: [Bytes]
  }

  mutating func givePiece(_ snapshot: UInt64, _ index: UInt32, to voter: VoterID) {
    let limit = core.settings.maxPieceBytes
    if let place = transfers.firstIndex(where: { $0.to == voter }) {
      let last = transfers[place].last
      let isNext = snapshot == last.snapshot && index == last.index + 1 && !last.isLast
      if isNext {
        transfers[place].advance(limit)
        transfers[place].advancedAt = core.now
      }
      let isSame = snapshot == last.snapshot && index == last.index
      // Two requests that crossed are both answered with one snapshot: or each would end the other's.
      if isNext || isSame || (last.index == 0 && !last.isLast) {
        transfers[place].usedAt = core.now
        core.outbox.send(.piece(transfers[place].last), to: voter)
        return
      }
      // A late request for what was taken already is none for another snapshot.
      if snapshot == last.snapshot, index < last.index { return }
      transfers.remove(at: place)
    }
    guard core.executed > 0, core.hasState else { return }
    dropIdleTransfers()
    let open = transfers.count { $0.source != nil }
    guard open < core.settings.maxTransfers || dropStuckTransfer() else { return }
    var source = SnapshotSource(core.drawSnapshot(), core, replicated, appState)
    let first = source.piece(0, limit)
    transfers.append(
      Transfer(
        to: voter, source: first.isLast ? nil : source, last: first, usedAt: core.now,
        advancedAt: core.now))
    core.outbox.send(.piece(first), to: voter)
  }

  /// Whoever took the last piece may ask for it again, so it is kept for a while.
  mutating func dropIdleTransfers() {
    let (now, patience) = (core.now, transferPatience)
    transfers.removeAll { $0.usedAt.advanced(by: patience) <= now }
  }

  /// Makes room for another where one has got nowhere for long: what is sent to it may be lost, while it is
  /// heard to ask for the same again and again.
  /// - Returns: whether there is room.
  private mutating func dropStuckTransfer() -> Bool {
    let open = transfers.indices.filter { transfers[$0].source != nil }
    guard let stuck = open.min(by: { transfers[$0].advancedAt < transfers[$1].advancedAt }),
      transfers[stuck].advancedAt.advanced(by: 4 * transferPatience) <= core.now
    else { return false }
    transfers.remove(at: stuck)
    return true
  }

  /// When the first of those that are given is idle for too long.
  var transferWake: Ticks? {
    transfers.map { $0.usedAt.advanced(by: transferPatience) }.min()
  }

  private var transferPatience: UInt64 { core.settings.retransmitAfter * 8 }

  mutating func takePiece(_ piece: EPaxos.Message.SnapshotPiece, from sender: VoterID) {
    guard core.catchUp.source == sender else { return }
    if piece.index == 0, core.catchUp.next == 0 || piece.snapshot != core.catchUp.snapshot {
      incoming = Incoming(
        target: SnapshotTarget(number: piece.snapshot, core.membership), pieces: [])
      core.catchUp.snapshot = piece.snapshot
      core.catchUp.next = 0
      core.outbox.record(.stateBegins(piece.snapshot))
    }
    guard piece.snapshot == core.catchUp.snapshot, piece.index == core.catchUp.next,
      var taken = incoming
    else { return }
    incoming = nil
    for bytes in piece.bytes {
      do {
        try taken.target.take(bytes)
      } catch {
        return core.abandonSnapshot()
      }
      taken.pieces.append(bytes)
      core.outbox.record(.statePiece(bytes))
    }
    incoming = taken
    core.catchUp.next += 1
    core.catchUp.tries = 0
    guard piece.isLast else { return core.askForPiece() }
    core.abandonSnapshot()
    guard taken.target.app.digest == piece.digest else { return incoming = nil }
    core.outbox.record(.installed(piece.snapshot))
    install(piece.snapshot)
  }

  /// Makes what was taken this node's state, where that lacks anything of it.
  mutating func install(_ snapshot: UInt64) {
    guard let taken = incoming, taken.target.number == snapshot, taken.target.hasBegun else {
      return
    }
    incoming = nil
    let target = taken.target
    guard core.isBehind(target.membership, target.truncated, target.executed) else { return }
    let before = core.membership
    appState = target.app
    replicated = target.replicated
    core.install(
      target.truncated, target.executed, barrier: target.barrier, count: target.count,
      (target.membership, began: target.began))
    guard core.started else { return }
    effects.append(.installed)
    if core.membership != before { effects.append(.members(core.membership)) }
  }
}

extension SnapshotSource {
  /// The next piece, as a message.
  fileprivate mutating func piece(_ index: UInt32, _ limit: Int) -> Message.SnapshotPiece {
    var bytes: [Bytes] = []
    var size = 0
    while let piece = nextPiece(limit) {
      // A message must fit into a frame: what is long is sent alone.
      if !bytes.isEmpty, size + piece.count > limit {
        putBack(piece)
        break
      }
      bytes.append(piece)
      size += piece.count
    }
    return Message.SnapshotPiece(
      snapshot: number, index: index, isLast: isAtEnd, digest: digest, bytes: bytes)
  }
}
