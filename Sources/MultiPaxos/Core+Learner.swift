internal import Synod

/// What a node asks others for when it lacks entries (rules 16, 17).
@usableFromInline
struct CatchUp: Hashable, Sendable {
  /// A snapshot that comes piece by piece.
  struct Incoming: Hashable, Sendable {
    var from: VoterID
    /// None until the first piece is there.
    var slot: Slot
    var next: UInt32
    /// The first that was not asked for yet.
    var wanted: UInt32 = 1
    var tries: UInt64 = 0

    /// Pieces that are on their way at once, so that a long way does not make it slow.
    static let mostAhead = 8
  }

  /// When to ask.
  var due: Ticks?
  var tries = 0
  var incoming: Incoming?

  init() {}
}

/// The learner (rules 13, 15, 17, 35).
extension Core {
  /// Somebody knows all slots up to this one to be chosen.
  mutating func knowChosen(_ slot: Slot) {
    guard slot > knownChosen else { return }
    knownChosen = slot
    noteGap()
  }

  /// The sender holds all up to this slot. Those that this node would ask may all be gone: of a stranger
  /// that knows more, it asks at once.
  mutating func knowChosen(_ slot: Slot, by sender: VoterID) {
    knowChosen(slot)
    if slot > chosenThrough, !state.schedule.members.contains(where: { $0.voter == sender }) {
      askForEntries(of: sender)
    }
  }

  /// Has it ask for what it lacks, unless that comes of itself meanwhile. The oldest gap counts.
  mutating func noteGap() {
    guard settings.decorations.catchesUp, knownChosen > chosenThrough, catchUp.due == nil else {
      return
    }
    catchUp.tries = 0
    catchUp.due = now.advanced(by: max(settings.retransmitAfter / 4, 1))
  }

  /// A leader of this ballot says that all slots up to `slot` are chosen. What this node accepted
  /// there at that very ballot is what was chosen: one ballot carries one entry, and a leader that
  /// learns of another steps down before it says so. What was accepted at a lower one may not be
  /// chosen; nor at a higher one (rule 13 allows that), for the leader may have learned of a slot that
  /// was chosen at a higher ballot still.
  mutating func learn(claim ballot: Ballot, through slot: Slot) {
    guard slot <= Slot.limit else { return }
    if slot > claim.through {
      claim = Claim(
        ballot: ballot, through: slot, marked: max(claim.marked, chosenThrough))
    }
    var next = max(claim.marked, chosenThrough).next
    while next <= claim.through, log.has(next) {
      if let cell = log.cell(next), isClaimed(cell) { log.choose(next) }
      claim.marked = next
      next = next.next
    }
    advance()
    knowChosen(slot)
    noteGap()
  }

  /// Whether it was accepted at the ballot of the claim.
  private func isClaimed(_ cell: EntryLog.Cell) -> Bool {
    #if PlantedBugs
      if PlantedBug.has(.claimOfAnyBallot), !cell.ballot.isZero { return true }
    #endif
    return cell.ballot == claim.ballot
  }

  /// Goes on to the last slot that is chosen and held, without a gap.
  mutating func advance() {
    flushProposals()
    while true {
      let next = chosenThrough.next
      guard let cell = log.cell(next) else { break }
      if !cell.isChosen {
        guard next <= claim.through, isClaimed(cell) else { break }
        log.choose(next)
      }
      chosenThrough = next
    }
    knownChosen = max(knownChosen, chosenThrough)
    if role == .leading { leaveLearned() }
    if chosenThrough >= knownChosen, catchUp.incoming == nil { catchUp.due = nil }
  }

  // MARK: Asking

  mutating func askForEntries() {
    catchUp.tries += 1
    guard catchUp.incoming == nil else { return askAgain() }
    guard knownChosen > chosenThrough else {
      catchUp.due = nil
      return
    }
    let isLeader = leader != nil && leader != me && catchUp.tries <= 2
    guard let target = isLeader ? leader : anyone() else { return catchUp.due = nil }
    askForEntries(of: target)
  }

  mutating func askForEntries(of voter: VoterID) {
    guard settings.decorations.catchesUp, voter != me, catchUp.incoming == nil else { return }
    outbox.send(.fetch(from: chosenThrough.next), to: .voter(voter))
    catchUp.due = now.advanced(by: settings.retransmitAfter)
  }

  /// Any other node that takes part in a slot which this one has not applied. Those who left may know
  /// what nobody else knows of slots before that (rule 21).
  mutating func anyone() -> VoterID? {
    let others = state.schedule.members.map(\.voter).filter { $0 != me }
    return others.isEmpty ? nil : others[Int(random.next() % UInt64(others.count))]
  }

