internal import Synod

/// The one procedure of changing the voters, carried out (rule 43): who is to join becomes a voter
/// when it is heard from, every register is accepted anew in the joint epoch, then the new voters go
/// on alone.
///
/// Whoever was asked for the change drives it, and goes on after a restart. Any other voter takes over
/// where nothing is heard of a driver for long. Two of them only do the same work twice.
extension Core {
  /// Whether there is anything to drive: a joint epoch, or somebody to be made a voter.
  var hasDuty: Bool { configuration.isJoint || members.adopted.learner != nil }

  /// A revision was adopted.
  mutating func beginDuty() {
    // Progress belongs to one epoch (rule 43 b).
    if members.transfer?.epoch != configuration.epoch { standDown() }
    members.dutySince = now
    members.progress = nil
    members.heardDrivers = []
    members.ready = []
    members.isStepping = false
    if !hasDuty { members.isDriver = false }
  }

  /// Does what is due.
  mutating func drive() {
    guard hasDuty else { return }
    // A node that comes back leaves whoever drives the change the time to say so.
    if members.dutySince == nil { members.dutySince = now }
    guard let due = takeOverAt else { return }
    guard due <= now else { return scheduleMembers(at: due) }
    if configuration.isJoint {
      transfer()
    } else {
      promote()
    }
  }

  /// When this node drives the change; nil where it never does.
  private var takeOverAt: Ticks? {
    guard let place = rankAmongDrivers, let since = members.dutySince else { return nil }
    let time = settings.takeOverAfter * (UInt64(place) + 1)
    return members.isDriver ? since : since.advanced(by: time)
  }

  /// Whether this node drives the change because nobody else does.
  var isTakeOverDue: Bool { takeOverAt.map { $0 <= now } ?? false }

  /// Those drive that are to stay: whoever leaves would be the only one that knows that it left.
  private var rankAmongDrivers: Int? {
    guard place != nil else { return nil }
    let drivers = configuration.incoming ?? configuration.component
    return drivers.voters.firstIndex(of: settings.voter)
  }

  /// Somebody drives the change. Of two that do, the one whose place comes first goes on.
  mutating func heardDriver(_ driver: VoterID, progress: UInt32) {
    guard hasDuty, configuration.place(of: driver) != nil else { return }
    // One that is stuck, or cut off from those that it needs, may say the same for ever.
    guard members.isProgress(progress, of: driver) else { return }
    if members.transfer != nil {
      guard driver < settings.voter else { return }
      standDown()
    }
    members.progress = progress
    members.dutySince = now
    members.isDriver = false
  }

  private mutating func standDown() {
    if let group = members.group { tasks.giveUp(group) }
    listings.open.removeAll { $0.purpose == .transfer }
    members.group = nil
    members.transfer = nil
    members.isStepping = false
  }

  // MARK: Learners

  /// A learner says that it knows the members as they are.
  mutating func heard(from sender: VoterID, knowing revision: UInt64) {
    guard revision == members.adopted.revision,
      members.adopted.member(sender)?.role == .learner
    else { return }
    if members.ready.isEmpty { members.dutySince = now }
    members.ready.removeAll { $0.voter == sender }
    members.ready.append(Members.Heard(voter: sender, at: now))
    scheduleMembers(at: now)
  }

  /// The first of those that are to become voters and were heard of late: one that has gone since may
  /// leave the new voters without a quorum.
  private var readyLearner: VoterID? {
    members.ready.filter { now <= $0.at.advanced(by: 2 * settings.askAfter) }.map(\.voter)
      .filter { !settings.promotesPinned || members.adopted.member($0)?.store != nil }.min()
  }

  private mutating func promote() {
    guard !members.isStepping else { return }
    if let learner = readyLearner { return step(.promote(learner)) }
    // It may not know whom to ask.
    for member in members.adopted.members where member.role == .learner { tell(member.voter) }
    scheduleMembers(at: now.advanced(by: settings.retransmitAfter))
  }

  /// Asks for a step in a round of the reserved register; what comes of it is seen when it is adopted.
  private mutating func step(_ step: MembershipStep) {
    members.isStepping = true
    // Two phases, several times over, also where the others are far away.
    let time = 8 * settings.retransmitAfter + 8 * trip
    want(.reconfigure(step), Membership.key, by: now.advanced(by: time))
  }

  @discardableResult
  mutating func want(_ errand: Errand, _ key: Bytes, by deadline: Ticks? = nil) -> UInt32 {
    members.tasks &+= 1
    let group = members.group ?? TaskID.Group(owner: .members, number: members.tasks)
    members.group = group
    tasks.want(
      Task(
        id: TaskID(.members, group: group.number, members.tasks), key: key, errand: errand,
        deadline: deadline))
    return members.tasks
  }

  // MARK: Transfer

