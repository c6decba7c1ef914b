internal import CASPaxos
internal import Synod

/// Deletion that gives the space back: what is erased must be a tombstone that every voter holds, and
/// what is written after it must say what it cannot tell any more (rule 35).
extension RegisterLedger {
  /// A tombstone that every voter had accepted, and that some have erased.
  struct Collected: Sendable {
    let ballot: Ballot
    /// Of the deletion.
    let version: Version
  }

  /// Erasing is allowed once every voter has durably accepted the tombstone, not earlier.
  private mutating func mayErase(_ ballot: Ballot, _ key: Bytes, at place: Int) -> Int? {
    let voter = voter(at: place)
    guard let use = index.find(ballot), keys[uses[use].key].name == key, uses[use].hasState else {
      violate("voter \(voter) erases \(ballot) of \(key), which carried nothing of it")
      return nil
    }
    if uses[use].state.value != nil {
      violate("voter \(voter) erases a value, that of \(ballot)")
    } else if !isHeldByAll(use) {
      violate("voter \(voter) erases \(ballot), which only \(uses[use].holders.count) accepted")
    }
    return violation == nil ? use : nil
  }

  /// A proposer has others erase what it collected.
  mutating func asksToErase(_ message: Message, by place: Int) {
    if message.ballot.voter != voter(at: place) {
      return violate("voter \(voter(at: place)) has \(message.ballot) erased, a ballot of another")
    }
    if mayErase(message.ballot, message.key, at: place) != nil,
      configuration(of: message.ballot)?.isJoint == true
    {
      reach(.erasedTogether)
    }
  }

  /// A store forgot a register.
  mutating func erase(_ key: Bytes, _ ballot: Ballot, floor: Ballot, at place: Int) {
    guard let use = mayErase(ballot, key, at: place) else { return }
    let number = uses[use].key
    let held = stores[place].held[number]
    if held.accepted != ballot {
      return violate(
        "voter \(voter(at: place)) erases \(ballot) of \(key), and holds \(held.accepted)")
    }
    if floor < ballot || floor < stores[place].floor {
      return violate("voter \(voter(at: place)) erases \(ballot), and its floor is \(floor)")
    }
    stores[place].floor = floor
    stores[place].held[number] = Held(promised: held.promised > ballot ? held.promised : .zero)
    reach(.erased)
    if keys[number].collected.contains(where: { $0.ballot == ballot }) { return }
    let version = origin(of: uses[use].state, key: number, below: ballot).version
    let place = keys[number].collected.firstIndex { $0.ballot > ballot }
    keys[number].collected.insert(
      Collected(ballot: ballot, version: version), at: place ?? keys[number].collected.count)
  }

  /// A store promised this on every register of which it holds nothing.
  mutating func raiseFloor(_ floor: Ballot, at place: Int) {
    if floor <= stores[place].floor {
      violate("voter \(voter(at: place)) raises its floor to \(floor)")
    }
    stores[place].floor = max(stores[place].floor, floor)
  }

  /// What a voter has promised on a register, and whether it had accepted `ballot`, as far as that is
  /// known: what is collected was promised and accepted by all, and the floor stands for it.
  func promise(on key: Int, at place: Int) -> Ballot {
    let held = stores[place].held[key]
    return held.accepted.isZero ? max(held.promised, stores[place].floor) : held.promised
  }

  /// See `promise(on:at:)`.
  func hasAccepted(_ ballot: Ballot, on key: Int, at place: Int) -> Bool {
    let held = stores[place].held[key]
    return held.accepted >= ballot
      || (held.accepted.isZero && stores[place].floor >= ballot && !keys[key].collected.isEmpty)
  }

  /// What a round at `ballot` began from: where nobody held anything, the deletion that was collected
  /// last.
  func origin(of base: RegisterState, key: Int, below ballot: Ballot) -> Register {
    if !base.version.ballot.isZero { return base.written }
    let last = keys[key].collected.last { $0.ballot < ballot }
    return Register(value: nil, version: last?.version ?? .zero)
  }

  /// Whether what was chosen at `ballot` was collected before a state began that says so.
  func isCollected(_ ballot: Ballot, of key: Int, before state: RegisterState) -> Bool {
    keys[key].collected.contains { $0.ballot >= ballot && $0.ballot <= state.forgotten }
  }

  /// A deletion is part of a chosen state.
  /// - Parameter isCertain: no other state can be meant.
  mutating func noteDeletion(_ version: Version, of key: Int, isCertain: Bool = true) {
    guard isCertain else {
      keys[key].doubtfulTombstones.insert(version)
      return
    }
    keys[key].doubtfulTombstones.remove(version)
    let place = keys[key].tombstones.firstIndex { $0 >= version }
    if let place, keys[key].tombstones[place] == version { return }
    keys[key].tombstones.insert(version, at: place ?? keys[key].tombstones.count)
  }

  /// Which deletion a client saw that was told that there is nothing: the earliest that it may have
  /// been, which is the least that can be held against what comes after.
  /// - Parameters:
  ///   - floor: the newest version that anyone was told of before it was asked for.
  ///   - voter: who was asked. What there was in the middle of another's round, it cannot know.
  /// - Returns: nil where the messages do not tell whether a deletion took effect; the same where none
  ///   did.
  func sight(
    of register: Register, on key: Int, floor: Version, by voter: VoterID
  ) -> Register? {
    guard register.value == nil, register.version.ballot.isZero, !floor.ballot.isZero else {
      return register
    }
    let earliest = keys[key].tombstones.first {
      $0 >= floor && ($0.ballot.voter == voter || isFinal($0))
    }
    let isDoubtful = keys[key].doubtfulTombstones.contains {
      $0 >= floor && $0 < earliest ?? .untold
    }
    if isDoubtful { return nil }
    return earliest.map { Register(value: nil, version: $0) } ?? register
  }

  /// The rounds of several changes that a voter made of a register since a moment, and that took effect:
  /// what there was between two of those changes only those know that were part of the round.
  func foldedRounds(
    of key: Int, by voter: VoterID, since moment: UInt64, above floor: Version
  ) -> [(ballot: Ballot, proposedAt: UInt64)] {
    keys[key].proposed.compactMap {
      let use = uses[$0]
      let last = use.state.version
      guard last > floor, last.step > 1, use.ballot == last.ballot, use.ballot.voter == voter,
        use.isSettled, use.proposedAt >= moment
      else { return nil }
      return (use.ballot, use.proposedAt)
    }
  }
}
