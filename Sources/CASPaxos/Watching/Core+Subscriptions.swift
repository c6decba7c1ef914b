internal import Synod

/// The acceptor's part in a watch: it tells of what it has accepted, once that is durable. What one
/// voter accepted says little; whoever watches counts.
extension Core {
  /// Subscribes the sender, and tells it at once of what it does not know, so that asking again makes
  /// up for what was lost.
  mutating func subscribe(_ message: Message, from sender: VoterID) {
    guard place != nil, isMember(sender), message.subject.key.count <= settings.maxKey else {
      return
    }
    let subject = message.subject
    guard message.slot > 0 else { return subscriptions.remove(subject, of: sender) }
    let lease = min(UInt64(message.slot), 4 * settings.watchLease)
    subscriptions.add(subject, of: sender, until: now.advanced(by: lease))
    wakeWatches(by: now.advanced(by: lease))
    if subject.isPrefix { return }
    guard let place = table.find(subject.key, hash: table.hash(subject.key)),
      !table[place].accepted.isZero
    else { return tellOfAbsence(message, to: sender) }
    guard table[place].accepted > message.accepted else { return }
    let cell = table[place]
    // What was there before is not known any more, so that nothing can be said to follow another.
    let observed = Message(
      .observed, slot: 0, ballot: cell.accepted, promised: cell.state.version.ballot,
      key: cell.key, state: cell.state)
    tell(observed, [sender], after: max(cell.batch, configurationBatch))
  }

  /// What the watcher knows of may have been deleted and erased, of which nobody else will tell it.
  private mutating func tellOfAbsence(_ message: Message, to sender: VoterID) {
    guard !message.accepted.isZero, message.ballot.epoch == configuration.epoch else { return }
    let observed = Message(.observed, slot: 1, ballot: message.ballot, key: message.key)
    tell(observed, [sender], after: max(floorBatch, configurationBatch))
  }

  /// Tells of an acceptance.
  /// - Parameter before: the ballot of the version that it replaced, or more where that is not known.
  mutating func tellSubscribers(_ accept: Message, before: Ballot, after batch: PersistBatch) {
    let nodes = subscriptions.nodes(watching: accept.key, at: now)
    if nodes.isEmpty { return }
    let observed = Message(
      .observed, slot: 0, ballot: accept.ballot, promised: before, key: accept.key,
      state: accept.state)
    tell(observed, nodes, after: batch)
  }

  private mutating func tell(_ message: Message, _ nodes: [VoterID], after batch: PersistBatch) {
    for node in nodes where outbox.heldCount < settings.maxHeldReplies || node == settings.voter {
      outbox.send(message, to: node, after: batch)
    }
  }
}

extension Message {
  /// What a request to watch is of.
  var subject: WatchSubject {
    state.value.map { WatchSubject(key: $0, isPrefix: true) }
      ?? WatchSubject(key: key, isPrefix: false)
  }

  /// Whether it is no acceptance that is observed: its sender holds nothing of the register.
  package var tellsOfAbsence: Bool { kind == .observed && slot == 1 }

  /// Asks to be told of a subject.
  /// - Parameters:
  ///   - lease: for how long, in ticks; zero ends it.
  ///   - known: the ballot of the newest state that the watcher knows of.
  init(
    watch subject: WatchSubject, from node: VoterID, in epoch: Epoch, lease: UInt32, known: Ballot
  ) {
    self.init(
      .watch, slot: lease, ballot: Ballot(epoch: epoch, counter: 1, voter: node), accepted: known,
      key: subject.isPrefix ? Bytes() : subject.key)
    if subject.isPrefix { state.value = subject.key }
  }
}
