internal import Synod

/// How this node comes to know the members, and tells others (rule 42).
extension Core {
  /// What this node is.
  var standing: Standing {
    members.isRetired ? .retired : members.adopted.standing(of: settings.voter)
  }

  /// Whether requests of this sender are answered.
  @inline(__always)
  func isMember(_ sender: VoterID) -> Bool {
    if configuration.place(of: sender) != nil { return true }
    return members.adopted.place(of: sender) != nil
  }

  /// A round on the reserved register was chosen, or its answers settled: what it holds is decided.
  @usableFromInline
  mutating func decided(_ slot: Int) {
    guard let value = rounds[slot].base.value, let membership = try? Membership(value) else {
      return
    }
    let before = members.adopted
    guard adopt(membership) else { return }
    let writer = rounds[slot].base.version.ballot.voter
    if writer == settings.voter && hasDuty { members.isDriver = true }
    // To everyone, those that left among them: whoever decided may be the only one that knows.
    let everyone = Set(before.members.map(\.voter)).union(membership.members.map(\.voter))
    for voter in everyone.sorted() { tell(voter, atOnce: true) }
  }

  /// Takes a decided membership for the one there is, if it is newer. Its epoch promises the lowest
  /// ballot of it on every register: nothing of an older one is voted for any more.
  /// - Returns: whether it is newer.
  @discardableResult
  mutating func adopt(_ decided: Membership) -> Bool {
    let epoch = decided.configuration.epoch
    guard decided.revision > members.adopted.revision, epoch >= configuration.epoch,
      epoch > configuration.epoch || decided.configuration == configuration
    else { return false }
    take(decided)
    members.batch = outbox.record(.membership(decided, isRetired: members.isRetired))
    members.isAnnounced = false
    members.forgetTold()
    if epoch > configuration.epoch { enter(decided.configuration) }
    place = members.isRetired ? nil : configuration.place(of: settings.voter)
    if hasVoteOfItsOwn { raiseFloor(to: decided.collected) }
    if !members.isMember { tasks.expel() }
    beginDuty()
    if standing != .voter { members.askAt = nil }
    scheduleMembers(at: now)
    return true
  }

  /// Whether it is asked what was collected. Whoever is only to become a voter is not: until the others
  /// have told it.
  private var hasVoteOfItsOwn: Bool {
    place.map { configuration.component.contains(place: $0) } ?? false
  }

  /// Who voted once and does no more, and whoever is passed by the identities given, is retired for
  /// ever (rule 43 d).
  mutating func take(_ decided: Membership) {
    let voter = settings.voter
    let voted = configuration.place(of: voter) != nil
    let isOut = voted && decided.configuration.place(of: voter) == nil
    if isOut || decided.standing(of: voter) == .retired { members.isRetired = true }
    #if PlantedBugs
      let isNamed = decided.standing(of: voter) != .retired
      if PlantedBug.has(.returningVoter), isNamed { members.isRetired = false }
    #endif
    members.adopted = decided
    members.isMember = !members.isRetired && decided.place(of: voter) != nil
  }

  /// A new epoch begins here. What was under way begins anew in it: a prepare or a read had no effect,
  /// and of an accept its proposer finds out what became of it.
  private mutating func enter(_ next: Configuration) {
    configuration = next
    members.resumeAt = nil
    members.resumeFloor = .zero
    configurationBatch = members.batch
    ballots.epoch = next.epoch
    for slot in rounds.indices {
      switch rounds[slot].phase {
      case .free, .idle, .starved, .backingOff: break
      case .reading, .preparing: retry(slot)
      case .accepting: fail(slot)
      }
    }
    restartListings()
    watchAnew()
  }

  /// The application is told once it is durable: it may have to be known after a restart.
  mutating func announceMembers() {
    guard !members.isAnnounced, members.batch <= outbox.durable else { return }
    members.isAnnounced = true
    effects.append(.membership(members.adopted))
  }

  // MARK: Peers of another epoch

  /// A request of another epoch is not voted on, whatever it is: whoever is behind is told of the
  /// decided membership.
  mutating func answerEpoch(of request: Message, from sender: VoterID) {
    if sender == settings.voter { return }
    if request.ballot.epoch < configuration.epoch { tell(sender) } else { ask(sender) }
  }

  /// Names what this node knows: its epoch, and its revision plus one.
  var knowledge: Ballot {
    Ballot(
      epoch: configuration.epoch, counter: members.adopted.revision + 1, voter: settings.voter)
  }

  mutating func tell(_ voter: VoterID, atOnce: Bool = false) {
    guard voter != settings.voter,
      members.mayTell(voter, at: now, again: settings.patience) || atOnce
    else { return }
    outbox.messages.append(Envelope(to: .voter(voter), message: membersMessage()))
  }

  /// - Parameter isDriven: a driver says how far the transfer is.
  func membersMessage(isDriven: Bool = false) -> Message {
    let progress = isDriven ? max(members.progress ?? 0, 1) : 0
    var message = Message(.configuration, slot: progress, ballot: knowledge)
    message.state.value = members.adopted.encoded
    return message
  }

  private mutating func ask(_ voter: VoterID) {
    guard members.mayTell(voter, at: now, again: settings.patience) else { return }
    sayWhatIsKnown(to: voter)
  }

  /// Once it is durable: who is to become a voter is made one because it knows the members.
  mutating func sayWhatIsKnown(to voter: VoterID) {
    guard outbox.heldCount < settings.maxHeldReplies else { return }
    outbox.send(Message(.behind, slot: 0, ballot: knowledge), to: voter, after: members.batch)
  }

  mutating func receiveConfiguration(_ message: Message, from sender: VoterID) {
    guard let value = message.state.value, let membership = try? Membership(value) else { return }
    adopt(membership)
    if message.slot > 0, membership.revision == members.adopted.revision {
      heardDriver(sender, progress: message.slot)
    }
  }

  /// A peer says what it knows; it is told what it does not.
  mutating func receiveBehind(_ message: Message, from sender: VoterID) {
    guard message.ballot.counter > 0 else { return }
    let revision = message.ballot.counter - 1
    heard(from: sender, knowing: revision)
    if revision < members.adopted.revision {
      tell(sender)
    } else if revision > members.adopted.revision {
      ask(sender)
    }
  }
}
