internal import CASPaxos
internal import Synod
internal import SynodSimulation

/// Who votes in which epoch, and what must hold where that changes (rules 42 and 43).
extension RegisterExploration {
  /// What was decided about the members.
  struct Decided {
    /// By epoch.
    var configurations: [Configuration]
    /// By revision; nil where it was overtaken before it was known.
    var memberships: [Membership?]
    var violation: String?
  }

  /// Follows the members' register from the beginning. A state of it is chosen by the voters of its
  /// ballot's epoch, which was decided in the epochs before.
  func decided(_ history: RegisterHistory) -> Decided {
    let first = Membership(settings[0].configuration)
    var decided = Decided(configurations: [first.configuration], memberships: [first])
    for one in history.proposed
    where one.key == Membership.key && history.isChosen(one, decided.configurations) {
      // A register that was never written stands for the members that the settings name.
      guard let value = one.state.value else { continue }
      guard let next = Self.membership(value) else {
        decided.violation = "\(one.ballot) decided something that is no membership"
        return decided
      }
      if let wrong = follow(next, in: &decided) {
        decided.violation = wrong
        return decided
      }
    }
    return decided
  }

  private func follow(_ next: Membership, in decided: inout Decided) -> String? {
    let revision = Int(clamping: next.revision)
    if revision < decided.memberships.count {
      let known = decided.memberships[revision]
      return known == nil || known == next
        ? nil : "two memberships were decided: \(next) and \(known?.description ?? "")"
    }
    let before = decided.memberships.last.flatMap { $0 }
    while decided.memberships.count < revision { decided.memberships.append(nil) }
    decided.memberships.append(next)
    if let before, next.nextVoter < before.nextVoter {
      return "identities are given out again: \(next) after \(before)"
    }
    let (old, new) = (decided.configurations[decided.configurations.count - 1], next.configuration)
    if new.epoch == old.epoch {
      return new == old ? nil : "two configurations of one epoch were decided: \(new) and \(old)"
    }
    guard Int(new.epoch.rawValue) == decided.configurations.count else {
      return "\(new) was decided after \(old)"
    }
    for voter in new.voters where !old.voters.contains(voter) {
      if decided.configurations.contains(where: { $0.voters.contains(voter) }) {
        return "voter \(voter) left, and votes again in \(new)"
      }
    }
    let follows =
      if let incoming = old.incoming {
        !new.isJoint
          && (new.component.voters == incoming.voters
            || new.component.voters == old.component.voters)
      } else {
        new.isJoint && new.component.voters == old.component.voters
      }
    decided.configurations.append(new)
    return follows ? nil : "\(new) was decided after \(old)"
  }

  /// Where new voters go on alone, every register that was ever chosen was chosen in the joint epoch,
  /// or was collected.
  func transferViolation(_ history: RegisterHistory, _ decided: Decided) -> String? {
    for (joint, next) in zip(decided.configurations, decided.configurations.dropFirst()) {
      guard next.component.voters == joint.incoming?.voters else { continue }
      for key in keys {
        let chosen = history.proposed.filter {
          $0.key == key && $0.ballot.epoch <= joint.epoch
            && history.isChosen($0, decided.configurations)
        }
        guard let last = chosen.last, last.ballot.epoch < joint.epoch,
          history.erased[key].map({ $0.isBelow(last.ballot) }) ?? true
        else { continue }
        return "\(joint) ended, and \(key) was not accepted anew in it"
      }
    }
    return nil
  }

  /// Clients are told of what was decided, and never of less than was told before.
  func toldViolation(_ ledger: ExploredLedger<Self>, _ decided: Decided) -> String? {
    var told: [UInt64] = Array(repeating: 0, count: ledger.steps.count)
    for (index, step) in ledger.steps.enumerated() {
      guard case .membership(let members)? = step.completion?.result else { continue }
      let revision = Int(clamping: members.revision)
      guard revision < decided.memberships.count, decided.memberships[revision] == members else {
        return "step \(index) was told of \(members), which was not decided"
      }
      told[index] = members.revision
    }
    for (index, step) in ledger.steps.enumerated() where told[index] > 0 {
      for other in ledger.steps.indices where step.after & 1 << UInt32(other) != 0 {
        if told[other] > told[index] {
          return "step \(index) was told of r\(told[index]), and r\(told[other]) was told before"
        }
      }
    }
    return nil
  }

  /// A store adopted a membership: whoever it does not name any more votes no more, for ever.
  func adopt(
    _ members: Membership, _ isRetired: Bool, by node: Int, in history: inout RegisterHistory
  ) -> String? {
    let voter = VoterID(UInt32(node + 1))
    let epoch = members.configuration.epoch
    if epoch < history.adopted[node] {
      return "voter \(voter) adopts \(epoch) after \(history.adopted[node])"
    }
    history.adopted[node] = epoch
    let isOut = members.standing(of: voter) == .retired
    guard isOut && !isRetired else { return nil }
    return "voter \(voter) is out by r\(members.revision), and is not retired"
  }

  /// The configurations that were decided beside the first.
  public func sights(_ history: RegisterHistory) -> [String] {
    changesMembers ? decided(history).configurations.dropFirst().map { "decided \($0)" } : []
  }

  static func membership(_ value: Bytes) -> Membership? {
    var reader = ByteReader(value)
    return try? Membership(from: &reader)
  }
}