  private mutating func transfer() {
    var transfer =
      members.transfer
      ?? Transfer(
        configuration.epoch, through: members.resumeAt, floor: members.resumeFloor, at: now)
    tellProgress(transfer)
    members.transfer = transfer
    guard case .waiting(let time) = transfer.phase else { return }
    guard time <= now else { return scheduleMembers(at: time) }
    #if PlantedBugs
      if PlantedBug.has(.skippedTransfer) { transfer.through = .max }
    #endif
    transfer.phase = transfer.isComplete ? .concluding : .listing
    members.transfer = transfer
    if transfer.isComplete {
      step(.conclude(transfer.epoch, floor: transfer.floor))
    } else {
      startListing(
        for: .transfer, after: transfer.through, limit: settings.transferPiece, deadline: nil)
    }
  }

  /// Others take over where they hear nothing of it.
  private mutating func tellProgress(_ transfer: Transfer) {
    members.progress =
      transfer.isComplete ? .max : UInt32(truncatingIfNeeded: (transfer.through ?? 0) >> 31)
    if let time = members.tellProgressAt, time > now { return scheduleMembers(at: time) }
    let time = now.advanced(by: max(settings.takeOverAfter / 4, 1))
    members.tellProgressAt = time
    scheduleMembers(at: time)
    outbox.messages.append(Envelope(to: .peers, message: membersMessage(isDriven: true)))
  }

  /// A piece of the list is there: what no accept quorum holds in this epoch is written back.
  mutating func transferListed(
    _ piece: Result<(entries: [Listing.Entry], through: UInt64, floor: Ballot), Abandoned>
  ) {
    guard members.transfer?.phase == .listing else { return }
    switch piece {
    case .failure: waitWithTransfer()
    case .success(let list):
      guard var transfer = members.transfer else { return }
      let epoch = configuration.epoch
      transfer.pieceEnd = list.through
      transfer.floor = max(transfer.floor, list.floor)
      transfer.waiting = list.entries.filter {
        !$0.isSettled || $0.accepted.epoch != epoch
      }.map(\.key)
      transfer.hasFailed = false
      transfer.phase = .settling
      members.transfer = transfer
      continueTransfer()
    }
  }

  private var errand: Errand {
    #if PlantedBugs
      if PlantedBug.has(.copiedStates) { return .read }
    #endif
    return .settle
  }

  #if PlantedBugs
    private mutating func copy(_ state: RegisterState, at ballot: Ballot, of key: Bytes) {
      guard !ballot.isZero else { return }
      let message = Message(.accept, slot: .max, ballot: ballot, key: key, state: state)
      outbox.messages.append(Envelope(to: .peers, message: message))
      receiveRequest(message, from: settings.voter)
    }
  #endif

  private func isOfThisEpoch(_ outcome: TaskOutcome) -> Bool {
    if case .settled(_, let ballot) = outcome { ballot.epoch == configuration.epoch } else { false }
  }

  private mutating func waitWithTransfer() {
    let time = now.advanced(by: settings.retransmitAfter)
    members.transfer?.phase = .waiting(until: time)
    scheduleMembers(at: time)
  }

  /// Begins what may be begun; ends the piece where nothing is left of it.
  private mutating func continueTransfer() {
    guard var transfer = members.transfer, transfer.phase == .settling else { return }
    while !transfer.hasFailed, transfer.begun.count < Transfer.maxRounds,
      let key = transfer.waiting.popLast()
    {
      transfer.begun[want(errand, key)] = key
    }
    if transfer.begun.isEmpty && transfer.hasFailed {
      waitWithTransfer()
      return
    }
    if transfer.begun.isEmpty {
      transfer.through = transfer.pieceEnd
      transfer.phase = .waiting(until: now)
      members.resumeAt = transfer.through
      members.resumeFloor = transfer.floor
      _ = outbox.record(statedTransfer(through: transfer.pieceEnd))
      scheduleMembers(at: now)
    }
    members.transfer = transfer
  }

  func statedTransfer(through hash: UInt64) -> Record {
    .transferred(
      configuration.epoch, hashSeed: settings.hashSeed, through: hash, floor: members.resumeFloor)
  }

  /// A round that this asked for has ended.
  mutating func memberTaskEnded(_ id: TaskID, _ outcome: TaskOutcome) {
    guard id.group == members.group else { return }
    let key = members.transfer?.begun.removeValue(forKey: id.number)
    #if PlantedBugs
      if let key, PlantedBug.has(.copiedStates), case .settled(let state, let ballot) = outcome {
        copy(state, at: ballot, of: key)
        return continueTransfer()
      }
    #endif
    if key != nil {
      if !isOfThisEpoch(outcome) { members.transfer?.hasFailed = true }
      return continueTransfer()
    }
    // A step: where it was not decided, it is tried again. One that was refused may be so because of
    // others, who are heard from first.
    members.isStepping = false
    if case .settled = outcome { members.ready = [] }
    if members.transfer?.phase == .concluding { waitWithTransfer() }
    scheduleMembers(at: now.advanced(by: settings.retransmitAfter))
  }
}
