internal import Synod

// What an exhaustive search needs to know of the members; see `Machine+Exploration`.

extension Machine {
  /// Does what is due at its own time already; whether anything was.
  package mutating func tickIfDue() -> Bool {
    guard core.stopped == nil, let due = nextDeadline, due <= core.now else { return false }
    tick(to: core.now)
    return true
  }

  /// Whether nothing comes of the message now but that its sender is asked for the members, which
  /// this node is told in any case: whoever decided them told everyone, and no message is ever lost
  /// for good.
  package func mayWait(_ message: Message) -> Bool { core.mayWait(message) }

  /// It votes no more, for ever.
  package var isRetired: Bool { core.members.isRetired }
}

extension Core {
  fileprivate func mayWait(_ message: Message) -> Bool {
    switch message.kind {
    case .prepare, .accept, .read, .list, .erase:
      message.ballot.epoch > configuration.epoch && !isTakenAnyway(message)
    case .behind: message.ballot.counter > members.adopted.revision + 1
    case .promise, .accepted, .conflict, .readReply, .page, .watch, .observed, .configuration:
      false
    }
  }

  /// Whether it may begin something of the members by itself.
  func mayDrive(_ prospects: Prospects) -> Bool {
    prospects.hasTime || members.isDriver || members.resumeAt != nil || members.transfer != nil
      || members.isStepping || members.batch > outbox.durable
  }

  /// Whether a message can do nothing here any more because of what is known of the members.
  func isDeadHere(_ message: Message, durable: Core, _ prospects: Prospects) -> Bool {
    let known = durable.members.adopted
    let epoch = min(configuration.epoch, durable.configuration.epoch)
    switch message.kind {
    // It is not voted on, and the sender is told of the members by whoever decided them.
    case .prepare, .accept, .read, .list, .erase:
      if members.isRetired && durable.members.isRetired { return true }
      return message.ballot.epoch < epoch && !isTakenAnyway(message)
    // Its round is over, and its counters say nothing any more.
    case .promise, .accepted, .conflict, .readReply, .page: return message.ballot.epoch < epoch
    case .configuration:
      if message.ballot.counter <= known.revision { return true }
      return message.ballot.counter == known.revision + 1 && !mayHeedDriver(message, prospects)
    case .behind:
      if message.ballot.counter <= known.revision { return true }
      return message.ballot.counter == known.revision + 1 && !mayHeedLearner(message, prospects)
    case .watch, .observed: return false
    }
  }

  /// Whether hearing that somebody drives the change makes a difference.
  private func mayHeedDriver(_ message: Message, _ prospects: Prospects) -> Bool {
    message.slot > 0 && hasDuty && mayDrive(prospects)
  }

  /// Whether the sender is a learner that somebody waits for.
  private func mayHeedLearner(_ message: Message, _ prospects: Prospects) -> Bool {
    let learner = message.ballot.voter
    return (members.isDriver || prospects.hasTime)
      && !members.ready.contains { $0.voter == learner }
      && members.adopted.member(learner)?.role == .learner
  }

  mutating func canonicaliseMembers(_ prospects: Prospects) {
    // Whoever is told twice is told the same.
    members.forgetTold()
    // For people alone.
    members.progress = nil
    members.ready.sort { $0.voter < $1.voter }
    // Who does not heed a driver does as one to whom it said nothing.
    members.heardDrivers = []
    if prospects.mayChangeMembers && !mayDrive(prospects) { forgetDriving() }
  }

  /// Nobody but whoever drives looks at these.
  private mutating func forgetDriving() {
    members.ready = []
    members.isStepping = false
    if !rounds.allSatisfy({ $0.phase == .free }) { return }
    members.group = nil
    members.tasks = 0
  }

  /// The clock stands still: what is due is done, and what is not never will be.
  mutating func forgetMembersTime() {
    let isDue = isTakeOverDue
    members.doubtSince = nil
    members.askAt = nil
    members.tellProgressAt = nil
    members.wake = nil
    members.dutySince = members.dutySince.map { _ in isDue ? Ticks(0) : now }
    for place in members.ready.indices { members.ready[place].at = now }
    if case .waiting = members.transfer?.phase {
      members.transfer?.phase = .waiting(until: Ticks(.max))
    }
    listings.forgetTime()
  }
}
