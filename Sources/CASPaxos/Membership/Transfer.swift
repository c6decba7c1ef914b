internal import Synod

/// How far every register was accepted anew in a joint epoch (rule 43 a and b).
///
/// The registers are listed in that epoch, piece by piece, each piece by a prepare quorum of both
/// components that has adopted the epoch: then no register is missed that was chosen before, and none
/// can be chosen any more outside of the epoch. One that an accept quorum of both does not hold in the
/// epoch already is written back by a round. States are never copied: a copy that outlives a deletion
/// elsewhere would bring back what was deleted.
struct Transfer: Hashable, Sendable {
  /// What it is at.
  enum Phase: Hashable, Sendable {
    /// Begins the next piece, or concludes, once the time has come.
    case waiting(until: Ticks)
    /// The next piece is being listed.
    case listing
    /// Its registers are being written back.
    case settling
    /// The joint epoch is being concluded.
    case concluding
  }

  let epoch: Epoch
  var phase: Phase
  /// Every register up to this hash was accepted in the epoch; nil for none. The highest: all were.
  var through: UInt64?
  /// At least as high as every deletion that was collected before the epoch, of the registers up to
  /// there that nobody holds any more.
  var floor: Ballot
  /// Of the piece at hand: where it ends, what is still to be begun, and what is under way.
  var pieceEnd: UInt64 = 0
  var waiting: [Bytes] = []
  var begun: [UInt32: Bytes] = [:]
  /// A round of the piece came to nothing: it is listed again.
  var hasFailed = false

  init(_ epoch: Epoch, through: UInt64?, floor: Ballot, at now: Ticks) {
    self.epoch = epoch
    self.through = through
    self.floor = floor
    phase = .waiting(until: now)
  }

  var isComplete: Bool { through == .max }

  /// Rounds under way at once, at the most.
  static let maxRounds = 64
}
