public import MultiPaxos
public import Synod
internal import SynodSimulation

/// Changes of the members: what is asked for, what must come of it, and who must decide.
extension LogSubject {
  /// Nodes that may join.
  public var spares: Int { plan.spares }

  /// Identities that were given out: a node is there before the log names it.
  public var given: Int { newcomers.count }

  /// Memberships that were chosen.
  public var epochs: Int { ledger.items.count }

  /// Whether one is yet to take effect.
  public var isChanging: Bool { ledger.items[ledger.items.count - 1].from > ledger.contiguous }

  /// How many memberships a node knows of.
  public func epochs(of machine: MultiPaxos.Machine<Workload.App>) -> Int {
    Int(machine.schedule.newest.membership.configuration.epoch.rawValue) + 1
  }

  /// How many memberships count for a leader's window.
  public func stage(of machine: MultiPaxos.Machine<Workload.App>) -> Int? {
    let count = machine.schedule.items.count
    return machine.status.isLeading && count > 1 ? count : nil
  }

  /// It leads, or believes so.
  public func leads(_ machine: MultiPaxos.Machine<Workload.App>) -> Bool {
    machine.status.isLeading
  }

  /// It leads while the members change, perhaps.
  public mutating func crashed(
    _ machine: MultiPaxos.Machine<Workload.App>, of voter: VoterID
  ) {
    if stage(of: machine) != nil { ledger.reach(.crashedChanging) }
  }

  /// Whoever asks for no change any more sees all that were asked for come to their end.
  public mutating func faultsEnded() {
    hasSettled = true
    settledAt = now
  }

  /// The members change: see `peers`.
  public static func voters(after effect: Effect<Workload.App>) -> [VoterID]? {
    switch effect {
    case .membership(let membership, _): membership.members.map(\.voter)
    case .event, .leader, .leaseEnded, .installed, .diverged, .retired, .rolledBack: nil
    }
  }

  /// Everyone that counts for some slot that is not applied yet.
  public func peers(of machine: MultiPaxos.Machine<Workload.App>) -> [VoterID]? {
    var peers: Set<VoterID> = []
    for item in machine.schedule.items { peers.formUnion(item.membership.members.map(\.voter)) }
    return peers.sorted()
  }

  // MARK: What is asked

  /// Now and then a change of the members takes the place of an operation; drawn apart, so that the
  /// other draws of a seed stay what they are.
  mutating func membersInstead() -> MembershipChange? {
    guard plan.spares > 0, !hasSettled else { return nil }
    let members = ledger.newest.membership
    // A store that is lost is missed sooner or later.
    let missed = lost.filter { members.member($0) != nil }
    let percent = missed.isEmpty ? plan.memberPercent : max(plan.memberPercent, 10)
    guard changes.next() % 100 < UInt64(percent) else { return nil }
    guard let steps = steps(members, missed.first) else { return nil }
    let expected = changes.next() % 4 == 0 ? members.configuration.epoch : nil
    return MembershipChange(steps, quorums: quorums(after: steps, members), expected: expected)
  }

  private mutating func steps(
    _ members: Membership, _ missed: VoterID?
  ) -> [MembershipChange.Step]? {
    let voters = members.configuration.voters
    if let missed, changes.next() % 4 > 0, voters.contains(missed) {
      return newcomer(.voter).map { [.replace(missed, by: $0)] }
    }
    // Who was given an identity and is no member yet is asked for again, now and then.
    if changes.next() % 4 == 0, let waiting = waiting(members) {
      return [.add(newcomers.member(waiting, .voter))]
    }
    let voter = voters[Int(changes.next() % UInt64(voters.count))]
    let learners = members.members.filter { $0.role == .learner }.map(\.voter)
    switch changes.next() % 12 {
    case 0, 1: return newcomer(.voter).map { [.add($0)] }
    case 2, 3: return newcomer(.learner).map { [.add(learner($0, members))] }
    case 4, 5, 6: return learners.first.map { promoting($0, members) }
    case 7: return learners.last.map { [.remove($0)] }
    case 8: return voters.count > 1 ? [.remove(voter)] : nil
    case 9: return newcomer(.voter).map { [.replace(voter, by: $0)] }
    case 10: return others(members)
    default: return transition(members)
    }
  }

  /// Any members at all: some go, some come.
  private mutating func transition(_ members: Membership) -> [MembershipChange.Step]? {
    var steps: [MembershipChange.Step] = []
    for member in members.members {
      switch (member.role, changes.next() % 3) {
      case (.learner, 0): steps += promoting(member.voter, members)
      case (_, 1): steps.append(.remove(member.voter))
      default: break
      }
    }
    for _ in 0..<(changes.next() % 3) {
      if let member = newcomer(.voter) { steps.append(.add(member)) }
    }
    return steps.isEmpty ? nil : steps
  }

  /// None of the voters stays.
  private mutating func others(_ members: Membership) -> [MembershipChange.Step]? {
    var steps = members.configuration.voters.map { MembershipChange.Step.remove($0) }
    let count = steps.count
    for _ in 0..<min(newcomers.left, 3) {
      if let member = newcomer(.voter) { steps.append(.add(member)) }
    }
    return steps.count > count ? steps : nil
  }

  private mutating func newcomer(_ role: Member.Role) -> Member? {
    let isImpostor = changes.next() % 10 == 0
    guard let voter = newcomers.give(isImpostor: isImpostor) else { return nil }
    if isImpostor { ledger.impostors.insert(voter) }
    return newcomers.member(voter, role)
  }

