internal import Synod

/// The acceptor (rules 4 to 9, 26 and 42).
extension Core {
  /// - Parameter known: where the register's cell lies, where that is known.
  mutating func receiveRequest(
    _ message: Message, from sender: VoterID, at known: RegisterTable.Place? = nil
  ) {
    // A store that does not answer must not let what is asked meanwhile pile up; the network may
    // lose requests, so this node may too.
    if sender != settings.voter && outbox.heldCount >= settings.maxHeldReplies { return }
    // The epoch comes first, for duplicates too: a round of another epoch is not voted on, whatever
    // else it is.
    guard message.ballot.epoch == configuration.epoch || isTakenAnyway(message) else {
      return answerEpoch(of: message, from: sender)
    }
    guard place != nil, isMember(sender) else { return }
    guard message.key.count <= max(settings.maxKey, Membership.keyLength) else { return }
    // An absent register has promised the floor: at or below it there is nothing to ask for.
    if message.ballot <= floor, message.kind == .prepare || message.kind == .accept,
      isUntouched(message.key, at: known)
    {
      return outbox.send(
        Message(.conflict, slot: message.slot, ballot: message.ballot, floor: floor),
        to: sender, after: floorBatch)
    }
    switch message.kind {
    case .prepare: prepare(message, from: sender, at: known ?? cell(of: message))
    case .accept:
      guard message.promised.isZero || message.asksForItsOwnNext else { return }
      accept(message, from: sender, at: known ?? cell(of: message))
    case .read: read(message, from: sender)
    case .list: list(message, from: sender)
    case .erase: erase(message)
    case .promise, .accepted, .conflict, .readReply, .watch, .observed, .page, .configuration,
      .behind:
      break
    }
  }

  @inline(__always)
  func isTakenAnyway(_ message: Message) -> Bool {
    #if PlantedBugs
      return PlantedBug.has(.ignoredEpoch)
        || PlantedBug.has(.earlyKeyList) && message.kind == .list
        || message.isCopy
    #else
      return false
    #endif
  }

  private mutating func cell(of message: Message) -> RegisterTable.Place {
    table.findOrInsert(message.key, hash: table.hash(message.key))
  }

  /// Whether the acceptor holds nothing of the register.
  private func isUntouched(_ key: Bytes, at known: RegisterTable.Place?) -> Bool {
    guard let place = known ?? table.find(key, hash: table.hash(key)) else { return true }
    return table[place].isUntouched
  }

  private mutating func prepare(
    _ message: Message, from sender: VoterID, at place: RegisterTable.Place
  ) {
    meetRival(sender, at: place)
    switch table[place].prepare(message.ballot) {
    case .granted:
      table[place].batch = outbox.record(
        .promise(key: table[place].key, ballot: message.ballot))
    case .duplicate: break
    case .refused: return refuse(message, from: sender, at: place)
    case .impossible: return stop(.machineStopped)
    }
    outbox.send(
      Message(
        .promise, slot: message.slot, ballot: message.ballot, accepted: table[place].accepted,
        floor: floor, state: table[place].state),
      to: sender, after: max(table[place].batch, floorBatch))
  }

  private mutating func accept(
    _ message: Message, from sender: VoterID, at place: RegisterTable.Place
  ) {
    meetRival(sender, at: place)
    // What is erased may have been of any version up to the floor.
    let before = table[place].accepted.isZero ? floor : table[place].state.version.ballot
    #if PlantedBugs
      let older = table[place].state
    #endif
    let verdict = table[place].accept(
      message.state, at: message.ballot, next: message.promised)
    let promised = table[place].promised
    switch verdict {
    case .granted:
      #if PlantedBugs
        if PlantedBug.has(.tornAcceptance) {
          _ = outbox.record(
            .accept(
              key: message.key, ballot: message.ballot, promised: promised, state: older))
        }
      #endif
      table[place].batch = outbox.record(
        .accept(
          key: message.key, ballot: message.ballot, promised: promised, state: message.state))
      if !subscriptions.isEmpty {
        tellSubscribers(message, before: before, after: table[place].batch)
      }
      if table[place].hash == members.hash { doubtMembers() }
    case .duplicate: break
    case .refused: return refuse(message, from: sender, at: place)
    case .impossible: return stop(.machineStopped)
    }
    outbox.send(
      Message(.accepted, slot: message.slot, ballot: message.ballot, promised: promised),
      to: sender, after: table[place].batch)
  }

  private mutating func meetRival(_ sender: VoterID, at place: RegisterTable.Place) {
    if sender != settings.voter { table[place].meetRival(configuration.place(of: sender)) }
  }

  /// What refuses must be durable: a refusal counts as evidence (rules 8 and 21).
  private mutating func refuse(
    _ message: Message, from sender: VoterID, at place: RegisterTable.Place
  ) {
    let cell = table[place]
    outbox.send(
      Message(
        .conflict, slot: message.slot, ballot: message.ballot, promised: cell.promised,
        accepted: cell.accepted, floor: floor),
      to: sender, after: max(cell.batch, floorBatch))
  }

  /// A read changes nothing, not even the table: asking for keys that do not exist costs no memory.
  private mutating func read(_ message: Message, from sender: VoterID) {
    var reply = Message(.readReply, slot: message.slot, ballot: message.ballot)
    var batch = configurationBatch
    if let place = table.find(message.key, hash: table.hash(message.key)) {
      reply.accepted = table[place].accepted
      reply.state = table[place].state
      batch = max(batch, table[place].batch)
    }
    // Where there is nothing any more, that must be durable.
    if reply.accepted.isZero { batch = max(batch, floorBatch) }
    outbox.send(reply, to: sender, after: batch)
  }

  /// Answers with the registers behind a hash, once all that the page shows is durable; in a later turn
  /// where this one has taken its time for pages.
  private mutating func list(_ message: Message, from sender: VoterID) {
    guard outbox.mayHoldPage,
      let request = message.state.value.flatMap({ KeyPage.Request(encoded: $0) })
    else { return }
    guard pages.hasTime(at: now) else {
      pages.add(message, from: sender)
      return wakeUp(by: now.advanced(by: 1))
    }
    let (page, batch, looks) = table.page(request)
    pages.spend(entries: page.entries.count, looks: looks, at: now)
    let encoded = page.encoded
    // Registers of one hash are never split; that so many are of one that no message can carry them
    // is nobody's accident.
    guard encoded.count <= Message.maxValue else { return }
    outbox.send(
      Message(
        .page, slot: message.slot, ballot: message.ballot, floor: floor,
        state: RegisterState(value: encoded)), to: sender,
      after: max(batch, configurationBatch, floorBatch))
  }

  /// Goes on with the lists that earlier turns had no time for.
  mutating func answerWaitingLists() {
    while let next = pages.next(at: now) { receiveRequest(next.request, from: next.sender) }
    if !pages.isEmpty { wakeUp(by: now.advanced(by: 1)) }
  }
}
