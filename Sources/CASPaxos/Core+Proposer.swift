public import Synod

/// The proposer's side of a round: what it sends (rules 10, 11, 17 to 19 and 26).
extension Core {
  /// The round of `key`: the open one, or a new one in a free slot.
  @usableFromInline
  mutating func openRound(_ key: Bytes, hash: UInt64) -> (slot: Int, isNew: Bool) {
    let place = table.findOrInsert(key, hash: hash)
    if table[place].round >= 0 { return (Int(table[place].round), false) }
    let slot: Int
    if let free = freeSlots.popLast() {
      slot = Int(free)
    } else {
      slot = rounds.count
      rounds.append(Round())
      alarms.append(Ticks(.max))
    }
    table[place].round = Int32(slot)
    // Whoever came while nothing was wanted here came in turn, and did not duel.
    table[place].rivals = VoteSet()
    // Not the table's own, whose memory nobody has looked at for long.
    rounds[slot].key = key.compacted()
    rounds[slot].hash = hash
    rounds[slot].isReserved = hash == members.hash && key == Membership.key
    rounds[slot].place = place
    rounds[slot].placedAt = table.removals
    rounds[slot].failures = 0
    rounds[slot].mustPrepare = false
    rounds[slot].deadline = nil
    advance(slot, to: .idle)
    return (slot, true)
  }

  /// Nothing waits for the register any more.
  @usableFromInline
  mutating func closeRound(_ slot: Int) {
    let place = cell(of: slot)
    let key = table[place].key
    table[place].round = -1
    if table[place].isBlank { table.remove(place) }
    advance(slot, to: .free)
    rounds[slot].isCollecting = false
    rounds[slot].key = Bytes()
    rounds[slot].base = .blank
    rounds[slot].deadline = nil
    freeSlots.append(Int32(slot))
    if settings.collectsAtOnce { collectAtOnce(key) }
  }

  mutating func advance(_ slot: Int, to phase: Round.Phase) {
    rounds[slot].advance(to: phase)
  }

  /// The cell of the slot's register, which is there as long as the round is open.
  mutating func cell(of slot: Int) -> RegisterTable.Place {
    if rounds[slot].placedAt != table.removals {
      rounds[slot].place = table.findOrInsert(rounds[slot].key, hash: rounds[slot].hash)
      rounds[slot].placedAt = table.removals
    }
    return rounds[slot].place
  }

  /// A ballot for the slot; where none is durable yet, the slot waits for one.
  private mutating func drawBallot(_ slot: Int) -> Ballot? {
    let ballot = ballots.draw()
    reserveIfNeeded()
    if ballot == nil {
      advance(slot, to: .starved)
      if ballots.isExhausted {
        direct(slot, .exhausted)
      } else if !starved.contains(Int32(slot)) {
        starved.append(Int32(slot))
      }
    }
    return ballot
  }

  /// Asks for promises on a new ballot, which is consumed by that.
  @usableFromInline
  mutating func startPrepare(_ slot: Int) {
    // This node's acceptor has heard of its rivals' ballots meanwhile: a lower one would only be
    // refused, and after every wait again.
    ballots.raise(to: max(table[cell(of: slot)].promised, floor))
    disarm(slot)
    // Also where it has to wait for a ballot: it would look at the register again, spend the ballot on
    // that, and where few are reserved at once do so for ever.
    rounds[slot].mustPrepare = true
    guard let ballot = drawBallot(slot) else { return }
    rounds[slot].mustPrepare = false
    statistics.prepares += 1
    begin(.preparing, slot, ballot)
    rounds[slot].base = .blank
    emit(slot)
  }

  /// A prepare of one's own outranks the promise kept for the next round.
  private mutating func disarm(_ slot: Int) {
    rounds[slot].withoutPrepare = false
    table[cell(of: slot)].armed = .zero
  }

  /// Asks for the accepted states, under a name drawn as ballots are: never used in another life.
  @usableFromInline
  mutating func startRead(_ slot: Int) {
    guard let name = drawBallot(slot) else { return }
    begin(.reading, slot, name)
    rounds[slot].base = .blank
    emit(slot)
  }

  /// Gives up the promise kept for this round, before the accept that uses it is sent: left in place,
  /// it would be used again after a failure and carry a second value (Gryadka's lost update).
  @usableFromInline
  mutating func consumeArmed(_ slot: Int) {
    rounds[slot].withoutPrepare = true
    #if PlantedBugs
      if PlantedBug.has(.reusedBallot) { return }
    #endif
    table[cell(of: slot)].armed = .zero
  }

  /// The ballot that an accept quorum promised ahead and the state that it then held, if nothing has
  /// come between.
  @usableFromInline
  mutating func armedBase(_ slot: Int) -> (ballot: Ballot, state: RegisterState)? {
    let place = cell(of: slot)
    let armed = table[place].armed
    // Promises of an older epoch count no more.
    return armed.isZero || armed.epoch != configuration.epoch ? nil : (armed, table[place].state)
  }

