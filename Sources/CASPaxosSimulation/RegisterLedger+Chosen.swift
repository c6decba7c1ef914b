public import CASPaxos
public import Synod

/// What is chosen, and what must come of it.
extension RegisterLedger {
  /// An accept quorum holds the ballot durably: whatever is proposed above it must descend from it.
  mutating func choose(_ use: Int) {
    uses[use].isChosen = true
    let key = uses[use].key
    keys[key].prepares = 0
    settle(uses[use].state.version.ballot)
    for ballot in uses[use].state.lineage { settle(ballot) }
    for other in keys[key].proposed.reversed() {
      if uses[other].ballot <= uses[use].ballot { break }
      mustDescend(other, from: use)
    }
    var slot = keys[key].chosen.count
    while slot > 0 && uses[keys[key].chosen[slot - 1]].ballot > uses[use].ballot { slot -= 1 }
    keys[key].chosen.insert(use, at: slot)
    if keys[key].name == Membership.key { decide(use) }
  }

  /// The write of `ballot` is part of a chosen state, and so is what it was written on: the lineage
  /// does not name that where one voter wrote both.
  private mutating func settle(_ ballot: Ballot, forCertain isCertain: Bool = true) {
    guard let use = index.find(ballot), !uses[use].isSettledForCertain,
      isCertain || !uses[use].isSettled
    else { return }
    uses[use].isSettled = true
    uses[use].isSettledForCertain = isCertain
    if uses[use].state.value == nil, uses[use].hasState {
      noteDeletion(uses[use].state.version, of: uses[use].key, isCertain: isCertain)
    }
    if isCertain {
      if uses[use].fencedBy > 0 { breaksFence(use) }
      if uses[use].state.extra != nil { noteEffects(use) }
    }
    let isOnly = uses[use].bases.count == 1
    for base in uses[use].bases { settle(base.version.ballot, forCertain: isCertain && isOnly) }
  }

  /// A round that wrote: what it left, and what it began from.
  struct Write {
    let last: Version
    let value: Bytes?
    let base: Register
    /// The moment at which it was proposed.
    let moment: UInt64
  }

  /// The rounds whose writes the newest chosen state is made of, in their order.
  /// - Parameter pick: which it is, where a round may have begun from one of several states.
  func history(of key: Int, pick: ([Write]) -> Write) -> [Write] {
    guard let top = keys[key].chosen.last else { return [] }
    var writes: [Write] = []
    var version = origin(of: uses[top].state, key: key, below: uses[top].ballot).version
    while let use = index.find(version.ballot), uses[use].hasState {
      let ballot = version.ballot
      // Whatever was chosen below it is part of it.
      let below = keys[key].chosen.last { uses[$0].ballot < ballot }
      let floor = below.map { uses[$0].state.version } ?? .zero
      let bases = uses[use].bases.filter { $0.version >= floor }
      let candidates = bases.map {
        Write(
          last: uses[use].state.version, value: uses[use].state.value, base: $0,
          moment: uses[use].proposedAt)
      }
      guard let first = candidates.first else { break }
      let write = candidates.count == 1 ? first : pick(candidates)
      writes.append(write)
      version = write.base.version
    }
    return writes.reversed()
  }

  mutating func mustDescend(_ upper: Int, from lower: Int) {
    let (state, ballot) = (uses[upper].state, uses[lower].ballot)
    if descends(state, from: uses[lower].state, at: ballot) { return }
    if isCollected(ballot, of: uses[lower].key, before: state) { return reach(.begunAnew) }
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
    if upper.version == lower.version {
      return upper == lower || upper.isSameButForSessions(as: lower)
    }
    guard upper.version.ballot > ballot else { return false }
    for place in stores.indices {
      let voter = voter(at: place)
      let (last, before) = (upper.lastWrite(of: voter), lower.lastWrite(of: voter))
      // Of many writers the lineage drops the oldest, and says up to where.
      if last.isZero && before <= upper.forgotten { continue }
      if last != before && last <= ballot { return false }
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
    if wrote && register.value == nil { noteDeletion(version, of: key) }
    let final = uses[use].state.version
    if final == version && uses[use].state.value != register.value {
      violate("proposal \(id) saw another value under version \(version) than was proposed")
    } else if final.ballot == version.ballot && final.step < version.step {
      violate("proposal \(id) saw version \(version), beyond the last step of its round")
    }
  }

  /// Whether it is what its round left.
  func isFinal(_ version: Version) -> Bool {
    index.find(version.ballot).map { uses[$0].state.version == version } ?? false
  }

  /// The newest state that is chosen.
  func newestChosen(of key: Int) -> Register {
    keys[key].chosen.last.map { uses[$0].state.written } ?? Register()
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
    case .promise, .accepted, .conflict, .readReply, .watch, .observed, .list, .page,
      .configuration, .behind, .erase:
      break
    }
  }
}
