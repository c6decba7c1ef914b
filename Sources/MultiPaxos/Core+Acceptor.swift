internal import Synod

/// The acceptor (rules 6, 10, 11) and what it grants leaders (rules 44, 45).
extension Core {
  /// How far beyond what is applied an acceptor takes entries: a leader's window begins where its
  /// quorum is, and others may be behind that.
  var furthest: Slot {
    state.applied.advanced(by: max(4 * state.schedule.window, 16_384))
  }

  mutating func receivePrepare(_ ballot: Ballot, _ from: Slot, from sender: VoterID) {
    guard ballot.voter == sender, from > .none else { return }
    // It promises nothing, and may know of slots what the candidate must learn before it asks others.
    guard isVoter || sender == me else { return receiveFetch(from, from: sender) }
    guard outbox.heldCount < settings.maxHeldReplies else { return }
    see(ballot)
    if ballot < promised { return refuse(ballot, to: sender) }
    guard mayFollow(sender), settings.voting?.mayPromise(ballot) ?? true else { return }
    if ballot > promised {
      promise(ballot)
      if sender != me { stepDown(for: nil) }
      logBatch = outbox.record(.promise(ballot))
      outbox.dropPromises(before: ballot)
    } else if outbox.holdsPromise(of: ballot) {
      // While the store is slow it may be asked often.
      return
    }
    // It is given the time to become leader.
    electionAt = max(electionAt, now.advanced(by: electionDelay()))
    // Slots that are known to be chosen are not told of, and are not promised: a promise that left
    // them out in silence would have them filled with fillers (rule 6).
    #if PlantedBugs
      let first = PlantedBug.has(.silentPromise) ? from : max(from, chosenThrough.next)
    #else
      let first = max(from, chosenThrough.next)
    #endif
    let parts = promiseParts(from: first)
    let content = content(of: parts)
    for (part, accepted) in parts.enumerated() {
      let promise = Message.Promise(
        ballot: ballot, from: first, part: UInt32(part), parts: UInt32(parts.count),
        content: content, accepted: accepted)
      outbox.send(.promise(promise), to: sender, after: logBatch)
    }
  }

  /// Names what all parts tell together: two answers that tell the same are cut alike.
  private func content(of parts: [[Message.AcceptedEntry]]) -> UInt64 {
    var content = SplitMix(seed: UInt64(parts.count))
    for part in parts {
      for accepted in part {
        for word in [
          accepted.slot.rawValue, accepted.ballot.counter, UInt64(accepted.ballot.voter.rawValue),
          UInt64(accepted.entry.size),
        ] {
          content = SplitMix(seed: content.next() ^ word)
        }
      }
    }
    return content.next()
  }

  private func promiseParts(from first: Slot) -> [[Message.AcceptedEntry]] {
    var parts: [[Message.AcceptedEntry]] = [[]]
    var size = 0
    var slot = max(first, log.first)
    #if PlantedBugs
      if PlantedBug.has(.silentPromise) { slot = max(slot, chosenThrough.next) }
    #endif
    while slot < log.end {
      let cell = log[slot]
      if !cell.isEmpty {
        if size > 0, size + cell.entry.size > settings.maxMessageBytes {
          parts.append([])
          size = 0
        }
        parts[parts.count - 1].append(
          Message.AcceptedEntry(slot: slot, ballot: cell.ballot, entry: cell.entry))
        size += cell.entry.size
      }
      slot = slot.next
    }
    return parts
  }

  /// Promises a higher ballot.
  mutating func promise(_ ballot: Ballot) {
    precondition(ballot > promised, "a promise that is not higher")
    // What it proposed as a leader was voted on before.
    flushProposals()
    promised = ballot
  }

  func isOpenToWrite(_ slot: Slot) -> Bool { slot >= log.first && slot <= furthest }

  private mutating func refuse(_ ballot: Ballot, to sender: VoterID) {
    guard sender != me else { return }
    outbox.send(.refused(ballot, promised: promised), to: .voter(sender))
  }

  mutating func receiveAccept(_ accept: Message.Accept, from sender: VoterID) {
    guard accept.ballot.voter == sender, sender != me else { return }
    guard outbox.heldCount < settings.maxHeldReplies else { return }
    see(accept.ballot)
    if accept.ballot < promised { return refuse(accept.ballot, to: sender) }
    #if PlantedBugs
      let mayFollow = mayFollow(sender) || PlantedBug.has(.grantWithoutAccepts)
      let mayRaise = !PlantedBug.has(.unraisedPromise)
    #else
      let mayFollow = mayFollow(sender)
      let mayRaise = true
    #endif
    guard mayFollow else { return }
    if accept.ballot > promised, mayRaise {
      promise(accept.ballot)
      // Also where no entry of it can be taken: a prepare that comes late asks for this very promise.
      logBatch = outbox.record(.promise(accept.ballot))
    }
    follow(sender)
    take(accept, from: sender)
    learn(claim: accept.ballot, through: accept.chosen)
  }

