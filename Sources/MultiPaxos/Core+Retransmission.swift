internal import Synod

/// What a leader sends a second time (rule 12: a slot is chosen once enough have it).
extension Core {
  /// Sends again what was not chosen for too long, to those whose vote is missing: as much as one
  /// message holds. The rest follows when that is chosen, so that a slow link is not flooded.
  mutating func retransmit() {
    guard lead.base < lead.unsent else { return }
    let due = Ticks(now.rawValue - min(now.rawValue, settings.retransmitAfter))
    let end = endOfRetransmission(sentBefore: due)
    var asked: [VoterID] = []
    for item in windowItems {
      for voter in configuration(item).voters where !asked.contains(voter) {
        asked.append(voter)
        if voter != me || settings.voting != nil && promised == lead.ballot {
          retransmit(to: voter, before: end, sentBefore: due)
        }
      }
    }
    var index = 0
    while lead.base.advanced(by: UInt64(index)) < end {
      if lead.votes[index].sentAt <= due { lead.votes[index].sentAt = now }
      index += 1
    }
    lead.sendsAgainFrom = end < lead.unsent ? end : nil
  }

  private func isDue(_ slot: Slot, sentBefore due: Ticks) -> Bool {
    let vote = lead.votes[Int(slot.rawValue - lead.base.rawValue)]
    return !vote.isChosen && vote.sentAt <= due
  }

  /// The slot behind those that are sent again at once. A run of slots costs something by itself, so
  /// that they are not too many messages either.
  private func endOfRetransmission(sentBefore due: Ticks) -> Slot {
    var slot = lead.base
    var size = 0
    var isInRun = false
    while slot < lead.unsent {
      let isNext = isDue(slot, sentBefore: due)
      if isNext {
        let cost = log[slot].entry.size + (isInRun ? 0 : settings.maxMessageBytes / 16)
        if size > 0, size + cost > settings.maxMessageBytes { return slot }
        size += cost
      }
      isInRun = isNext
      slot = slot.next
    }
    return slot
  }

  private mutating func retransmit(
    to voter: VoterID, before end: Slot, sentBefore due: Ticks
  ) {
    var slot = lead.base
    var run: Slot?
    while slot < end {
      if isDue(slot, sentBefore: due), lacksVote(of: voter, in: slot) {
        run = run ?? slot
      } else if let first = run {
        sendAgain(from: first, to: slot.previous, voter)
        run = nil
      }
      slot = slot.next
    }
    if let first = run { sendAgain(from: first, to: end.previous, voter) }
  }

  private func lacksVote(of voter: VoterID, in slot: Slot) -> Bool {
    guard let place = state.schedule.configuration(at: slot).place(of: voter) else { return false }
    return !lead.votes[Int(slot.rawValue - lead.base.rawValue)].votes.contains(place)
  }

  private mutating func sendAgain(from first: Slot, to last: Slot, _ voter: VoterID) {
    if voter == me { return voteForOwn(from: first, to: last, after: logBatch) }
    let entries = log.entries(from: first, to: last)
    statistics.retransmissions += UInt64(entries.count)
    outbox.send(.accept(accept(entries, at: first)), to: .voter(voter))
  }
}
