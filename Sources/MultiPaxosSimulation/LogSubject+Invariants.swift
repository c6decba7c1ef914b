public import MultiPaxos
public import Synod
public import SynodSimulation

extension LogSubject {
  /// A message must rest on what is durable.
  public mutating func sent(
    _ envelope: Envelope<MultiPaxos.Message>, by voter: VoterID
  ) -> String? {
    ledger.sent(envelope.message, by: voter)
    return ledger.violation
  }

  /// These are durable, and may choose entries.
  public mutating func persisted(_ records: [MultiPaxos.Record], by voter: VoterID) -> String? {
    ledger.persisted(records, by: voter)
    advance()
    return ledger.violation
  }

  /// A machine comes back with what its store bears out.
  public mutating func recovered(
    _ machine: MultiPaxos.Machine<Workload.App>, as voter: VoterID
  ) -> String? {
    hasFailed.remove(voter)
    var records: [MultiPaxos.Record] = []
    var cursor = machine.restate(after: nil, limit: 1 << 20, into: &records)
    while cursor != nil { cursor = machine.restate(after: cursor, limit: 1 << 20, into: &records) }
    let status = machine.status
    ledger.recovered(
      as: voter, records, promised: status.promised, applied: status.applied,
      accepted: { machine.accepted(at: $0) })
    advance()
    compare(machine, of: voter)
    return ledger.violation
  }

  /// It never votes again.
  public mutating func retired(_ voter: VoterID) { ledger.retire(voter) }

  /// It may say so from now on.
  public mutating func storageFailed(at voter: VoterID) { hasFailed.insert(voter) }

  private mutating func compare(
    _ machine: MultiPaxos.Machine<Workload.App>, of voter: VoterID
  ) {
    if let wrong = difference(machine, of: voter) { ledger.violate(wrong) }
  }

  /// Its state is what the log says, and queues are bounded; it stops only where its store failed.
  public func inspect(
    _ machine: MultiPaxos.Machine<Workload.App>, of voter: VoterID
  ) -> String? {
    // Commands and reads are counted apart.
    if machine.openProposals > 2 * machine.settings.maxOpenProposals {
      return "voter \(voter) holds \(machine.openProposals) proposals"
    }
    switch machine.stopped {
    case nil: return difference(machine, of: voter)
    case .storageFailed where hasFailed.contains(voter): return nil
    case .storageFailed: return "voter \(voter) says that its store failed, and it did not"
    case .some(let why): return "voter \(voter) stopped (\(why)), and nobody gave it a reason"
    }
  }

  private func difference(
    _ machine: MultiPaxos.Machine<Workload.App>, of voter: VoterID
  ) -> String? {
    let applied = machine.status.applied
    guard applied <= model.applied else {
      return "voter \(voter) applied \(applied), and \(model.applied) is the last that is chosen"
    }
    let wanted = model.digests[Int(applied.rawValue)]
    return machine.app.digest == wanted
      ? nil : "voter \(voter) has another state after \(applied) than the log gives"
  }

  /// All was judged as it came.
  public mutating func verdict(budget: Int) -> HistoryVerdict {
    ledger.violation.map { .violation($0) } ?? .good
  }

  /// Every mark that there is.
  public func marks(
    _ machines: [MultiPaxos.Machine<Workload.App>]
  ) -> [(name: String, count: UInt64)] { ledger.marks.all }
}
