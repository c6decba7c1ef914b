internal import CASPaxos
public import Synod

/// Names a change of a register that is to be made once.
@usableFromInline
struct OnceName: Hashable, Sendable {
  /// The register's number.
  let key: Int
  let client: Identity128
  let sequence: UInt64
}

/// What came of it.
@usableFromInline
struct OnceEffect: Hashable, Sendable {
  let version: Version
  /// As the register keeps it.
  let result: Bytes
}

/// What registers keep of their clients (rule 24), and what is fenced off (rule 25).
extension RegisterLedger {
  /// A write is settled: the changes in it that were to be made once are made, once. So are those that
  /// it knows of from before, where it was not certain which round's they are.
  mutating func noteEffects(_ use: Int) {
    let (state, key) = (uses[use].state, uses[use].key)
    for session in state.sessions where !session.isEnded {
      let name = OnceName(key: key, client: session.client, sequence: session.sequence)
      if let other = effects[name] {
        if other.version == session.version { continue }
        violate(
          "change \(session.sequence) of client \(session.client) of \(keys[key].name) was to be "
            + "made once, and was made at \(other.version) and at \(session.version)")
      }
      effects[name] = OnceEffect(version: session.version, result: session.result)
      if let proposal = denied[name] {
        violate(
          "proposal \(proposal) was told that its change had no effect, and it has one at "
            + "\(session.version)")
      }
    }
  }

  /// What a state says of the sessions of its register.
  mutating func noteSessions(_ state: RegisterState, of key: Int) {
    if state.extra?.lostSessions == true { reach(.sessionCrowdedOut) }
    if state.extra?.lostSessions == true { keys[key].mayForgetSessions = true }
    if state.sessions.count > settings.maxSessions {
      violate("\(keys[key].name) keeps \(state.sessions.count) sessions")
    }
  }

  /// A client has a register forget it.
  @usableFromInline
  mutating func mayForget(_ client: Identity128, through sequence: UInt64, of key: Int) {
    keys[key].endings[client] = max(keys[key].endings[client] ?? 0, sequence)
  }

  /// Whether a register may have forgotten a client that did not ask for it.
  func mayForgetSessions(of key: Int) -> Bool { keys[key].mayForgetSessions }

  /// Whether the state that the round of this version proposed says that it lost sessions, or the client
  /// may have had it forget this one.
  func mayHaveLost(_ name: OnceName, _ version: Version) -> Bool {
    guard let use = index.find(version.ballot) else { return false }
    let ended = keys[uses[use].key].endings[name.client] ?? 0
    return uses[use].state.extra?.lostSessions == true || ended >= name.sequence
  }

  /// Whether the round of this version had proposed its state then.
  func wasProposed(_ version: Version, before moment: UInt64) -> Bool {
    index.find(version.ballot).map { uses[$0].proposedAt < moment } ?? false
  }

  /// Whether the sessions of a state come of those of the one that its round began from: they stay, but
  /// for those that their clients ended, that later changes of theirs replaced, or that had to make
  /// room.
  func sessions(
    of state: RegisterState, comeOf base: RegisterState, at ballot: Ballot
  ) -> Bool {
    if state.extra == base.extra { return true }
    guard let use = index.find(ballot) else { return false }
    let lost = state.extra?.lostSessions ?? false
    if base.extra?.lostSessions == true && !lost { return false }
    // That a client has left is only kept where there is room.
    let old = base.sessions.filter { !$0.isEnded }
    let kept = state.sessions.filter { $0.version.ballot != ballot && !$0.isEnded }
    let new = state.sessions.filter { $0.version.ballot == ballot }
    if old.filter({ kept.contains($0) }) != kept { return false }
    if !new.isEmpty && state.version.ballot != ballot { return false }
    if new.contains(where: { $0.version > state.version }) { return false }
    let ended = keys[uses[use].key].endings
    return old.allSatisfy { session in
      // What was made is not made again.
      if let next = new.first(where: { $0.client == session.client }) {
        return next.sequence > session.sequence
      }
      return kept.contains(session) || lost || (ended[session.client] ?? 0) >= session.sequence
    }
  }

  /// A change that was to be made once is made again, on a state that says that it was made.
  func repetition(_ use: Int) -> String? {
    for one in stores.indices where uses[use].promised.contains(one) {
      guard let base = state(at: accepted[use * stores.count + one]) else { continue }
      for session in uses[use].state.sessions where session.version.ballot == uses[use].ballot {
        for old in base.sessions where old.client == session.client {
          if old.sequence < session.sequence { continue }
          return
            "change \(session.sequence) of client \(session.client) was to be made once, was made at "
            + "\(old.version), and is made again at \(session.version)"
        }
      }
    }
    return nil
  }

  // MARK: Fences

  /// A barrier was answered: what was proposed before it was asked for is in, or never will be.
  @usableFromInline
  mutating func fence(_ key: Int, since moment: UInt64, by id: ProposalID) {
    for use in keys[key].proposed {
      guard !uses[use].isSettled, uses[use].fencedBy == 0, uses[use].proposedAt < moment,
        uses[use].state.version.ballot == uses[use].ballot
      else { continue }
      uses[use].fencedBy = id.rawValue
      reach(.fenced)
    }
  }

  mutating func breaksFence(_ use: Int) {
    violate(
      "\(uses[use].ballot) was proposed before proposal \(uses[use].fencedBy), which fences, was "
        + "asked for, and came in after that had ended")
  }
}

extension RegisterState {
  /// Whether only sessions of clients tell them apart.
  func isSameButForSessions(as other: RegisterState) -> Bool {
    value == other.value && version == other.version && lineage == other.lineage
      && forgotten == other.forgotten
  }
}
