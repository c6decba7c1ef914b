internal import CASPaxos
internal import Synod

/// Who votes in which epoch, and what must hold where that changes (rules 42 and 43).
extension RegisterLedger {
  /// Who votes on a ballot; nil where its epoch was not decided.
  func configuration(of ballot: Ballot) -> Configuration? {
    let epoch = Int(ballot.epoch.rawValue)
    return configurations.indices.contains(epoch) ? configurations[epoch] : nil
  }

  /// Whether these promises let a proposer go on, in the epoch of the ballot. Counted here and not
  /// asked of the quorums: a mistake there would be made here, too.
  func isPrepareQuorum(_ votes: VoteSet, of use: Int) -> Bool {
    isQuorum(votes, of: uses[use].ballot, isOfOldVoters: isOfMembers(use)) { $0.prepare }
  }

  /// Whether these acceptances choose what the ballot carries.
  func isAcceptQuorum(_ votes: VoteSet, of use: Int) -> Bool {
    isQuorum(
      votes, of: uses[use].ballot, isOfOldVoters: isOfMembers(use) && !handsOver(use)
    ) { $0.accept }
  }

  /// As `isPrepareQuorum`, of any register but the members'.
  func isAcceptQuorum(_ votes: VoteSet, of ballot: Ballot) -> Bool {
    isQuorum(votes, of: ballot, isOfOldVoters: false) { $0.accept }
  }

  /// The old voters alone decide about the members, unless the new ones are to go on alone.
  private func isOfMembers(_ use: Int) -> Bool { keys[uses[use].key].name == Membership.key }

  private func handsOver(_ use: Int) -> Bool {
    guard let next = uses[use].state.value.flatMap({ members($0) })?.configuration else {
      return false
    }
    let voters = configuration(of: uses[use].ballot)?.component.voters
    return next.epoch > uses[use].ballot.epoch && next.voters != voters
  }

  private func isQuorum(
    _ votes: VoteSet, of ballot: Ballot, isOfOldVoters: Bool, _ needed: (QuorumSystem) -> Int
  ) -> Bool {
    guard let configuration = configuration(of: ballot) else { return false }
    func holds(_ component: Configuration.Component) -> Bool {
      let voted = component.voters.count { place(of: $0).map { votes.contains($0) } ?? false }
      return voted >= needed(component.quorums)
    }
    return holds(configuration.component)
      && (isOfOldVoters || configuration.incoming.map(holds) ?? true)
  }

  /// Whether every voter of the ballot's epoch has it, of both components where there are two.
  func isHeldByAll(_ use: Int) -> Bool {
    configuration(of: uses[use].ballot)?.voters.allSatisfy {
      place(of: $0).map { uses[use].holders.contains($0) } ?? false
    } ?? false
  }

  // MARK: What is decided

  /// A state of the members' register was chosen: there is one membership of each revision, each epoch
  /// has one configuration, and follows the one before as the procedure says.
  mutating func decide(_ use: Int) {
    // A register that was never written stands for the members that the settings name.
    guard let value = uses[use].state.value else { return }
    guard let next = members(value) else {
      return violate("\(uses[use].ballot) decided something that is no membership")
    }
    if next.revision <= members.revision {
      let known = decided[Int(next.revision)]
      if known != nil && known != next {
        violate("two memberships were decided: \(next) and \(known?.description ?? "")")
      }
      return
    }
    let before = members
    while decided.count < Int(next.revision) { decided.append(nil) }
    decided.append(next)
    members = next
    if next.nextVoter < before.nextVoter {
      violate("identities are given out again: \(next) after \(before)")
    }
    let (old, new) = (before.configuration, next.configuration)
    if new.epoch == old.epoch {
      if new != old { violate("two configurations of one epoch were decided: \(new) and \(old)") }
      return
    }
    follow(old, by: new)
    configurations.append(new)
  }

  private mutating func follow(_ old: Configuration, by new: Configuration) {
    guard Int(new.epoch.rawValue) == configurations.count else {
      return violate("\(new) was decided after \(old)")
    }
    for voter in new.voters where !old.voters.contains(voter) {
      if configurations.contains(where: { $0.voters.contains(voter) }) {
        violate("voter \(voter) left, and votes again in \(new)")
      }
    }
    guard let incoming = old.incoming else {
      if !new.isJoint || new.component.voters != old.component.voters {
        violate("\(new) was decided after \(old), without both deciding together")
      }
      return reach(.votersBegan)
    }
    if new.isJoint { return violate("\(new) was decided after \(old)") }
    if new.component.voters == incoming.voters {
      reach(.votersChanged)
      mustBeTransferred(in: old)
    } else if new.component.voters == old.component.voters {
      reach(.rolledBack)
    } else {
      violate("\(new) was decided after \(old)")
    }
  }

  /// The new voters go on alone: every register that was ever chosen was chosen in the joint epoch.
  private mutating func mustBeTransferred(in joint: Configuration) {
    for key in keys where !key.chosen.isEmpty {
      if key.chosen.contains(where: { uses[$0].ballot.epoch == joint.epoch }) {
        reach(.transferred)
        continue
      }
      // Nothing is left of it.
      let last = key.chosen.last.map { uses[$0].ballot } ?? .zero
      if key.collected.contains(where: { $0.ballot >= last }) { continue }
      violate("\(joint) ended, and \(key.name) was not accepted anew in it")
    }
  }

