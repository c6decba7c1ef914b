public import Synod

/// The watcher's part: it asks all voters to be told, counts, reads where counting does not tell, and
/// tells its clients.
extension Core {
  /// Begins to watch.
  mutating func watch(
    _ subject: WatchSubject, after version: Version?, as id: ProposalID, deadline: Ticks?
  ) {
    if watches.isEmpty {
      watches.renewAt = now.advanced(by: renewal)
      wakeWatches(by: watches.renewAt)
    }
    // Where another watch is of the same, the voters tell already.
    let isNew = !watches.isWatched(subject)
    let number = watches.add(
      Watch(
        id, of: subject, deadline: deadline, room: settings.maxObservations,
        maxBytes: settings.maxObservedBytes, firstRead: watches.reads))
    if let deadline { wakeWatches(by: deadline) }
    if subject.isPrefix {
      watches.sweep.join(at: now)
    } else if watches.know(subject.key, by: number, after: version, watchLimits) {
      watches.fallBehind(subject.key, by: number, watchLimits)
    }
    if isNew { askForLease(of: subject) }
    goOn([number])
  }

  /// Leases are asked for again so often that two may be lost.
  private var renewal: UInt64 { max(settings.watchLease / 3, 1) }

  /// How long an acceptance may wait for others of the same ballot, in ticks.
  private var watchPatience: UInt64 { max(4 * settings.patience, 4 * trip) }

  /// From one piece of a walk through the registers to the next, in ticks.
  private var sweepPause: UInt64 { max(settings.patience, 2 * trip) }

  private var watchLimits: Watches.Limits {
    Watches.Limits(
      keys: settings.maxWatchedKeys, allKeys: settings.maxWatchedKeysInAll,
      bytes: settings.maxObservedBytesInAll)
  }

  private mutating func askForLease(of subject: WatchSubject) {
    let lease = UInt32(truncatingIfNeeded: settings.watchLease)
    let known = subject.isPrefix ? nil : watches.registers[subject.key]?.chosen
    ask(subject, lease: lease, known: known ?? .zero)
  }

  private mutating func ask(_ subject: WatchSubject, lease: UInt32, known: Ballot = .zero) {
    let message = Message(
      watch: subject, from: settings.voter, in: configuration.epoch, lease: lease, known: known)
    if configuration.voters.count > (place == nil ? 0 : 1) {
      outbox.messages.append(Envelope(to: .peers, message: message))
    }
    subscribe(message, from: settings.voter)
  }

  /// Has what some watches want done: tells, reads, ends them.
  private mutating func goOn(_ numbers: [UInt32]) {
    for number in numbers {
      if let why = watches.open[number]?.failure {
        end(number, because: why)
      } else {
        watches.tell(number)
        watches.catchUp(number, watchLimits)
      }
    }
    while let (key, read) = watches.takeRead(in: configuration) {
      tasks.want(Task(id: TaskID(.watch, group: read, read), key: key, errand: .read))
    }
    if let piece = watches.takePiece(at: now, pause: sweepPause) { list(piece) }
    if let wake = watches.wake { wakeWatches(by: wake) }
  }

  private mutating func list(_ piece: Sweep.Piece) {
    let hash: UInt64? =
      switch piece {
      case .first: nil
      case .after(let hash): hash
      }
    startListing(for: .watch, after: hash, limit: Self.listedAtOnce, deadline: nil)
  }

  /// Registers of one piece of the list, at the most.
  private static var listedAtOnce: Int { 1024 }

  /// A piece of the list of all registers came.
  mutating func watchListed(
    _ result: Result<[Listing.Entry], Abandoned>, through hash: UInt64
  ) {
    if watches.prefixCount == 0 { return }
    switch result {
    case .success(let entries):
      let limits = watchLimits
      for entry in entries {
        watches.found(entry.key, accepted: entry.accepted, hasValue: entry.hasValue, limits)
      }
      if watches.sweep.went(through: hash, at: now, pause: sweepPause) { lookForMissing() }
    case .failure: watches.sweep.begin(at: now.advanced(by: settings.retransmitAfter))
    }
    goOn(watches.numbers)
  }

  private mutating func lookForMissing() {
    watches.lookForMissing(at: now, pause: sweepPause, rest: settings.watchSweep)
  }

