public import Synod

/// The members, as a machine's user sees them.
extension Machine {
  /// The newest membership that is known here to be decided, durable or not.
  public var membership: Membership { core.members.adopted }
  /// What this node is in it.
  public var standing: Standing { core.standing }

  /// Asks about the members, or for a change of them.
  @usableFromInline
  mutating func joinMembers(_ errand: Errand, as id: ProposalID, deadline: Ticks?) {
    open += 1
    let isNew = join(
      Membership.key, hash: core.members.hash,
      Fold.Pending(from: .client(id), work: .errand(errand), deadline: deadline))
    if isNew { settle() }
  }

  /// Runs what is asked of the reserved register.
  @usableFromInline
  mutating func runOnMembers(
    _ slot: Int, on base: RegisterState, at ballot: Ballot
  ) -> (state: RegisterState, wrote: Bool) {
    let adopted = core.members.adopted
    #if PlantedBugs
      if PlantedBug.has(.unguardedMembers) {
        var known = base
        known.value = adopted.encoded
        let run = folds[slot].runOnMembers(on: known, at: ballot, blank: nil, answering: nil)
        return run.wrote ? run : (base, false)
      }
    #endif
    return folds[slot].runOnMembers(
      on: base, at: ballot, blank: adopted.revision == 0 ? adopted : nil,
      answering: core.answering(slot))
  }

  /// Whether the round is to wait for more promises before its changes are refused for want of them.
  @usableFromInline
  mutating func waitsForAnswers(_ slot: Int) -> Bool {
    core.rounds[slot].isReserved && folds[slot].lacksAnswers && core.waitForAnswers(slot)
  }

  /// This node is no member any more: what is open here can come to nothing.
  mutating func expel() {
    endWatches(because: .notAMember)
    core.endListings(because: .notAMember)
    for slot in folds.indices where core.rounds[slot].phase != .free {
      abandon(slot, because: .notAMember) { _ in true }
      finishIfAbandoned(slot)
    }
  }
}

extension Core {
  /// The voters that answered the slot's prepare, with whatever; nil where none was sent.
  func answering(_ slot: Int) -> [VoterID]? {
    guard rounds[slot].phase == .preparing else { return nil }
    let there = rounds[slot].votes.union(rounds[slot].refused)
    return configuration.voters.enumerated().filter { there.contains($0.offset) }.map(\.element)
  }

  /// Has a prepare that has its quorum wait for the other voters, for a while.
  /// - Returns: false where all have answered, or the while is over.
  mutating func waitForAnswers(_ slot: Int) -> Bool {
    let there = rounds[slot].votes.union(rounds[slot].refused)
    if configuration.everyone.subtracting(there).isEmpty { return false }
    let until = rounds[slot].waitsUntil ?? now.advanced(by: 3 * settings.retransmitAfter)
    rounds[slot].waitsUntil = until
    rounds[slot].wake = min(rounds[slot].retransmitAt, until)
    scheduleWake(slot)
    return until > now
  }

  /// Whether a state of the reserved register is of an epoch above the ballot's: it is written back as
  /// it is, and where that is chosen, adopted; only then a change of it may follow (rule 42).
  @usableFromInline
  func isOfHigherEpoch(_ slot: Int, _ base: RegisterState, than ballot: Ballot) -> Bool {
    #if PlantedBugs
      if PlantedBug.has(.unguardedMembers) { return false }
    #endif
    guard rounds[slot].isReserved, let value = base.value, let held = try? Membership(value) else {
      return false
    }
    return held.configuration.epoch > ballot.epoch
  }
}

/// What a node that drives a change of the voters is at: for simulated worlds, which have it crash
/// there.
package enum DrivingStage: Int, CaseIterable, Sendable {
  case promoting, waiting, listing, settling, concluding
}

extension Machine {
  /// Nil where it drives none.
  package var drivingStage: DrivingStage? {
    guard core.configuration.isJoint else { return core.members.isStepping ? .promoting : nil }
    return switch core.members.transfer?.phase {
    case .waiting: .waiting
    case .listing: .listing
    case .settling: .settling
    case .concluding: .concluding
    case nil: nil
    }
  }

  /// Whether it drives a transfer of which a piece is done, and the next one is not begun.
  package var isBetweenPieces: Bool {
    guard let transfer = core.members.transfer, case .waiting = transfer.phase else { return false }
    return transfer.through != nil && !transfer.isComplete
  }

  /// While the voters change: how much of what there is was accepted anew, from 0 to 1, as far as this
  /// node has heard. Nil where they do not.
  public var transferProgress: Double? {
    guard configuration.isJoint else { return nil }
    return Double(core.members.progress ?? 0) / Double(UInt32.max)
  }
}