  private func members(_ value: Bytes) -> Membership? {
    var reader = ByteReader(value)
    return try? Membership(from: &reader)
  }

  // MARK: What nodes make of it

  /// A store adopted a membership: a decided one, newer than the last.
  mutating func adopt(_ next: Membership, _ isRetired: Bool, at place: Int) {
    let before = stores[place].members
    let voter = voter(at: place)
    // Every life begins by stating what it holds.
    if next.revision <= before.revision && next != before {
      violate("voter \(voter) adopts r\(next.revision) after r\(before.revision)")
    }
    mustBeDecided(next, "voter \(voter) adopts")
    if before.configuration.voters.contains(voter), !next.configuration.voters.contains(voter),
      !isRetired
    {
      violate("voter \(voter) is voted out by r\(next.revision), and is not retired")
    }
    let isNewEpoch = next.configuration.epoch > before.configuration.epoch
    stores[place].members = next
    if isNewEpoch && !isRetired { carryOn(at: place) }
    if isRetired { stores[place].isOut = true }
  }

  /// What a voter holds when it adopts an epoch is what it tells rounds of that epoch of, since it
  /// takes nothing of older ones any more. Held by an accept quorum of the new epoch it is chosen,
  /// whoever else was to accept it in its own: a joint epoch's state, where one component has it and
  /// goes on alone. Not on the members' register: the new voters' promises were not needed there, and
  /// one of them may hold a state that later rounds of the old ones never met.
  private mutating func carryOn(at place: Int) {
    let configuration = stores[place].members.configuration
    for key in keys.indices where keys[key].name != Membership.key {
      let ballot = stores[place].held[key].accepted
      guard !ballot.isZero, ballot.epoch < configuration.epoch, let use = index.find(ballot),
        !uses[use].isChosen
      else { continue }
      if uses[use].carriedTo != configuration.epoch {
        uses[use].carriedTo = configuration.epoch
        uses[use].carriers = VoteSet()
      }
      uses[use].carriers.insert(place)
      let first = Ballot(epoch: configuration.epoch, counter: 0, voter: .none)
      if isAcceptQuorum(uses[use].carriers, of: first) { choose(use) }
    }
  }

  private mutating func mustBeDecided(_ members: Membership, _ what: String) {
    let revision = Int(clamping: members.revision)
    guard revision < decided.count, decided[revision] == nil || decided[revision] == members else {
      return violate("\(what) \(members), which was not decided")
    }
  }

  /// A vote is of the epoch that its store has durably adopted, and of a voter of it.
  mutating func mayVote(on ballot: Ballot, at place: Int) {
    let store = stores[place]
    let voter = voter(at: place)
    if ballot.epoch != store.members.configuration.epoch {
      violate(
        "voter \(voter) votes on \(ballot), and has adopted \(store.members.configuration.epoch)")
    } else if store.isOut || !store.members.configuration.voters.contains(voter) {
      violate("voter \(voter) votes on \(ballot), and has no vote")
    }
  }

  /// A reply leaves after the adoption of its epoch is durable.
  mutating func mayReply(_ message: Message, at place: Int) {
    let epoch = stores[place].members.configuration.epoch
    if message.ballot.epoch > epoch {
      violate("voter \(voter(at: place)) answers \(message.ballot), and durable is \(epoch)")
    }
    if configuration(of: message.ballot)?.voters.contains(voter(at: place)) != true {
      violate("voter \(voter(at: place)) answers \(message.ballot), and has no vote")
    }
  }

  /// Others are told of what was decided, and of nothing else.
  mutating func toldOfMembers(_ message: Message, by place: Int) {
    reach(.olderEpoch)
    guard let value = message.state.value, let members = members(value) else {
      return violate("voter \(voter(at: place)) tells of members that cannot be read")
    }
    mustBeDecided(members, "voter \(voter(at: place)) tells of")
  }

  /// A client was told of the members.
  /// - Parameter floor: the newest revision that anyone was told of before it was asked for.
  mutating func told(_ members: Membership, floor: UInt64, as id: ProposalID) {
    mustBeDecided(members, "proposal \(id) was told of")
    if members.revision < floor {
      violate("proposal \(id) was told of r\(members.revision), and r\(floor) was told of before")
    }
    toldRevision = max(toldRevision, members.revision)
  }

  /// A node tells whoever runs it who the members are: what was decided, and is durable there.
  mutating func heard(_ members: Membership, of voter: VoterID) {
    mustBeDecided(members, "voter \(voter) tells of")
    guard let place = place(of: voter), stores[place].members.revision < members.revision else {
      return
    }
    violate("voter \(voter) tells of r\(members.revision), before that is durable")
  }

  /// Whether a node may say that it is no member: it may not know yet that it is one.
  func mayBeNoMember(_ voter: VoterID) -> Bool {
    members.member(voter) == nil || !settings.configuration.voters.contains(voter)
  }

  /// A change of the members was proposed to some acceptor, and may be decided yet.
  var hasUndecidedMembers: Bool {
    guard let key = numbers[Membership.key] else { return false }
    return keys[key].proposed.contains {
      (uses[$0].state.value.flatMap { members($0) }?.revision ?? 0) > members.revision
    }
  }
}
