public import CASPaxos
public import Synod

extension RegisterLedger {
  /// A machine was rebuilt: it holds exactly what is durable, and perhaps the next of the batches that
  /// were handed to the store before the crash, whole ones and in order.
  /// - Parameter records: all that it holds, as it restates it.
  @usableFromInline
  mutating func recovered(_ records: [Record], as voter: VoterID) {
    guard let place = place(of: voter) else { return violate("voter \(voter) has no vote") }
    if stores[place].isRetired { return violate("voter \(voter) is rebuilt from a lost store") }
    var found = [Held](repeating: Held(), count: keys.count)
    var reserved: UInt64 = 0
    var floor = Ballot.zero
    var revision: UInt64 = 0
    var states: [(ballot: Ballot, state: RegisterState)] = []
    for record in records {
      switch record {
      case .configuration(let stored):
        if stored != settings.configuration { violate("voter \(voter) came back with \(record)") }
      case .reserve(let counter): reserved = counter
      case .promise(let key, let ballot):
        let number = number(of: key)
        while found.count <= number { found.append(Held()) }
        found[number].promised = ballot
      case .accept(let key, let ballot, let promised, let state):
        let number = number(of: key)
        while found.count <= number { found.append(Held()) }
        found[number] = Held(promised: promised, accepted: ballot)
        states.append((ballot, state))
      case .membership(let members, _): revision = members.revision
      case .transferred: break
      case .floor(let stored): floor = stored
      case .erase: violate("voter \(voter) came back with \(record)")
      }
    }
    var survived = false
    while stores[place].reserved != reserved || stores[place].floor != floor
      || stores[place].members.revision != revision
      || !zip(stores[place].held, found).allSatisfy({ $0.over(floor) == $1.over(floor) })
    {
      guard violation == nil, let batch = stores[place].batches.first else {
        return violate(difference(found, reserved, floor, at: place))
      }
      survived = true
      stores[place].batches.removeFirst()
      for record in stores[place].pending.prefix(batch) { apply(record, at: place) }
      stores[place].pending.removeFirst(batch)
    }
    for (ballot, state) in states where self.state(at: ballot) != state {
      violate("voter \(voter) came back with another state at \(ballot) than was proposed")
    }
    if survived { reach(.unsyncedSurvived) }
    stores[place].batches.removeAll()
    stores[place].pending.removeAll()
    stores[place].lifeFloor = reserved
    stores[place].drawn = reserved
  }

  private func difference(
    _ found: [Held], _ reserved: UInt64, _ floor: Ballot, at place: Int
  ) -> String {
    let store = stores[place]
    var parts: [String] = []
    if floor != store.floor { parts.append("floor \(floor), not \(store.floor)") }
    if reserved != store.reserved { parts.append("reserved \(reserved), not \(store.reserved)") }
    for (key, (a, b)) in zip(found, store.held).enumerated() where a != b {
      parts.append(
        "on \(keys[key].name) promised \(a.promised) and accepted \(a.accepted), not \(b.promised) "
          + "and \(b.accepted)")
    }
    return "voter \(voter(at: place)) came back with what its store does not bear out: "
      + parts.joined(separator: "; ")
  }
}

extension RegisterLedger.Held {
  /// The same where a promise that the floor stands for, with nothing accepted, is dropped.
  fileprivate func over(_ floor: Ballot) -> Self {
    accepted.isZero && promised <= floor ? Self() : self
  }
}
