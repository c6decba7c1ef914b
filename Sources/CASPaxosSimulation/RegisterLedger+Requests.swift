internal import CASPaxos
internal import Synod

/// What a proposer asks for.
extension RegisterLedger {
  /// A prepare, an accept or a read left a machine.
  mutating func requested(_ message: Message, by place: Int) {
    let ballot = message.ballot
    if message.kind == .accept, mayBeCopy(ballot, at: place) {
      return violate(
        "voter \(voter(at: place)) has \(ballot) accepted in epoch "
          + "\(stores[place].members.configuration.epoch): a copy, and not accepted anew")
    }
    let members = self.members.configuration.epoch.rawValue
    if ballot.epoch.rawValue + 2 <= members { reach(.askedBehind) }
    guard mayDraw(ballot, at: place) else { return }
    let isRead = message.kind == .read
    let use: Int
    if let known = index.find(ballot) {
      use = known
      if uses[use].isRead != isRead { return violate("\(ballot) names a read and a round") }
      if keys[uses[use].key].name != message.key {
        return violate("\(ballot) is used for \(message.key) and \(keys[uses[use].key].name)")
      }
    } else {
      use = enter(ballot, key: number(of: message.key), isRead: isRead)
      if ballot.counter > stores[place].drawn + 1 { reach(.fastForward) }
      if message.kind == .prepare { countPrepare(use) }
    }
    stores[place].drawn = max(stores[place].drawn, ballot.counter)
    stores[place].lastRequest[uses[use].key] = message.kind
    if message.kind == .accept { propose(use, message.state, next: message.promised, at: place) }
  }

  /// Whether a ballot is not one that its sender asks with now: another's, or of an epoch that is over
  /// for it.
  private func mayBeCopy(_ ballot: Ballot, at place: Int) -> Bool {
    guard let use = index.find(ballot), uses[use].hasState else { return false }
    return ballot.voter != voter(at: place)
      || ballot.epoch < stores[place].members.configuration.epoch
  }

  private mutating func countPrepare(_ use: Int) {
    let key = uses[use].key
    keys[key].prepares += 1
    if keys[key].prepares == 7 { reach(.longDuel) }
  }

  /// A round's accept is seen: one ballot carries one state, ever (rule 3).
  mutating func propose(_ use: Int, _ state: RegisterState, next: Ballot, at place: Int) {
    let ballot = uses[use].ballot
    if uses[use].hasState {
      if uses[use].next != next {
        violate("\(ballot) asks for \(next) ahead, and asked for \(uses[use].next) before")
      }
      if uses[use].state != state { violate("\(ballot) carries two states") }
      return
    }
    uses[use].hasState = true
    uses[use].proposedAt = clock
    uses[use].state = state
    uses[use].next = next
    if state.extra != nil { noteSessions(state, of: uses[use].key) }
    if !next.isZero { askAhead(next, with: use, at: place) }
    justify(use)
    countProposal(use)
    let key = uses[use].key
    let below = keys[key].chosen.last { uses[$0].ballot < ballot }
    if let below { mustDescend(use, from: below) }
    var slot = keys[key].proposed.count
    while slot > 0 && uses[keys[key].proposed[slot - 1]].ballot > ballot { slot -= 1 }
    keys[key].proposed.insert(use, at: slot)
  }

  private mutating func askAhead(_ next: Ballot, with use: Int, at place: Int) {
    guard mayDraw(next, at: place) else { return }
    if next <= uses[use].ballot { return violate("\(next) is asked ahead, and is not ahead") }
    if index.find(next) != nil { return violate("\(next) is asked ahead, and was used before") }
    stores[place].drawn = max(stores[place].drawn, next.counter)
    let ahead = enter(next, key: uses[use].key, isRead: false)
    uses[ahead].askedWith = use
  }

  /// A state comes of the highest one that a prepare quorum told of (rules 10 and 11), or of the one
  /// with which an accept quorum promised the ballot ahead (rules 17 and 18).
  private mutating func justify(_ use: Int) {
    let ballot = uses[use].ballot
    let asked = uses[use].askedWith
    if asked >= 0 {
      reach(.fastPath)
      if !isAcceptQuorum(uses[asked].holdersAhead, of: ballot)
        || uses[asked].ballot.epoch != ballot.epoch
      {
        violate("\(ballot) is used, and no accept quorum promised it with \(uses[asked].ballot)")
      } else if !comes(uses[use].state, at: ballot, of: uses[asked].state) {
        violate("the state of \(ballot) does not come of that of \(uses[asked].ballot)")
      }
      uses[use].bases = [origin(of: uses[asked].state, key: uses[use].key, below: ballot)]
      return
    }
    if !isPrepareQuorum(uses[use].promised, of: use) {
      return violate("\(ballot) asks to accept, and no prepare quorum has durably promised it")
    }
    for one in stores.indices {
      guard let base = base(of: use, told: one), comes(uses[use].state, at: ballot, of: base)
      else { continue }
      let origin = origin(of: base, key: uses[use].key, below: ballot)
      if !uses[use].bases.contains(where: { $0.version == origin.version }) {
        uses[use].bases.append(origin)
      }
    }
    guard uses[use].bases.isEmpty else { return }
    if let what = repetition(use) { return violate(what) }
    violate("the state of \(ballot) does not come of the highest that a prepare quorum told of")
  }

  /// The state that voter `one` told of with its promise, if some quorum of those who promised told of
  /// nothing above it.
  private func base(of use: Int, told one: Int) -> RegisterState? {
    guard uses[use].promised.contains(one) else { return nil }
    let base = accepted[use * stores.count + one]
    var covered = VoteSet()
    for other in stores.indices where uses[use].promised.contains(other) {
      if accepted[use * stores.count + other] <= base { covered.insert(other) }
    }
    return isPrepareQuorum(covered, of: use) ? state(at: base) : nil
  }

  /// What may have been the version before this one.
  func versions(before version: Version) -> [Version] {
    if version.step > 1 { return [Version(ballot: version.ballot, step: version.step - 1)] }
    return bases(of: version.ballot).map(\.version)
  }

  /// What the round of `ballot` may have begun from.
  func bases(of ballot: Ballot) -> [Register] {
    index.find(ballot).map { uses[$0].bases } ?? []
  }

  /// Whether a round at `ballot` may make `state` of `base`: written in it, or written back.
  private func comes(_ state: RegisterState, at ballot: Ballot, of base: RegisterState) -> Bool {
    // Where nobody held anything, what floors told of is forgotten.
    var base = base
    if base == .blank && !state.forgotten.isZero {
      base.extra = RegisterState.Extra(forgotten: state.forgotten, lostSessions: true)
    }
    guard state.version.ballot == ballot else {
      return state.isSameButForSessions(as: base)
        && sessions(of: state, comeOf: base, at: ballot)
    }
    guard state.version.step >= 1, base.version < state.version else { return false }
    let written = base.written(nil, at: ballot, step: 1)
    return written.lineage == state.lineage && written.forgotten == state.forgotten
      && sessions(of: state, comeOf: written, at: ballot)
  }

  private mutating func countProposal(_ use: Int) {
    let state = uses[use].state
    guard state.version.ballot == uses[use].ballot else { return }
    let step = Int(state.version.step)
    if state.value == nil { reach(.deletion) }
    guard step > 1 else { return }
    reach(.folded)
    if step >= settings.maxFold { reach(.foldFull) }
    if step * (state.value?.count ?? 0) > settings.maxFoldBytes { reach(.foldTooLarge) }
  }
}