  /// Accepts what can be accepted, in runs of slots that follow each other.
  private mutating func take(_ accept: Message.Accept, from sender: VoterID) {
    var run: (first: Int, isNew: Bool)?
    func slot(_ index: Int) -> Slot { accept.first.advanced(by: UInt64(index)) }
    for index in accept.entries.indices {
      switch take(accept.entries[index], at: slot(index), accept.ballot) {
      case .new:
        if let begun = run, !begun.isNew { endRun(accept, begun, index, to: sender); run = nil }
        run = run ?? (index, true)
      case .known:
        if let begun = run, begun.isNew { endRun(accept, begun, index, to: sender); run = nil }
        run = run ?? (index, false)
      case .no:
        if let begun = run { endRun(accept, begun, index, to: sender) }
        run = nil
      case .impossible: return stop(.machineStopped)
      }
    }
    if let begun = run { endRun(accept, begun, accept.entries.count, to: sender) }
  }

  private enum Taken { case new, known, no, impossible }

  private mutating func take(_ entry: Entry, at slot: Slot, _ ballot: Ballot) -> Taken {
    guard isOpenToWrite(slot), settings.voting?.mayAccept(slot, entry, ballot) ?? true else {
      return .no
    }
    guard let cell = log.cell(slot) else {
      if slot <= chosenThrough { return .no }
      log.put(EntryLog.Cell(ballot, entry), at: slot)
      return .new
    }
    if cell.ballot == ballot {
      // One ballot carries one entry (rule 10).
      return cell.entry == entry ? .known : .impossible
    }
    // Not below what it accepted, whatever it remembers of its promise.
    if cell.ballot > ballot { return .no }
    if cell.isChosen {
      // Of what is chosen only the same can be asked for, unless the ballot was overtaken.
      return cell.entry == entry ? .known : .no
    }
    log.put(EntryLog.Cell(ballot, entry), at: slot)
    return .new
  }

  private mutating func endRun(
    _ accept: Message.Accept, _ run: (first: Int, isNew: Bool), _ end: Int, to sender: VoterID
  ) {
    let first = accept.first.advanced(by: UInt64(run.first))
    let last = accept.first.advanced(by: UInt64(end - 1))
    if run.isNew {
      let isAll = run.first == 0 && end == accept.entries.count
      let entries = isAll ? accept.entries : Array(accept.entries[run.first..<end])
      logBatch = outbox.record(.accept(accept.ballot, first: first, entries))
    }
    if isVoter {
      outbox.send(
        .accepted(accept.ballot, first: first, last: last), to: sender, after: logBatch)
    }
  }

  mutating func receiveHeartbeat(
    _ ballot: Ballot, _ chosen: Slot, _ round: UInt64, from sender: VoterID
  ) {
    guard ballot.voter == sender, sender != me else { return }
    see(ballot)
    if ballot < promised { return refuse(ballot, to: sender) }
    guard mayFollow(sender) else { return }
    #if PlantedBugs
      let mayRaise = !PlantedBug.has(.unraisedPromise)
    #else
      let mayRaise = true
    #endif
    if ballot > promised, mayRaise {
      promise(ballot)
      logBatch = outbox.record(.promise(ballot))
    }
    follow(sender)
    if round > 0 {
      let granted = grant(sender, in: round)
      // Of who does not vote only how far it is counts: it may have forgotten what its identity promised.
      outbox.send(
        .echo(ballot, round: isVoter ? round : 0, applied: state.applied, granted: granted),
        to: .voter(sender))
    }
    learn(claim: ballot, through: chosen)
  }

  /// The sender leads.
  private mutating func follow(_ sender: VoterID) {
    if role != .following { stepDown(for: sender) }
    setLeader(sender)
    heardAt = now
    electionAt = now.advanced(by: electionDelay())
  }

  mutating func receiveRefused(_ ballot: Ballot, _ promised: Ballot, from sender: VoterID) {
    see(promised)
    remind(sender, ofMoreThan: promised)
    guard role == .preparing || role == .leading, ballot == lead.ballot, promised > ballot else {
      return
    }
    stepDown(for: nil)
  }
}