  /// Nothing came: asks for the next piece of a snapshot again, ever more seldom, and gives it up in the
  /// end. Whoever gives it may be busy or connect anew, and to begin again may take long.
  private mutating func askAgain() {
    guard let tries = catchUp.incoming?.tries, tries < 8 else {
      catchUp.incoming = nil
      catchUp.due = now.advanced(by: settings.retransmitAfter)
      return
    }
    catchUp.incoming?.tries += 1
    askAgainForPieces()
    catchUp.due = now.advanced(by: min(settings.retransmitAfter << tries, longestPause))
  }

  /// Asks for the next piece, and for those behind it when that has come.
  mutating func askAgainForPieces() {
    guard let incoming = catchUp.incoming else { return }
    catchUp.incoming?.wanted = incoming.next
    askForPieces(ahead: 1)
  }

  /// Asks for as many pieces as may be on their way.
  mutating func askForPieces(ahead: Int = CatchUp.Incoming.mostAhead) {
    guard var incoming = catchUp.incoming else { return }
    while incoming.wanted - incoming.next < UInt32(ahead), incoming.wanted < .max {
      outbox.send(
        .fetchPiece(slot: incoming.slot, index: incoming.wanted), to: .voter(incoming.from))
      incoming.wanted += 1
    }
    catchUp.incoming = incoming
    catchUp.due = now.advanced(by: settings.retransmitAfter)
  }

  /// Records that what is applied is chosen: after a restart nobody need be asked (rule 35).
  mutating func recordChosen() {
    guard hinted < state.applied else { return }
    hinted = state.applied
    hintBatch = outbox.record(.chosen(through: hinted))
  }

  // MARK: Answering

  mutating func receiveFetch(_ from: Slot, from sender: VoterID) {
    guard sender != me, from > .none else { return }
    goOnKeeping(from: from, for: sender)
    guard from <= chosenThrough else { return knowChosen(from.previous, by: sender) }
    guard from >= log.first else {
      return outbox.send(.compacted(through: state.applied), to: .voter(sender))
    }
    var last = from
    var size = log[from].entry.size
    while last < chosenThrough, size + log[last.next].entry.size <= settings.maxMessageBytes {
      last = last.next
      size += log[last].entry.size
    }
    let entries = log.entries(from: from, to: last)
    outbox.send(.entries(first: from, entries, chosen: chosenThrough), to: .voter(sender))
  }

  mutating func receiveEntries(
    _ first: Slot, _ entries: [Entry], _ chosen: Slot, from sender: VoterID
  ) {
    let before = chosenThrough
    // What stands in the log from here on stands in a record, too.
    flushProposals()
    stepDownIfOverruled(by: entries, from: first)
    var learned: [Entry] = []
    for (offset, entry) in entries.enumerated() {
      let slot = first.advanced(by: UInt64(offset))
      guard slot == chosenThrough.next, isOpenToWrite(slot) else { continue }
      if let cell = log.cell(slot), cell.entry == entry {
        // What it has accepted is what was chosen: that stands in a record already.
        recordLearned(&learned, through: slot)
        log.choose(slot)
      } else {
        if let cell = log.cell(slot), cell.isChosen { return stop(.machineStopped) }
        log.put(EntryLog.Cell(.zero, entry, isChosen: true), at: slot)
        learned.append(entry)
      }
      chosenThrough = slot
    }
    recordLearned(&learned, through: chosenThrough.next)
    statistics.fetched += chosenThrough.rawValue - before.rawValue
    let isNews = chosenThrough > before
    if isNews { catchUp.tries = 0 }
    knowChosen(chosen)
    advance()
    if isNews, knownChosen > chosenThrough { askForEntries(of: sender) }
  }

  /// What this leader proposed is not what was chosen there: it was overruled by another, and must not
  /// say under its own ballot that those slots are chosen.
  private mutating func stepDownIfOverruled(by entries: [Entry], from first: Slot) {
    guard role == .leading else { return }
    for (offset, entry) in entries.enumerated() {
      let slot = first.advanced(by: UInt64(offset))
      guard slot > chosenThrough, let cell = log.cell(slot) else { continue }
      if cell.ballot == lead.ballot, cell.entry != entry { return stepDown(for: nil) }
    }
  }

  /// Records what was learned before this slot.
  private mutating func recordLearned(_ learned: inout [Entry], through slot: Slot) {
    guard !learned.isEmpty else { return }
    let first = Slot(slot.rawValue - UInt64(learned.count))
    logBatch = outbox.record(.learned(first: first, learned))
    learned.removeAll()
  }

  mutating func receiveCompacted(_ through: Slot, from sender: VoterID) {
    guard through > chosenThrough, catchUp.incoming == nil, settings.decorations.catchesUp else {
      return
    }
    knowChosen(through)
    catchUp.incoming = CatchUp.Incoming(from: sender, slot: .none, next: 0)
    askAgain()
  }
}
