public import Synod

/// Proposals that are to stand in the log, from their opening to their end.
extension Core {
  /// Opens one.
  /// - Returns: why it is not.
  @usableFromInline
  mutating func open(
    _ kind: Entry.Kind, _ payload: Bytes, once: Once?, deadline: Ticks?, importance: Importance,
    slots: ClosedRange<Slot>? = nil, as id: ProposalID?
  ) -> NotApplied? {
    if pending.span >= settings.maxOpenProposals || pending.bytes >= settings.maxWaitingBytes {
      return .overloaded
    }
    if importance == .maintain, role != .leading { return .notLeader(leader) }
    guard let number = reservation.drawNumber() else { return .abandoned(.countersExhausted) }
    let entry = Entry(
      kind, id: EntryID(origin: me, number: number), once: once,
      since: once == nil ? .none : state.applied, slots: slots, payload: payload)
    pending.insert(
      Pending(proposal: id, entry: entry, deadline: deadline, importance: importance), as: number)
    wait(number)
    if let deadline { lookAtPending(at: deadline) }
    return nil
  }

  /// Has a proposal wait for a leader. Those that have ended leave, also where nobody leads.
  private mutating func wait(_ number: UInt64) {
    waiting.append(number)
    if waiting.count > 2 * pending.count + 64 {
      let open = pending
      waiting.keep { open[$0]?.stage == .waiting }
    }
  }

  /// Ends what was proposed as this: `false` where nothing was.
  @usableFromInline
  mutating func cancel(_ id: ProposalID) -> Bool {
    if lead.transfer?.proposal == id {
      lead.transfer?.proposal = nil
      ended.append(Ended(proposal: id, outcome: .unknown(.cancelled)))
      return true
    }
    guard let number = pending.numbers.first(where: { pending[$0]?.proposal == id }) else {
      return false
    }
    end(number, because: .cancelled)
    return true
  }

  /// "Not applied" where it never left, "unknown" where it did.
  mutating func end(_ number: UInt64, because reason: Abandoned) {
    guard let ending = pending.remove(number), let id = ending.proposal else { return }
    ended.append(
      Ended(
        proposal: id,
        outcome: ending.hasLeft ? .unknown(reason) : .notApplied(.abandoned(reason))))
  }

  private mutating func lookAtPending(at time: Ticks) {
    pendingWake = min(pendingWake ?? time, time)
  }

  /// Ends those whose time is over, and hands those over again that came to nothing.
  mutating func lookAtPending() {
    pendingWake = nil
    let retry = settings.retransmitAfter * 2
    for number in pending.numbers {
      guard let one = pending[number] else { continue }
      if let deadline = one.deadline {
        if deadline <= now {
          end(number, because: .deadline)
          continue
        }
        lookAtPending(at: deadline)
      }
      if one.stage == .forwarded {
        if one.sentAt.advanced(by: retry) <= now {
          pending[number]?.stage = .waiting
          wait(number)
        } else {
          lookAtPending(at: one.sentAt.advanced(by: retry))
        }
      }
    }
    dispatch()
  }

  /// Hands what waits to the leader: to this node's own queue, or to another node, one hop (rule 42).
  mutating func dispatch() {
    guard !waiting.isEmpty else { return }
    if role == .leading { return enqueue() }
    guard settings.decorations.delegates, let leader, leader != me else { return }
    var entries: [Entry] = []
    var size = 0
    while let number = waiting.first, reservation.mayLeave(number) {
      waiting.removeFirst()
      guard let one = pending[number], one.stage == .waiting else { continue }
      pending[number]?.stage = .forwarded
      pending[number]?.hasLeft = true
      pending[number]?.sentAt = now
      if size > 0, size + one.entry.size > settings.maxMessageBytes {
        outbox.send(.forward(entries), to: .voter(leader))
        entries.removeAll()
        size = 0
      }
      entries.append(one.entry)
      size += one.entry.size
    }
    if !entries.isEmpty { outbox.send(.forward(entries), to: .voter(leader)) }
    lookAtPending(at: now.advanced(by: settings.retransmitAfter * 2))
  }

  private mutating func enqueue() {
    while let number = waiting.first, reservation.mayLeave(number) {
      waiting.removeFirst()
      guard let one = pending[number], one.stage == .waiting else { continue }
      pending[number]?.stage = .queued
      lead.queue.append(one.entry)
    }
    if lead.queue.count > 2 * (pending.count + lead.handedOver.count) + 64 {
      let (open, mine) = (pending, me)
      lead.queue.keep { $0.id.origin != mine || open[$0.id.number] != nil }
    }
  }

  mutating func receiveForward(_ entries: [Entry], from sender: VoterID) {
    guard role == .leading else {
      outbox.send(.notLeading(leader == me ? nil : leader), to: .voter(sender))
      return
    }
    for entry in entries {
      guard entry.id.origin == sender, entry.kind != .filler, entry.kind != .verify else {
        continue
      }
      guard lead.queue.count < settings.maxOpenProposals,
        lead.handedOverBytes < settings.maxWaitingBytes
      else { return }
      // It is in, but its origin does not know yet.
      if state.origins.contains(entry.id) || !lead.handedOver.insert(entry.id).inserted { continue }
      guard isFirst(entry, of: sender) else {
        lead.handedOver.remove(entry.id)
        continue
      }
      lead.queue.append(entry)
      lead.handedOverBytes += entry.size
    }
  }

  /// A command of one who is no member is void, and applied nowhere: it need stand in the log once, so
  /// that its origin learns of that. Else it would come again and again.
  private mutating func isFirst(_ entry: Entry, of sender: VoterID) -> Bool {
    guard entry.kind != .membership, !state.knows(sender) else { return true }
    if lead.voided.count >= Leadership.mostVoided { lead.voided.removeAll() }
    return lead.voided.insert(entry.id).inserted
  }

  mutating func receiveNotLeading(_ hint: VoterID?, from sender: VoterID) {
    guard role != .leading, leader == sender else { return }
    // Two that name each other would have all that waits handed to and fro without a pause.
    let isPaused = hintedAt.map { now < $0.advanced(by: settings.retransmitAfter) } ?? false
    guard let hint, hint != me, !isPaused else { return setLeader(nil) }
    hintedAt = now
    setLeader(hint)
  }

  /// What another had was in vain, perhaps: it goes to the next leader, under the same name.
  mutating func takeBackForwarded() {
    guard !pending.isEmpty else { return }
    for number in pending.numbers where pending[number]?.stage == .forwarded {
      pending[number]?.stage = .waiting
      wait(number)
    }
    dispatch()
  }

  /// This node leads no more.
  mutating func loseLeadership() {
    for number in pending.numbers {
      guard let one = pending[number] else { continue }
      if one.importance == .maintain {
        // Also what this machine asked for itself.
        guard pending.remove(number) != nil, let id = one.proposal else { continue }
        ended.append(
          Ended(
            proposal: id,
            outcome: one.hasLeft
              ? .unknown(.leadershipLost) : .notApplied(.notLeader(leader))))
      } else if one.stage == .queued {
        pending[number]?.stage = .waiting
        wait(number)
      }
    }
    dispatch()
  }

  /// This node's entry of this number was applied, or is void.
  @usableFromInline
  mutating func close(_ id: EntryID) -> ProposalID? {
    guard id.origin == me else { return nil }
    return pending.remove(id.number)?.proposal
  }
}
