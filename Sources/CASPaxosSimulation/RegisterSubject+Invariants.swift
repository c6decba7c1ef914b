public import CASPaxos
public import Synod
internal import SynodSimulation

extension RegisterSubject {
  /// A message must rest on what is durable.
  @inlinable
  public mutating func sent(
    _ envelope: Envelope<CASPaxos.Message>, by voter: VoterID
  ) -> String? {
    unplanted { ledger.sent(envelope.message, to: envelope.to, by: voter) }
    return ledger.violation
  }

  /// A crash may keep these or not.
  @inlinable
  public mutating func appended(_ records: [CASPaxos.Record], by voter: VoterID) {
    unplanted { ledger.appended(records, by: voter) }
  }

  /// These are durable, and may choose a state.
  @inlinable
  public mutating func persisted(_ records: [CASPaxos.Record], by voter: VoterID) -> String? {
    unplanted { ledger.persisted(records, by: voter) }
    return ledger.violation
  }

  /// A machine comes back with what its store bears out.
  public mutating func recovered(
    _ machine: CASPaxos.Machine<Workload.C>, as voter: VoterID
  ) -> String? {
    hasFailed.remove(voter)
    var records: [CASPaxos.Record] = []
    _ = machine.restate(after: nil, limit: .max, into: &records)
    unplanted { ledger.recovered(records, as: voter) }
    return ledger.violation
  }

  /// It never votes again.
  public mutating func retired(_ voter: VoterID) {
    ledger.retire(voter)
    lost.append(voter)
  }

  /// Queues are bounded, and a machine stops only where its store failed.
  @inlinable
  public func inspect(_ machine: CASPaxos.Machine<Workload.C>, of voter: VoterID) -> String? {
    let settings = machine.settings
    if machine.openProposals > settings.maxOpenProposals {
      return "voter \(voter) holds \(machine.openProposals) proposals"
    }
    // Its own acceptor's replies are as many as it may ask for: the accepts of the rounds that are open,
    // and two for each ballot that it may draw before it needs another reservation; and sixteen pages.
    let held =
      settings.maxHeldReplies + 4 * Int(settings.counterBlock) + 2 * machine.registerCount + 16
      + heldForWatches
    if machine.heldReplies > held {
      return "voter \(voter) holds \(machine.heldReplies) replies, and \(held) are allowed"
    }
    switch machine.stopped {
    case nil: return nil
    case .storageFailed where hasFailed.contains(voter): return nil
    case .storageFailed: return "voter \(voter) says that its store failed, and it did not"
    case .deadline, .cancelled, .ballotsExhausted, .forgotten, .otherChange, .machineStopped,
      .notAMember:
      return "voter \(voter) stopped, and nobody gave it a reason"
    }
  }

  /// Every mark that there is.
  public func marks(
    _ machines: [CASPaxos.Machine<Workload.C>]
  ) -> [(name: String, count: UInt64)] { ledger.marks.all }
}
