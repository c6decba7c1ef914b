internal import Synod

/// What a watch of a prefix finds in the list of all registers.
extension Watch {
  /// Registers that wait to be read while more are looked for, about, at the most.
  private static let maxBacklog = 256

  /// The next piece of the list that it needs, if it needs one now.
  mutating func takePiece(at now: Ticks) -> Sweep.Piece? {
    sweep?.take(at: now, hasRoom: toRead.count < Self.maxBacklog)
  }

  /// The list has a register, whose newest state is the one at this ballot.
  mutating func found(_ key: Bytes, accepted: Ballot, hasValue: Bool) {
    guard let sweep, subject.covers(key), hasValue || keys[key] != nil else { return }
    if keys[key].map({ $0.chosen < accepted }) ?? true { want(key) }
    keys[key]?.sweep = sweep.number
  }

  /// A piece of the list ends here.
  /// - Parameter next: when to look again, if this was the last piece.
  mutating func swept(through hash: UInt64, next: Ticks) {
    guard let number = sweep?.number, sweep?.went(through: hash, next: next) == true else { return }
    // Of these nothing is kept any more, or they were not there yet.
    let missing = keys.filter { $0.value.sweep != number && !$0.value.isGone }.keys
    for key in missing.sorted(by: { $0.precedes($1) }) { want(key) }
  }
}