  /// Some learners come without a store's number, which is named when they are promoted; some are to
  /// replace a voter; and some never vote. Drawn apart, too.
  private mutating func learner(_ member: Member, _ members: Membership) -> Member {
    var member = member
    guard plan.faults.siegePercent > 0 else { return member }
    switch learnerRandom.next() % 6 {
    case 0: member.role = .observer
    case 1, 2: member.store = nil
    case 3:
      member.store = nil
      let voters = members.configuration.voters
      member.replaces = voters[Int(learnerRandom.next() % UInt64(voters.count))]
    default: break
    }
    return member
  }

  private func promoting(_ voter: VoterID, _ members: Membership) -> [MembershipChange.Step] {
    guard members.member(voter)?.store == nil, let store = newcomers.member(voter, .voter).store
    else { return [.promote(voter)] }
    return [.pin(voter, store), .promote(voter)]
  }

  private func waiting(_ members: Membership) -> VoterID? {
    (0..<newcomers.given.count).lazy.map { VoterID(UInt32(plan.voters + $0 + 1)) }
      .first { $0 >= members.nextVoter && newcomers.newcomer($0)?.lost == nil }
  }

  /// Now and then others than majorities.
  private mutating func quorums(
    after steps: [MembershipChange.Step], _ members: Membership
  ) -> QuorumSystem? {
    guard changes.next() % 3 == 0 else { return nil }
    var count = members.configuration.voters.count
    for step in steps {
      switch step {
      case .add(let member): count += member.role == .voter ? 1 : 0
      case .promote(let voter):
        let replaced = members.member(voter)?.replaces.flatMap { members.member($0) }
        if replaced?.role != .voter { count += 1 }
      case .remove(let voter): count -= members.member(voter)?.role == .voter ? 1 : 0
      case .replace, .setAddress, .pin: break
      }
    }
    guard count > 0 else { return nil }
    let prepare = 1 + Int(changes.next() % UInt64(count))
    return try? QuorumSystem(voters: count, prepare: prepare, accept: count + 1 - prepare)
  }

  /// A store is lost: perhaps a node on a blank one asks for its place (rule 33).
  mutating func recover(_ voter: VoterID) {
    guard !hasSettled, changes.next() % 4 > 0 else { return }
    if newcomers.give(replacing: voter) != nil { ledger.reach(.askedForPlace) }
  }

  // MARK: What came of it

  mutating func note(_ item: Schedule.Item, after before: Membership) {
    ledger.reach(.membersChanged)
    let after = item.membership
    for member in after.members {
      guard let was = before.member(member.voter) else {
        switch member.role {
        case .voter: ledger.reach(.voterAdded)
        case .learner: ledger.reach(.learnerAdded)
        case .observer: ledger.reach(.observerAdded)
        }
        let newcomer = newcomers.newcomer(member.voter)
        if newcomer?.isImpostor == true { ledger.reach(.otherStoreNamed) }
        if newcomer?.lost != nil { ledger.reach(.voterReplaced) }
        continue
      }
      if was.role != member.role { ledger.reach(.promoted) }
      if was.store != member.store { ledger.reach(.storePinned) }
      if let replaced = was.replaces, member.replaces == nil, before.member(replaced) != nil {
        ledger.reach(.learnerReplaced)
      }
    }
    let kept = before.configuration.voters.filter { after.configuration.place(of: $0) != nil }
    if kept.count < before.configuration.voters.count { ledger.reach(.voterRemoved) }
    if kept.isEmpty { ledger.reach(.votersDisjoint) }
    if model.schedule.items.count > 2 { ledger.reach(.changesAtOnce) }
  }

  // MARK: Who must decide

  /// All that vote hold the same once nobody asks for anything, and no lease outlasts its time.
  public func differing(_ machines: [MultiPaxos.Machine<Workload.App>]) -> String? {
    if let what = overdue() { return what }
    for machine in machines where ledger.mayVote(machine.settings.voter, ledger.newest) {
      let applied = machine.status.applied
      if applied < ledger.contiguous {
        return
          "voter \(machine.settings.voter) applied \(applied), and \(ledger.contiguous) is chosen"
      }
    }
    return nil
  }

  /// Someone leads, tells of what is chosen, and is asked for it.
  public var equalWithin: UInt64 {
    10 * waitForRoom + 10_000_000 + 20 * takeOverTime
  }

  /// Whether it is or was a member, with its own store.
  public func isOfUse(
    _ voter: VoterID, _ machines: [MultiPaxos.Machine<Workload.App>]
  ) -> Bool {
    ledger.items.suffix(3).contains { ledger.mayVote(voter, $0) }
      || ledger.newest.membership.member(voter) != nil
  }

  /// Quorums of every membership that counts for slots which the furthest of the usable ones does not
  /// hold for certain as chosen must be there. Where a change may still come of what was asked, all
  /// that it could name must be.
  public func mustDecide(
    _ usable: [VoterID], _ machines: [MultiPaxos.Machine<Workload.App>]
  ) -> Bool {
    guard plan.spares > 0 else { return usable.count >= machines.count - tolerates }
    if isChangePending {
      let members = ledger.newest.membership
      let named = members.members.map(\.voter) + (1...given).map { VoterID(UInt32($0)) }
      let isWhole = named.allSatisfy { voter in
        usable.contains(voter) && !ledger.impostors.contains(voter)
      }
      if !isWhole { return false }
    }
    let places = usable.compactMap { ledger.place(of: $0) }
    guard let known = places.map({ ledger.stores[$0].knowsChosen }).max() else { return false }
    return ledger.items.indices.allSatisfy { index in
      if index + 1 < ledger.items.count, ledger.items[index + 1].from <= known.next { return true }
      let item = ledger.items[index]
      let quorums = item.membership.configuration.component.quorums
      let count = item.membership.configuration.voters.count {
        usable.contains($0) && ledger.mayVote($0, item)
      }
      return count >= quorums.needed
    }
  }
}
