internal import Synod

/// What a node does about the members by itself, in time.
extension Core {
  mutating func scheduleMembers(at time: Ticks) {
    if members.wake.map({ $0 > time }) ?? true { members.wake = time }
    wakeUp(by: time)
  }

  /// The first input has come.
  mutating func startMembers() {
    if members.adopted.revision > 0 { members.isAnnounced = false }
    // Others may be driving: whoever has just come back has not listened yet.
    members.dutySince = now
    doubtMembers()
    members.isDriver = members.resumeAt != nil
    if isAsking || hasDuty { scheduleMembers(at: now) }
  }

  /// Something is due, or has changed.
  mutating func tendMembers() {
    members.wake = nil
    askForMembers()
    settleDoubt()
    drive()
  }

  /// Whether anybody could tell this node of a change.
  private var isAsking: Bool {
    switch standing {
    case .retired: false
    case .voter: members.adopted.members.count > 1
    case .learner, .proposer, .observer, .stranger: true
    }
  }

  /// Who has no vote is asked nothing, and so would never learn of a change; a voter hears of another
  /// epoch from whoever asks it, but of another revision only once, and may have been away then. And
  /// all that one knows who was away may have left since: so voters ask every member there is.
  private mutating func askForMembers() {
    guard isAsking else {
      members.askAt = nil
      return
    }
    let hasVote = standing == .voter
    // A voter that starts finds nobody connected yet.
    var time = members.askAt ?? (hasVote ? now.advanced(by: settings.askAfter) : now)
    if time <= now {
      time = now.advanced(by: hasVote ? 4 * settings.askAfter : settings.askAfter)
      let asked = hasVote ? members.adopted.members.map(\.voter) : configuration.voters
      for voter in asked where voter != settings.voter { sayWhatIsKnown(to: voter) }
    }
    members.askAt = time
    scheduleMembers(at: time)
  }

  /// This node's acceptor took a membership, or held one when it started: whether it is decided is
  /// looked into where nobody tells, since whoever proposed it may be gone.
  mutating func doubtMembers() {
    guard members.doubtSince == nil, holdsNewerMembers else { return }
    members.doubtSince = now
    scheduleMembers(at: now.advanced(by: doubtFor))
  }

  private var doubtFor: UInt64 {
    let rank = UInt64(place ?? 0) + 1
    return rank * max(4 * settings.patience, 8 * trip)
  }

  private var holdsNewerMembers: Bool {
    guard place != nil, let cell = table.find(Membership.key, hash: members.hash),
      let value = table[cell].state.value, let held = try? Membership(value)
    else { return false }
    return held.revision > members.adopted.revision
  }

  private mutating func settleDoubt() {
    guard let since = members.doubtSince else { return }
    guard holdsNewerMembers else {
      members.doubtSince = nil
      return
    }
    let due = since.advanced(by: doubtFor)
    guard due <= now else { return scheduleMembers(at: due) }
    members.doubtSince = now
    tasks.want(
      Task(
        id: TaskID(.members, 0), key: Membership.key, errand: .settle,
        deadline: now.advanced(by: 4 * settings.retransmitAfter)))
    scheduleMembers(at: now.advanced(by: doubtFor + 4 * settings.retransmitAfter))
  }
}
