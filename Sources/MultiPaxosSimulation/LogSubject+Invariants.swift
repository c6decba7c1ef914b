public import MultiPaxos
public import Synod
public import SynodSimulation

extension LogSubject {
  /// A message must rest on what is durable.
  public mutating func sent(
    _ envelope: Envelope<MultiPaxos.Message>, by voter: VoterID
  ) -> String? {
    if case .accept(let accept) = envelope.message { mustBeOver(accept.entries, says: voter) }
    ledger.sent(envelope.message, by: voter)
    return ledger.violation
  }

  /// These are durable, and may choose entries.
  public mutating func persisted(_ records: [MultiPaxos.Record], by voter: VoterID) -> String? {
    for record in records {
      record.forEachSlot { part in
        if case .accept(_, _, let entries) = part { mustBeOver(entries, says: voter) }
        ledger.persisted(part, by: voter)
        // What is chosen next may be so by other voters.
        advance()
      }
    }
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
      as: voter, promised: status.promised, applied: status.applied,
      accepted: { machine.accepted(at: $0) })
    for record in records {
      record.forEachSlot { part in
        ledger.survived(part, as: voter)
        advance()
      }
    }
    ledger.mustBeChosen(through: status.applied, says: voter)
    compare(machine, of: voter)
    begin(machine, of: voter)
    return ledger.violation
  }

  /// It never votes again.
  public mutating func retired(_ voter: VoterID) {
    ledger.retire(voter)
    guard ledger.newest.membership.member(voter) != nil else { return }
    lost.append(voter)
    recover(voter)
  }

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
    if let wrong = brokenLease(machine, of: voter) { return wrong }
    switch machine.stopped {
    case nil: return difference(machine, of: voter) ?? untold(machine, of: voter)
    case .storageFailed where hasFailed.contains(voter): return nil
    case .storageFailed: return "voter \(voter) says that its store failed, and it did not"
    case .some(let why): return "voter \(voter) stopped (\(why)), and nobody gave it a reason"
    }
  }

  /// While a leader trusts its lease nobody else has anything chosen behind what it knows (rule 44).
  private func brokenLease(
    _ machine: MultiPaxos.Machine<Workload.App>, of voter: VoterID
  ) -> String? {
    guard shape.settings.leaseDuration != nil else { return nil }
    if let wrong = brokenGrant(machine, of: voter) { return wrong }
    guard let ballot = machine.leasedAt else { return nil }
    var slot = machine.status.chosen.next
    while slot <= ledger.highest {
      if let chosen = ledger.chosen[slot], chosen.ballot > ballot {
        return "voter \(voter) trusts its lease at \(ballot), and \(slot) is chosen at "
          + "\(chosen.ballot)"
      }
      slot = slot.next
    }
    return nil
  }

  /// Nobody whose grant a leader trusts follows another (rules 44, 45).
  private func brokenGrant(
    _ machine: MultiPaxos.Machine<Workload.App>, of voter: VoterID
  ) -> String? {
    guard let (ballot, grantors) = machine.trusted else { return nil }
    for grantor in grantors {
      guard let place = ledger.place(of: grantor) else { continue }
      let promised = ledger.stores[place].promised
      if promised.voter != voter, promised > ballot {
        return "voter \(voter) trusts what voter \(grantor) granted it at \(ballot), and that has "
          + "promised \(promised)"
      }
    }
    return nil
  }

  private func difference(
    _ machine: MultiPaxos.Machine<Workload.App>, of voter: VoterID
  ) -> String? {
    let applied = machine.status.applied
    guard applied <= model.applied else {
      return "voter \(voter) applied \(applied), and \(model.applied) is the last that is chosen"
    }
    let wanted = model.digests[Int(applied.rawValue)]
    if machine.app.digest != wanted {
      return "voter \(voter) has another state after \(applied) than the log gives"
    }
    guard applied == model.applied else { return nil }
    if machine.schedule != model.schedule {
      return "voter \(voter) has other members after \(applied) than the log gives"
    }
    let leases = machine.leases
    let isSame =
      leases.count == model.leases.count
      && leases.allSatisfy { model.leases[$0.name] == $0.lease }
    return isSame ? nil : "voter \(voter) has other leases after \(applied) than the log gives"
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

extension MultiPaxos.Record {
  /// The same, with the entries of a run one by one.
  fileprivate func forEachSlot(_ body: (Self) -> Void) {
    guard case .accept(let ballot, let first, let entries) = self, entries.count > 1 else {
      return body(self)
    }
    for (offset, entry) in entries.enumerated() {
      body(.accept(ballot, first: first.advanced(by: UInt64(offset)), [entry]))
    }
  }
}
