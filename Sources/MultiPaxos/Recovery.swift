internal import Synod

/// What a node does whose store was lost: it asks to take the place of the voter that it was, until the
/// log says so, or says that this can never be (rule 33).
struct Recovery: Hashable, Sendable {
  /// The number of what it asked for, while that is open.
  var number: UInt64?
  /// When to ask again.
  var due: Ticks?
  /// How often it asked in vain.
  var refusals: UInt64 = 0
}

extension Core {
  mutating func askToRecover() {
    recovery.due = nil
    guard case .recover(let lost) = settings.mode, !isVoter else { return }
    let newest = state.schedule.newest.membership
    // It can never be: this identity was given, to this node or to another, or the lost one is a member no
    // more. Identities ascend, and this node may not have come as far as to know the lost one.
    let isGone = lost < newest.nextVoter && newest.member(lost) == nil
    if me < newest.nextVoter || isGone { return }
    let member = Member(
      voter: me, role: .voter, store: settings.store, address: settings.addresses[me] ?? Bytes())
    let change = MembershipChange([.replace(lost, by: member)])
    let refusal = open(
      .membership, change.encoded, once: nil, deadline: nil, importance: .gain, as: nil)
    if refusal == nil, let last = pending.numbers.last {
      recovery.number = last
    } else {
      recovery.due = now.advanced(by: settings.retransmitAfter)
    }
  }

  /// Each question stands in the log: one that is refused is asked ever more seldom.
  private var pause: UInt64 { settings.retransmitAfter << min(recovery.refusals, 8) }

  /// What was asked for may have been refused, for now, and is forgotten with a state that is replaced.
  mutating func lookAtRecovery() {
    guard let number = recovery.number, pending[number] == nil else { return }
    recovery.number = nil
    guard !isVoter else { return }
    recovery.due = now.advanced(by: pause)
    recovery.refusals += 1
  }
}
