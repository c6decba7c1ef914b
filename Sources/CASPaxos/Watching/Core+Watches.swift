public import Synod

/// The watcher's part: it asks all voters to be told, counts, reads where counting does not tell, and
/// tells its clients.
extension Core {
  /// Begins to watch.
  @usableFromInline
  mutating func watch(
    _ key: Bytes, _ request: WatchRequest, as id: ProposalID, deadline: Ticks?
  ) {
    let subject: WatchSubject
    var version: Version?
    switch request {
    case .register(let after):
      subject = WatchSubject(key: key.compacted(), isPrefix: false)
      version = after
    case .prefix: subject = WatchSubject(key: key.compacted(), isPrefix: true)
    }
    if watches.isEmpty {
      watches.renewAt = now.advanced(by: renewal)
      wakeWatches(by: watches.renewAt)
    }
    let number = watches.add(
      Watch(
        id, of: subject, after: version, deadline: deadline, room: settings.maxObservations,
        maxBytes: settings.maxObservedBytes, maxKeys: settings.maxWatchedKeys))
    if let deadline { wakeWatches(by: deadline) }
    subscribe(number)
    goOn(number)
  }

  /// Leases are asked for again so often that two may be lost.
  private var renewal: UInt64 { max(settings.watchLease / 3, 1) }

  /// How long an acceptance may wait for others of the same ballot, in ticks.
  private var watchPatience: UInt64 { max(4 * settings.patience, 4 * trip) }

  private mutating func subscribe(_ number: UInt32) {
    guard let watch = watches.open[number] else { return }
    let lease = UInt32(truncatingIfNeeded: settings.watchLease)
    ask(watch.subject, lease: lease, known: watch.known)
  }

  private mutating func ask(_ subject: WatchSubject, lease: UInt32, known: Ballot = .zero) {
    let message = Message(
      watch: subject, from: settings.voter, in: configuration.epoch, lease: lease, known: known)
    if configuration.voters.count > (place == nil ? 0 : 1) {
      outbox.messages.append(Envelope(to: .peers, message: message))
    }
    subscribe(message, from: settings.voter)
  }

  /// Has what a watch wants done: tells, reads, ends it.
  private mutating func goOn(_ number: UInt32) {
    if watches.open[number]?.isTooLarge == true { return end(number, because: .tooLarge) }
    watches.tell(number)
    while let (key, read) = watches.open[number]?.takeRead() {
      tasks.want(Task(id: TaskID(.watch, group: number, read), key: key, errand: .read))
    }
    if let piece = watches.open[number]?.takePiece(at: now) { list(piece, for: number) }
    if let wake = watches.open[number]?.wake { wakeWatches(by: wake) }
  }

  private mutating func list(_ piece: Sweep.Piece, for number: UInt32) {
    let hash: UInt64? =
      switch piece {
      case .first: nil
      case .after(let hash): hash
      }
    startListing(for: .watch(number), after: hash, limit: Self.listedAtOnce, deadline: nil)
  }

  /// Registers of one piece of the list, at the most.
  private static var listedAtOnce: Int { 1024 }

  /// A piece of the list of all registers came.
  mutating func watchListed(
    _ number: UInt32, _ result: Result<[Listing.Entry], Abandoned>, through hash: UInt64
  ) {
    switch result {
    case .success(let entries):
      for entry in entries {
        watches.open[number]?.found(
          entry.key, accepted: entry.accepted, hasValue: entry.hasValue)
      }
      watches.open[number]?.swept(through: hash, next: now.advanced(by: settings.watchSweep))
    case .failure:
      watches.open[number]?.sweep?.begin(at: now.advanced(by: settings.retransmitAfter))
    }
    goOn(number)
  }

  private mutating func end(_ number: UInt32, because why: WatchEnd) {
    guard let id = watches.open[number]?.id else { return }
    watches.ended.append((id, why))
    endWatch(number)
  }

  private mutating func endWatch(_ number: UInt32) {
    if let subject = watches.remove(number) { ask(subject, lease: 0) }
    endListing(for: .watch(number), because: .cancelled)
    tasks.giveUp(TaskID.Group(owner: .watch, number: number))
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
    guard let place = configuration.place(of: sender),
      message.ballot.epoch == configuration.epoch
    else { return }
    let patience = watchPatience
    for number in watches.numbers(of: message.key) {
      watches.open[number]?.count(
        message, of: place, at: now, patience: patience, in: configuration)
      goOn(number)
    }
  }

  mutating func watchReadEnded(_ id: TaskID, _ outcome: TaskOutcome) {
    let number = id.group.number
    switch outcome {
    case .settled(let state, let ballot):
      watches.open[number]?.readEnded(id.number, with: state, at: ballot, in: configuration)
    case .failed:
      let later = now.advanced(by: settings.retransmitAfter)
      watches.open[number]?.readFailed(id.number, retryAt: later)
    }
    goOn(number)
  }

  @usableFromInline
  mutating func finished(_ effect: EffectID) {
    goOn(watches.finished(effect))
  }

  /// What is known of the registers may have been missed, or was said by others than who votes now.
  mutating func watchAnew() {
    for number in watches.numbers {
      endListing(for: .watch(number), because: .cancelled)
      watches.open[number]?.wantAll()
      watches.open[number]?.sweep?.begin(at: now)
      subscribe(number)
      goOn(number)
    }
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
    if watches.isEmpty { return }
    let renews = watches.renewAt <= now
    if renews { watches.renewAt = now.advanced(by: renewal) }
    wakeWatches(by: watches.renewAt)
    let patience = watchPatience
    for number in watches.numbers {
      if let deadline = watches.open[number]?.deadline {
        if deadline <= now {
          end(number, because: .deadline)
          continue
        }
        wakeWatches(by: deadline)
      }
      if renews { subscribe(number) }
      watches.open[number]?.look(at: now, patience: patience)
      goOn(number)
    }
  }
}
