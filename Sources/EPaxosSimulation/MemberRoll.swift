internal import EPaxos
internal import Synod

/// Who the members are and were, as far as any node has come: all must see the same, and each change must
/// be one that somebody asked for.
///
/// A reference, since it grows whenever a node is looked at.
final class MemberRoll {
  /// By revisions.
  private(set) var all: [UInt64: Membership]
  private(set) var newest: Membership
  /// By epochs: who votes, and how many it takes.
  private var electorates: [Epoch: Electorate]
  private var seen: [VoterID: UInt64] = [:]
  /// What clients asked to be changed.
  var asked: [MembershipChange] = []

  /// The voters of an epoch.
  struct Electorate: Sendable {
    let voters: [VoterID]
    let quorums: Quorums
  }

  init(_ configuration: Configuration) {
    newest = Membership(configuration)
    all = [0: newest]
    electorates = [configuration.epoch: Electorate(newest)]
  }

  /// Of an epoch that some node has come to.
  subscript(epoch: Epoch) -> Electorate? { electorates[epoch] }

  /// How many epochs there were.
  var epochs: Int { electorates.count }

  /// Looks at a node behind an event.
  func look(at machine: InstanceSubject.Machine, of voter: VoterID) -> String? {
    let revision = machine.membership.revision
    guard machine.hasState, seen.updateValue(revision, forKey: voter) != revision else {
      return nil
    }
    return observe(machine.membership, of: voter)
  }

  /// - Returns: what is wrong; nil where all is well.
  func observe(_ membership: Membership, of voter: VoterID) -> String? {
    if let known = all[membership.revision] {
      return known == membership
        ? nil
        : "voter \(voter) takes \(membership) for members \(membership.revision), and others \(known)"
    }
    all[membership.revision] = membership
    if membership.revision > newest.revision { newest = membership }
    let electorate = Electorate(membership)
    let known = electorates.updateValue(electorate, forKey: membership.epoch)
    if let known, known.voters != electorate.voters {
      return "epoch \(membership.epoch) has voters \(known.voters) and \(electorate.voters)"
    }
    guard let before = all[membership.revision - 1] else { return nil }
    return isAsked(membership, after: before)
      ? nil : "voter \(voter) made \(membership) of \(before), and nobody asked for that"
  }

  /// Whoever joins becomes a voter without being asked for.
  private func isAsked(_ membership: Membership, after before: Membership) -> Bool {
    let promotions = before.members.filter { $0.role == .joining }.map {
      MembershipChange([.promote($0.voter)], expected: before.revision)
    }
    return (asked + promotions).contains { (try? before.applying($0)) == membership }
  }

  /// What came of the changes, mark by mark.
  func reach(_ marks: inout InstanceMarks) {
    for membership in all.values {
      guard let before = all[membership.revision &- 1] else { continue }
      marks.reach(.membersChanged)
      for member in membership.members {
        guard let was = before.member(member.voter) else { continue }
        if was.role != .voter, member.role == .voter { marks.reach(.promoted) }
        if let replaced = was.replaces, member.replaces == nil, before.member(replaced) != nil {
          marks.reach(.voterReplaced)
        }
      }
      for voter in before.configuration.voters where membership.member(voter) == nil {
        marks.reach(.voterRemoved)
      }
    }
  }
}

extension MemberRoll.Electorate {
  fileprivate init(_ membership: Membership) {
    voters = membership.configuration.voters
    quorums = Quorums(voters: voters.count)
  }
}

/// How many votes it takes (rule 1), counted here and not asked of the machine: a mistake there would be made
/// here, too.
struct Quorums: Sendable {
  /// Of a slow path, and of a recovery.
  let slow: Int
  /// Of the fast path.
  let fast: Int
  /// So many may be down.
  let failures: Int

  init(voters: Int) {
    failures = (voters - 1) / 2
    slow = voters - failures
    // The most that may disagree: n is 2e + f - 1 at least.
    var disagreeing = 0
    while disagreeing < failures, 2 * (disagreeing + 1) + failures - 1 <= voters {
      disagreeing += 1
    }
    fast = voters - disagreeing
  }
}
