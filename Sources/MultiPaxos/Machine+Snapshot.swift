public import Synod

/// The state after a slot, for any node of the cluster: what the log replicates, and nothing of an
/// acceptor (rule 27). What a node keeps for itself alone is a `ShutdownImage`.
public struct Snapshot: Hashable, Sendable {
  /// The last slot that is in it.
  public let slot: Slot
  /// A hash of all of it.
  public let digest: UInt64
  let pieces: [Bytes]
}

extension Machine {
  /// The state as it is: cheap to begin, as long as the state to write out.
  public func snapshot() -> Snapshot {
    var source = SnapshotSource(core.state, app)
    let (slot, digest) = (source.slot, source.digest)
    var pieces: [Bytes] = []
    while !source.isAtEnd { source.next(limit: core.settings.maxPieceBytes, into: &pieces) }
    return Snapshot(slot: slot, digest: digest, pieces: pieces)
  }

  /// Takes a snapshot of this cluster's that came by other ways than from its peers: a new node need
  /// not fetch what it has. Where the state has come as far already, nothing happens.
  /// - Returns: whether it is this node's state now.
  /// - Throws: where it is none, or is damaged; nothing has happened then.
  public mutating func install(_ snapshot: Snapshot) throws(RestoreError) -> Bool {
    guard core.stopped == nil, snapshot.slot > core.applied else { return false }
    core.startIfNeeded()
    var target = SnapshotTarget<App>(slot: snapshot.slot)
    for piece in snapshot.pieces { try target.take(piece) }
    guard target.digest == snapshot.digest, let state = target.state else {
      throw RestoreError("a snapshot that is not whole")
    }
    guard state.schedule.window == core.settings.window else {
      throw RestoreError(
        "the snapshot is of a cluster whose window is \(state.schedule.window), and the settings "
          + "name \(core.settings.window)")
    }
    guard core.stopped == nil else { return false }
    core.outbox.record(.stateBegins(snapshot.slot))
    for (index, piece) in snapshot.pieces.enumerated() {
      core.outbox.record(.statePiece(UInt32(index), piece))
    }
    core.logBatch = core.outbox.record(.installed(snapshot.slot))
    core.catchUp.incoming = nil
    incoming = Incoming(target: target, pieces: snapshot.pieces)
    let isTaken = install(snapshot.slot)
    settle()
    return isTaken
  }

  /// Takes the state out: for whoever leaves, or gives it up for a new one. The machine answers and votes
  /// no more; its store stays what it is.
  public mutating func eject() -> (state: App, at: Slot) {
    core.stop(.ejected)
    settle()
    return (app, core.applied)
  }
}

extension Snapshot: ByteCodable {
  private static var mark: UInt32 { 0x6d70_7301 }

  /// Appends its binary form, with a checksum.
  public func encode(into writer: inout ByteWriter) {
    var body = ByteWriter()
    slot.encode(into: &body)
    body.write(digest)
    body.write(UInt64(pieces.count))
    for piece in pieces { body.write(bytes: piece) }
    writer.write(sealed: body.finish(), as: Self.mark)
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    var body = ByteReader(try reader.read(sealedAs: Self.mark))
    slot = try Slot(from: &body)
    digest = try body.read(UInt64.self)
    var left = try body.read(UInt64.self)
    var pieces: [Bytes] = []
    while left > 0 {
      pieces.append(try body.read(bytesUpTo: Message.maxPiece))
      left -= 1
    }
    guard body.isAtEnd else { throw .malformed("more behind a snapshot than its pieces") }
    self.pieces = pieces
  }
}
