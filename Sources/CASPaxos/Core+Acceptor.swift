internal import Synod

/// The acceptor (rules 4 to 9, 26 and 42).
extension Core {
  mutating func receiveRequest(_ message: Message, from sender: VoterID) {
    guard place != nil else { return }
    // The epoch comes first, for duplicates too: a round of an older configuration is refused
    // whatever else it is; one of a configuration not known here cannot be judged.
    if message.ballot.epoch < configuration.epoch { return refuseEpoch(message, from: sender) }
    guard message.ballot.epoch == configuration.epoch else { return }
    guard message.key.count <= settings.maxKey else { return }
    switch message.kind {
    case .prepare: prepare(message, from: sender)
    case .accept: accept(message, from: sender)
    case .read: read(message, from: sender)
    case .promise, .accepted, .conflict, .readReply: break
    }
  }

  private mutating func prepare(_ message: Message, from sender: VoterID) {
    let ballot = message.ballot
    let place = table.findOrInsert(message.key, hash: table.hash(message.key))
    if sender != settings.voter { yield(place) }
    let cell = table[place]
    if ballot == cell.promised && cell.accepted < ballot {
      // A duplicate: the same promise again, or a lost reply would cost a ballot.
    } else if ballot <= cell.promised || ballot <= cell.accepted {
      return refuse(message, from: sender, at: place)
    } else {
      table[place].promised = ballot
      table[place].batch = outbox.record(.promise(key: cell.key, ballot: ballot))
    }
    outbox.send(
      Message(
        .promise, slot: message.slot, ballot: ballot, accepted: cell.accepted, state: cell.state),
      to: sender, after: table[place].batch)
  }

  private mutating func accept(_ message: Message, from sender: VoterID) {
    let ballot = message.ballot
    let place = table.findOrInsert(message.key, hash: table.hash(message.key))
    if sender != settings.voter { yield(place) }
    if ballot == table[place].accepted {
      // A duplicate is acknowledged again even where the promise is higher by now: it is true.
      guard message.state == table[place].state else { return stop(.machineStopped) }
    } else if ballot < table[place].promised || ballot < table[place].accepted {
      return refuse(message, from: sender, at: place)
    } else {
      var state = message.state
      state.value = state.value?.compacted()
      let promised = max(table[place].promised, ballot, message.promised)
      let batch = outbox.record(
        .accept(key: table[place].key, ballot: ballot, promised: promised, state: message.state))
      table[place].accepted = ballot
      table[place].state = state
      table[place].promised = promised
      table[place].batch = batch
    }
    outbox.send(
      Message(.accepted, slot: message.slot, ballot: ballot, promised: table[place].promised),
      to: sender, after: table[place].batch)
  }

  /// Another proposer is at this register: its ballot outranks the promise kept for the next round,
  /// or will, and asking for promises ahead would only get in its way.
  private mutating func yield(_ place: RegisterTable.Place) {
    table[place].armed = .zero
    table[place].streak = 0
  }

  /// What refuses must be durable: a refusal counts as evidence (rules 8 and 21).
  private mutating func refuse(
    _ message: Message, from sender: VoterID, at place: RegisterTable.Place
  ) {
    let cell = table[place]
    outbox.send(
      Message(
        .conflict, slot: message.slot, ballot: message.ballot, promised: cell.promised,
        accepted: cell.accepted),
      to: sender, after: cell.batch)
  }

  /// Adopting an epoch promised its lowest ballot on every register; what was accepted is told as it
  /// is, since the refusal counts as evidence.
  private mutating func refuseEpoch(_ message: Message, from sender: VoterID) {
    var refusal = Message(
      .conflict, slot: message.slot, ballot: message.ballot,
      promised: Ballot(epoch: configuration.epoch, counter: 0, voter: .none))
    var batch = PersistBatch.none
    if let place = table.find(message.key, hash: table.hash(message.key)) {
      refusal.promised = max(refusal.promised, table[place].promised)
      refusal.accepted = table[place].accepted
      batch = table[place].batch
    }
    outbox.send(refusal, to: sender, after: max(batch, configurationBatch))
  }

  /// A read changes nothing, not even the table: asking for keys that do not exist costs no memory.
  private mutating func read(_ message: Message, from sender: VoterID) {
    var reply = Message(.readReply, slot: message.slot, ballot: message.ballot)
    var batch = PersistBatch.none
    if let place = table.find(message.key, hash: table.hash(message.key)) {
      reply.accepted = table[place].accepted
      reply.state = table[place].state
      batch = table[place].batch
    }
    outbox.send(reply, to: sender, after: batch)
  }
}
