internal import Synod

/// Who joins becomes a voter when it has the state.
///
/// It is one more of whom a quorum needs the votes: where too many of the others are dead, nothing could be
/// decided any more, not even that it goes. So those who would vote then are asked whether they are there.
extension Core {
  private struct Promotion {
    var voter: VoterID
    var change: MembershipChange
    var next: Membership
  }

  /// Those that may be made voters.
  private var promotable: [Promotion] {
    promotions.ready.compactMap { voter in
      guard membership.member(voter)?.role == .joining else { return nil }
      let change = MembershipChange([.promote(voter)], expected: membership.revision)
      guard let next = try? membership.applying(change) else { return nil }
      return Promotion(voter: voter, change: change, next: next)
    }
  }

  /// From when on this node makes a voter of somebody; nil where it does not vote. The voters propose it at
  /// different times, so that one does as a rule.
  private var promotesFrom: Ticks? {
    electorate.place.map { promotions.since.advanced(by: UInt64($0) * settings.recoverAfter) }
  }

  /// When it is next to be seen whether somebody becomes a voter.
  var promotionWake: Ticks? {
    guard !promotions.isEmpty, promotions.own == nil, let turn = promotesFrom, !promotable.isEmpty
    else { return nil }
    return turn > now ? turn : promotions.askAt
  }

  /// Whoever joins and has come into this epoch is made a voter.
  mutating func promoteIfDue() {
    guard !promotions.isEmpty, promotions.own == nil, stopped == nil, started,
      let turn = promotesFrom, turn <= now
    else { return }
    let members = membership
    promotions.keep { members.member($0)?.role == .joining }
    let all = promotable
    guard let one = all.first(where: { areThere($0) }) else { return askWhetherThere(all) }
    guard !reservation.isDry, isOwnRowOpen else { return }
    open(Batch([Entry(.membership, payload: one.change.encoded)]), for: [])
    promotions.own = InstanceID(row: ownRow, number: reservation.last)
  }

  /// Whether a member was heard a short while ago.
  func isThere(_ voter: VoterID) -> Bool {
    if voter == me { return true }
    guard let heard = telling.heard[voter] else { return false }
    return heard.at.advanced(by: settings.recoverAfter) > now
  }

  /// Whether it is, and with it as many as a quorum then needs.
  private func areThere(_ one: Promotion) -> Bool {
    let voters = one.next.configuration.voters
    return isThere(one.voter)
      && voters.count { isThere($0) } >= Thresholds(voters: voters.count).slow
  }

  private mutating func askWhetherThere(_ all: [Promotion]) {
    guard !all.isEmpty, promotions.askAt.map({ $0 <= now }) ?? true else { return }
    promotions.putOff(now, settings.askAfter)
    let voters = Set(all.flatMap(\.next.configuration.voters)).sorted()
    for voter in voters where !isThere(voter) {
      outbox.send(.standing(standing, asks: true), to: voter, after: enteredIn)
    }
  }
}
