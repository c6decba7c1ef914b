internal import Synod

/// What a node does that is a member no more: it serves until those after it know durably what it took
/// part in (rule 21). Their knowing which slots are chosen is volatile, so they are asked.
struct Retirement: Hashable, Sendable {
  struct Answer: Hashable, Sendable {
    var voter: VoterID
    var known: Slot
  }

  /// When to ask; nil for members, and where it is done.
  var due: Ticks?
  /// The last slot that this node took part in, at the most.
  var last = Slot.none
  var answers: [Answer] = []
  var isDone = false
}

extension Core {
  /// Whether this node was a member, and is none of any slot that is not applied. Identities ascend.
  var isPast: Bool {
    let newest = state.schedule.newest.membership
    return state.schedule.items.count == 1 && newest.member(me) == nil && me < newest.nextVoter
  }

  mutating func noteRetirement() {
    guard hasTicked, isPast, retirement.due == nil, !retirement.isDone else { return }
    retirement.last = state.schedule.newest.from.previous
    retirement.due = now
  }

  mutating func askKnown() {
    retirement.due = now.advanced(by: settings.electionTimeout)
    for voter in state.schedule.newest.membership.configuration.voters {
      outbox.send(.askKnown, to: .voter(voter))
    }
  }

  /// Says what it knows once that is durable: what it holds, and that it is chosen.
  mutating func receiveAskKnown(from sender: VoterID) {
    guard outbox.heldCount < settings.maxHeldReplies else { return }
    recordChosen()
    outbox.send(.known(hinted), to: sender, after: max(logBatch, hintBatch))
  }

  mutating func receiveKnown(_ slot: Slot, from sender: VoterID) {
    guard retirement.due != nil, isPast else { return }
    retirement.answers.removeAll { $0.voter == sender }
    retirement.answers.append(Retirement.Answer(voter: sender, known: slot))
    let knowing = retirement.answers.filter { $0.known >= retirement.last }.map(\.voter)
    let configuration = state.schedule.newest.membership.configuration
    guard configuration.isAcceptQuorum(votes(of: knowing, in: configuration)) else { return }
    retirement.due = nil
    retirement.isDone = true
    notes.append(.retired(retirement.last))
  }
}
