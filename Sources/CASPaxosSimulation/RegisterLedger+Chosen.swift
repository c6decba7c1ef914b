public import CASPaxos
public import Synod

/// What is chosen, and what must come of it.
extension RegisterLedger {
  /// An accept quorum holds the ballot durably: whatever is proposed above it must descend from it.
  mutating func choose(_ use: Int) {
    uses[use].isChosen = true
    let key = uses[use].key
    keys[key].prepares = 0
    settle(uses[use].state.version.ballot, isCertain: true)
    for ballot in uses[use].state.lineage { settle(ballot, isCertain: true) }
    for other in keys[key].proposed.reversed() {
      if uses[other].ballot <= uses[use].ballot { break }
      mustDescend(other, from: use)
    }
    var slot = keys[key].chosen.count
    while slot > 0 && uses[keys[key].chosen[slot - 1]].ballot > uses[use].ballot { slot -= 1 }
    keys[key].chosen.insert(use, at: slot)
  }

  /// The write of `ballot` is part of a chosen state, and so is what it was written on: the lineage
  /// does not name that where one voter wrote both.
  private mutating func settle(_ ballot: Ballot, isCertain: Bool) {
    guard let use = index.find(ballot) else { return }
    let isNew = !uses[use].isSettled || isCertain && !uses[use].isCertain
    guard isNew else { return }
    uses[use].isSettled = true
    if isCertain { uses[use].isCertain = true }
    let bases = bases(of: ballot)
    let isOne = bases.allSatisfy { $0.version == bases[0].version }
    for base in bases { settle(base.version.ballot, isCertain: isCertain && isOne) }
  }

  /// Rounds that wrote what is part of a chosen state, in the order of their ballots; and what each
  /// began from, where that is known.
  func writes(on key: Int) -> [(last: Version, value: Bytes?, base: Register?)] {
    keys[key].proposed.compactMap { use in
      guard uses[use].isCertain, uses[use].state.version.ballot == uses[use].ballot else {
        return nil
      }
      let bases = bases(of: uses[use].ballot)
      let isOne = !bases.isEmpty && bases.allSatisfy { $0 == bases[0] }
      return (uses[use].state.version, uses[use].state.value, isOne ? bases[0] : nil)
    }
  }

  mutating func mustDescend(_ upper: Int, from lower: Int) {
    guard !descends(uses[upper].state, from: uses[lower].state, at: uses[lower].ballot) else {
      return
    }
    violate(
      "\(uses[lower].ballot) was chosen on \(keys[uses[lower].key].name) (version "
        + "\(uses[lower].state.version)), and the state proposed at \(uses[upper].ballot) (version "
        + "\(uses[upper].state.version)) does not descend from it")
  }

  /// Whether `upper` has all the writes of `lower`, which was chosen at `ballot`, and no other but
  /// later ones.
  private func descends(
    _ upper: RegisterState, from lower: RegisterState, at ballot: Ballot
  ) -> Bool {
    if upper.version == lower.version { return upper == lower }
    guard upper.version.ballot > ballot else { return false }
    for voter in configuration.voters {
      let last = upper.lastWrite(of: voter)
      if last != lower.lastWrite(of: voter) && last <= ballot { return false }
    }
    return true
  }

  /// A client was told of a state.
  /// - Parameters:
  ///   - floor: the newest version that anyone was told of before it was asked for.
  ///   - wrote: it is the state that the client's own change left.
  @usableFromInline
  mutating func told(
    _ register: Register, of key: Int, floor: Version, wrote: Bool, as id: ProposalID
  ) {
    let version = register.version
    if version < floor || (wrote && version == floor) {
      return violate(
        "proposal \(id) was told of version \(version), and \(floor) was told of before it began")
    }
    keys[key].told = max(keys[key].told, version)
    if version.ballot.isZero {
      if register.value != nil { violate("proposal \(id) saw a value that nobody wrote") }
      return
    }
    guard let use = index.find(version.ballot), uses[use].key == key, uses[use].hasState else {
      return violate("proposal \(id) saw version \(version), which nobody proposed")
    }
    if !uses[use].isSettled {
      return violate("proposal \(id) was told of version \(version), which is not chosen")
    }
    if wrote && !uses[use].isChosen { reach(.resolvedByLineage) }
    let final = uses[use].state.version
    if final == version && uses[use].state.value != register.value {
      violate("proposal \(id) saw another value under version \(version) than was proposed")
    } else if final.ballot == version.ballot && final.step < version.step {
      violate("proposal \(id) saw version \(version), beyond the last step of its round")
    }
  }

  /// The newest version that anyone was told of.
  @usableFromInline
  func newest(of key: Int) -> Version { keys[key].told }
}

extension RegisterState {
  /// The last write of `voter` that this state descends from; zero for none.
  func lastWrite(of voter: VoterID) -> Ballot {
    if version.ballot.voter == voter { return version.ballot }
    for ballot in lineage where ballot.voter == voter { return ballot }
    return .zero
  }
}

extension RegisterLedger {
  /// A read was answered: what its proposer asked last says how.
  @usableFromInline
  mutating func countRead(of key: Int, by voter: VoterID) {
    guard let place = place(of: voter), let last = stores[place].lastRequest[key] else { return }
    switch last {
    case .read: reach(.fastRead)
    case .prepare, .accept: reach(.readFallback)
    case .promise, .accepted, .conflict, .readReply: break
    }
  }
}