  private mutating func end(_ number: UInt32, because why: WatchEnd) {
    guard let id = watches.open[number]?.id else { return }
    watches.ended.append(Watches.Ended(id: id, why: why))
    endWatch(number)
  }

  private mutating func endWatch(_ number: UInt32) {
    if let subject = watches.remove(number) { ask(subject, lease: 0) }
    letGo()
    guard watches.prefixCount == 0 else { return }
    watches.sweep.stop()
    endListing(for: .watch, because: .cancelled)
  }

  /// What is left of ended watches goes piece by piece.
  private mutating func letGo() {
    for read in watches.letGo(at: now) { tasks.giveUp(TaskID.Group(owner: .watch, number: read)) }
    if watches.hasLeft { wakeWatches(by: now.advanced(by: 1)) }
  }

  /// Ends the watch of this proposal, where there is one.
  @usableFromInline
  mutating func cancelWatch(_ id: ProposalID) -> Bool {
    guard let number = watches.number(of: id) else { return false }
    endWatch(number)
    return true
  }

  /// Counts what a voter says that it accepted. That of another epoch counts for nothing: its quorums
  /// were others.
  mutating func observe(_ message: Message, from sender: VoterID) {
    guard !watches.isEmpty, let place = configuration.place(of: sender),
      message.ballot.epoch == configuration.epoch
    else { return }
    if message.tellsOfAbsence {
      watches.countAbsent(message.key, of: place, in: configuration)
    } else if !watches.count(
      message, of: place, at: now, patience: watchPatience, in: configuration, watchLimits)
    {
      if let wake = watches.wake { wakeWatches(by: wake) }
      return
    }
    goOn(watches.numbers(of: message.key))
  }

  mutating func watchReadEnded(_ id: TaskID, _ outcome: TaskOutcome) {
    var key: Bytes?
    switch outcome {
    case .settled(let state, let ballot):
      key = watches.readEnded(
        id.number, with: state, at: ballot, in: configuration, watchLimits)
    case .failed:
      watches.readFailed(id.number, retryAt: now.advanced(by: settings.retransmitAfter))
    }
    goOn(key.map { watches.numbers(of: $0) } ?? [])
  }

  @usableFromInline
  mutating func finished(_ effect: EffectID) {
    goOn([watches.finished(effect)])
  }

  /// What is known of the registers may have been missed, or was said by others than who votes now.
  /// Those of prefixes are found by a walk.
  mutating func watchAnew() {
    if watches.isEmpty { return }
    endListing(for: .watch, because: .cancelled)
    if watches.prefixCount > 0 { watches.sweep.begin(at: now) }
    for watch in watches.firsts {
      askForLease(of: watch.subject)
      if !watch.subject.isPrefix { watches.doubt(watch.subject.key) }
    }
    goOn(watches.numbers)
  }
}

/// Time.
extension Core {
  mutating func wakeWatches(by time: Ticks) {
    watchWake = min(watchWake ?? time, time)
    if let known = nextWake, known <= time { return }
    nextWake = time
  }

  mutating func tickWatches() {
    guard let wake = watchWake else { return }
    if wake <= now { lookAtWatches() }
    if let wake = watchWake { wakeWatches(by: wake) }
  }

  private mutating func lookAtWatches() {
    watchWake = nil
    subscriptions.expire(at: now)
    if let wake = subscriptions.wake { wakeWatches(by: wake) }
    if watches.hasLeft { letGo() }
    if watches.isEmpty { return }
    lookForMissing()
    if let deadline = watches.deadline, deadline <= now { endLateWatches() }
    if let deadline = watches.deadline { wakeWatches(by: deadline) }
    if watches.renewAt <= now {
      watches.renewAt = now.advanced(by: renewal)
      for watch in watches.firsts { askForLease(of: watch.subject) }
    }
    wakeWatches(by: watches.renewAt)
    let touched = watches.look(at: now, patience: watchPatience)
    goOn(touched.flatMap { watches.numbers(of: $0) })
  }

  private mutating func endLateWatches() {
    watches.deadline = nil
    for number in watches.numbers {
      guard let deadline = watches.open[number]?.deadline else { continue }
      if deadline <= now {
        end(number, because: .deadline)
      } else {
        watches.deadline = min(watches.deadline ?? deadline, deadline)
      }
    }
  }
}
