internal import EPaxos
internal import Synod

/// What follows for a store from what it holds, by the rules and not by the machine.
extension InstanceLedger {
  /// Whatever is void conflicts with everything, and so does what is forgotten (rules 6 and 42): what is
  /// held from now on comes behind it.
  mutating func mustCover(
    _ dep: Dependencies, of id: InstanceID, by voter: VoterID, _ place: Int
  ) {
    // What is of other epochs is before it, or has no effect.
    let epoch = id.row.epoch
    if !dep.isSuperset(of: stores[place].truncated.of(epoch)) {
      violate("voter \(voter) holds \(id) behind \(dep), and not behind what it has forgotten")
    }
    if !dep.isSuperset(of: stores[place].void.of(epoch)) {
      violate("voter \(voter) holds \(id) behind \(dep), and not behind what it holds as void")
    }
  }

  /// Notes what speaks against a value at a store that is asked about it (rule 19). Records are in the
  /// order in which the machine came to them, so this is what it knew when it made its answer.
  mutating func expectObjections(to value: Value, of id: InstanceID, _ place: Int) {
    guard let ballot = stores[place].held[id]?.bal else { return }
    let footprint = Self.footprint(of: value.batch)
    var found: [InstanceID] = []
    for (other, held) in stores[place].held
    where other != id && other.row.epoch == id.row.epoch && held.phase != .committed
      && !value.dep.contains(other)
    {
      guard let proposed = held.proposed, !proposed.dep.contains(id),
        !stores[place].truncated.contains(other),
        footprint.interferes(with: Self.footprint(of: proposed.batch))
      else { continue }
      found.append(other)
    }
    stores[place].objections[Place(id: id, ballot: ballot)] = found.sorted()
  }

  /// One that is decided is enough to answer; of those that are not, none may be left out.
  mutating func mustName(
    _ objections: [Objection], _ id: InstanceID, _ ballot: Ballot, _ voter: VoterID, _ place: Int
  ) {
    let key = Place(id: id, ballot: ballot)
    guard let expected = stores[place].objections.removeValue(forKey: key),
      !objections.contains(where: \.isCommitted)
    else { return }
    for other in expected where !objections.contains(where: { $0.id == other }) {
      violate("voter \(voter) does not say that \(other) speaks against \(id)")
    }
  }

  /// Whether it may be forgotten somewhere, as far as stores tell.
  mutating func mayBeForgotten(_ id: InstanceID) -> Bool {
    isHeldByEnough(Dependencies([.init(row: id.row, through: id.number)]), in: id.row.epoch)
  }

  /// Whether every quorum has one that holds all of these as decided.
  mutating func isHeldByEnough(_ through: Dependencies, in epoch: Epoch) -> Bool {
    guard let (places, quorums) = electorate(epoch) else { return true }
    return places.count { holds(through, $0) } >= quorums.slow
  }

  /// Whether a store holds all of these as decided, or a snapshot that does.
  mutating func holds(_ through: Dependencies, _ place: Int) -> Bool {
    through.prefixes.allSatisfy { prefix in
      if prefix.row.epoch < stores[place].installed.epoch { return true }
      var number = max(
        stores[place].decidedThrough[prefix.row], stores[place].truncated[prefix.row],
        stores[place].installed.through[prefix.row])
      while number < prefix.through,
        isDecided(InstanceID(row: prefix.row, number: number + 1), stores[place])
      { number += 1 }
      stores[place].decidedThrough.insert(through: number, of: prefix.row)
      return number >= prefix.through
    }
  }

  private func isDecided(_ id: InstanceID, _ store: Store) -> Bool {
    store.held[id]?.phase == .committed || store.installed.others.contains(id)
  }
}

extension Dependencies {
  /// Those of one epoch.
  fileprivate func of(_ epoch: Epoch) -> Dependencies {
    var some = self
    some.keepRows { $0.epoch == epoch }
    return some
  }
}
