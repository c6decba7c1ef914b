internal import Synod

/// Snapshots between nodes: asked for piece by piece, so that whoever takes one says how fast.
extension Machine {
  /// A snapshot that another node takes from here.
  struct Transfer: Sendable {
    var to: VoterID
    var source: SnapshotSource<State>
    /// The piece that was given last.
    var last: EPaxos.Message.SnapshotPiece
    var usedAt: Ticks
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
      if isNext { transfers[place].last = transfers[place].source.piece(index, limit) }
      let isSame = snapshot == last.snapshot && index == last.index
      // Two requests that crossed are both answered with one snapshot: or each would end the other's.
      if isNext || isSame || (last.index == 0 && !last.isLast) {
        transfers[place].usedAt = core.now
        core.outbox.send(.piece(transfers[place].last), to: voter)
        return
      }
      transfers.remove(at: place)
    }
    guard core.executed > 0 else { return }
    let patience = core.settings.retransmitAfter * 8
    let now = core.now
    transfers.removeAll { $0.usedAt.advanced(by: patience) <= now || $0.last.isLast }
    guard transfers.count < core.settings.maxTransfers else { return }
    var source = SnapshotSource(core.drawSnapshot(), core, replicated, appState)
    let first = source.piece(0, limit)
    transfers.append(Transfer(to: voter, source: source, last: first, usedAt: core.now))
    core.outbox.send(.piece(first), to: voter)
  }

  mutating func takePiece(_ piece: EPaxos.Message.SnapshotPiece, from sender: VoterID) {
    guard core.catchUp.source == sender else { return }
    if piece.index == 0, core.catchUp.next == 0 || piece.snapshot != core.catchUp.snapshot {
      incoming = Incoming(target: SnapshotTarget(number: piece.snapshot), pieces: [])
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
    guard core.isBehind(target.truncated, target.executed) else { return }
    guard core.isAllForgotten(in: target.truncated, target.executed) else { return }
    appState = target.app
    replicated = target.replicated
    core.install(
      target.truncated, target.executed, barrier: target.barrier, count: target.count)
    if core.started { effects.append(.installed) }
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
      snapshot: number, index: index, isLast: isAtEnd, digest: digest, bytes: bytes)
  }
}