  /// Asks to accept `state` at `ballot`, and for the promise of the round after it where this node
  /// has the register to itself.
  @usableFromInline
  mutating func startAccept(_ slot: Int, ballot: Ballot, state: RegisterState) {
    var next = Ballot.zero
    if let after = settings.piggybackAfter, !rounds[slot].isReserved, !rounds[slot].isCollecting,
      table[cell(of: slot)].streak >= after
    {
      next = ballots.draw() ?? .zero
      reserveIfNeeded()
    }
    begin(.accepting, slot, ballot)
    rounds[slot].base = state
    rounds[slot].next = next
    emit(slot)
  }

  private mutating func begin(_ phase: Round.Phase, _ slot: Int, _ ballot: Ballot) {
    let time = now.advanced(by: settings.retransmitAfter)
    rounds[slot].begin(phase, ballot, retransmitAt: time)
    rounds[slot].sentAt = now
    wakeUp(slot, by: time)
  }

  /// What the slot's attempt asks; nil between attempts. Inlined: a call would copy all of this.
  @inline(__always)
  private func request(of slot: Int) -> Message? {
    #if PlantedBugs
      if PlantedBug.has(.sharedBallot) {
        var message = rounds[slot].request(UInt32(slot))
        message?.ballot = ballots.drawnLast
        return message
      }
    #endif
    return rounds[slot].request(UInt32(slot))
  }

  /// To every voter; to this node's own acceptor directly.
  private mutating func emit(_ slot: Int) {
    guard let message = request(of: slot) else { return }
    if configuration.voters.count > (place == nil ? 0 : 1) {
      outbox.messages.append(Envelope(to: .peers, message: message))
    }
    receiveRequest(message, from: settings.voter, at: cell(of: slot))
  }

  /// The slot's time has come: back off no longer, give up what cannot settle, or send again.
  mutating func awake(_ slot: Int) {
    switch rounds[slot].phase {
    case .free, .idle, .starved: break
    case .backingOff:
      advance(slot, to: .idle)
      direct(slot, .resume)
    case .reading where isPrepareQuorum(rounds[slot].votes, for: slot):
      direct(slot, .readUnsettled)
    case .preparing where rounds[slot].waitsUntil.map { $0 <= now } ?? false:
      direct(slot, .promised)
    case .preparing where !rounds[slot].refused.isEmpty && rounds[slot].waitsUntil == nil,
      .accepting where !rounds[slot].refused.isEmpty:
      fail(slot)
    case .reading, .preparing, .accepting:
      sendAgain(slot)
    }
  }

  private mutating func sendAgain(_ slot: Int) {
    if now >= rounds[slot].retransmitAt, let message = request(of: slot) {
      statistics.retransmissions += 1
      let (votes, refused) = (rounds[slot].votes, rounds[slot].refused)
      for (place, voter) in configuration.voters.enumerated()
      where voter != settings.voter && !votes.contains(place) && !refused.contains(place) {
        outbox.messages.append(Envelope(to: .voter(voter), message: message))
      }
      rounds[slot].retransmitAt = now.advanced(by: settings.retransmitAfter)
    }
    rounds[slot].wake = rounds[slot].retransmitAt
    scheduleWake(slot)
  }

  /// Ends the attempt. A prepare had no effect; what an accept had is to be looked into.
  mutating func fail(_ slot: Int) {
    switch rounds[slot].phase {
    case .preparing, .reading:
      direct(slot, .failed)
    case .accepting:
      statistics.resolutions += 1
      direct(slot, .ambiguous)
    case .free, .idle, .backingOff, .starved: break
    }
  }

  /// Whether the slot must wait, because the register is left to another proposer.
  @usableFromInline
  mutating func rests(_ slot: Int) -> Bool {
    let until = table[cell(of: slot)].restUntil
    guard until > now else { return false }
    advance(slot, to: .backingOff)
    rounds[slot].wake = until
    wakeUp(slot, by: until)
    return true
  }

  /// Waits before the next attempt: not after the first failure, then a random time that doubles
  /// (duelling proposers make progress because one of them draws the longer time), in proportion to
  /// how long a round trip takes and to how many duel.
  @usableFromInline
  mutating func backOff(_ slot: Int) {
    let failures = min(rounds[slot].failures, 32)
    rounds[slot].failures = failures + 1
    if failures == 0 || settings.backoff == 0 {
      advance(slot, to: .idle)
      return direct(slot, .resume)
    }
    let rivals = UInt64(max(table[cell(of: slot)].rivals.count, 1))
    let longest = min(
      rivals * (settings.backoff + trip) << UInt64(min(failures - 1, 3)),
      max(settings.maxBackoff, min(8 * rivals * trip, longestWait)))
    advance(slot, to: .backingOff)
    rounds[slot].wake = now.advanced(by: 1 + random.next() % longest)
    scheduleWake(slot)
  }
}
