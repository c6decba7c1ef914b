internal import Synod

/// What is applied of entries that are not commands, and the bookkeeping of those that are.
extension Core {
  /// What the machine is to do with an entry.
  @usableFromInline
  enum Step: Hashable, Sendable {
    /// Nothing more.
    case done
    /// Apply the command.
    case command
    /// Compare states.
    case verify
  }

  /// Whether there is a slot to apply.
  @usableFromInline var hasUnapplied: Bool { state.applied < chosenThrough && stopped == nil }

  @usableFromInline var nextEntry: Entry { log[state.applied.next].entry }

  /// Applies the next slot as far as it is the machine's own.
  @usableFromInline
  mutating func beginApplying(_ entry: Entry) -> Step {
    let slot = state.applied.next
    state.applied = slot
    retained += entry.size
    statistics.applied += 1
    if state.schedule.items.count > 1 { passSchedule(slot) }
    guard entry.kind != .filler else {
      statistics.fillers += 1
      return .done
    }
    guard isValid(entry) else { return .done }
    if let slots = entry.slots, !slots.contains(slot) {
      refuse(entry.id, .outsideSlots(slot))
      return .done
    }
    switch entry.kind {
    case .command: return .command
    case .verify: return .verify
    case .membership: applyMembership(entry, at: slot)
    case .lease: applyLease(entry, at: slot)
    case .barrier:
      if let id = close(entry.id) { ended.append(Ended(proposal: id, outcome: .passed(slot))) }
    case .filler: break
    }
    return .done
  }

  /// Memberships that count for no slot to come are forgotten.
  private mutating func passSchedule(_ slot: Slot) {
    let before = state.schedule.items.count
    state.schedule.forget(through: slot)
    guard state.schedule.items.count < before else { return }
    let schedule = state.schedule
    state.origins.keep { voter in
      schedule.items.contains { $0.membership.member(voter) != nil }
    }
    // Nobody has to do any more with those who were members before only.
    let newest = schedule.newest
    if started, schedule.items.count == 1 {
      notes.append(.membership(newest.membership, from: newest.from))
    }
    noteRetirement()
    // Before the others hear that this counts: they hang up on one who is a member no more.
    if role == .leading, settings.decorations.sendsHeartbeats { leaveIfRemoved() }
  }

  /// Entries of those who are no members are void, and so are those that were applied before
  /// (rule 14). Who wants to be a member may say so: that names an identity, which is given once.
  private mutating func isValid(_ entry: Entry) -> Bool {
    if !lead.handedOver.isEmpty { lead.handedOver.remove(entry.id) }
    guard state.knows(entry.id.origin) else {
      if entry.kind == .membership { return true }
      // It is void here, and may stand in another slot in which its origin is a member.
      if let id = close(entry.id) {
        ended.append(Ended(proposal: id, outcome: .unknown(.notAMember)))
      }
      return false
    }
    #if PlantedBugs
      if PlantedBug.has(.appliedTwice), entry.kind == .command { return true }
    #endif
    if state.origins.insert(entry.id) { return true }
    statistics.repeated += 1
    return false
  }

  private mutating func refuse(_ id: EntryID, _ reason: NotApplied) {
    if let proposal = close(id) {
      ended.append(Ended(proposal: proposal, outcome: .notApplied(reason)))
    }
  }

  private mutating func applyMembership(_ entry: Entry, at slot: Slot) {
    var reader = ByteReader(entry.payload)
    guard let change = try? MembershipChange(from: &reader), reader.isAtEnd else {
      return refuse(entry.id, .refused(.malformed))
    }
    let item: Schedule.Item
    do {
      item = try state.schedule.apply(change, at: slot)
    } catch {
      if !state.knows(entry.id.origin), let id = close(entry.id) {
        // Of those who are no members it is not remembered what was applied: it may stand again.
        ended.append(Ended(proposal: id, outcome: .unknown(.notAMember)))
      }
      return refuse(entry.id, .refused(error))
    }
    adopt()
    // A leader needs the promises of those who are new (rule 7).
    if role == .leading { lead.retransmitAt = now }
    if started { notes.append(.membership(item.membership, from: item.from)) }
    if let id = close(entry.id) {
      ended.append(
        Ended(proposal: id, outcome: .membership(item.membership, from: item.from)))
    }
  }

  private mutating func applyLease(_ entry: Entry, at slot: Slot) {
    var reader = ByteReader(entry.payload)
    guard let request = try? LeaseRequest(from: &reader), reader.isAtEnd else {
      return closeLease(entry.id, .malformed, at: slot)
    }
    let (outcome, over) = state.leases.apply(request, at: slot)
    if case .held(let lease) = outcome { time(lease, request.name) }
    keep(request, outcome, over: over, asked: entry.id)
    if let over, started { notes.append(.leaseEnded(over.name, over.lease)) }
    closeLease(entry.id, outcome, at: slot)
  }

  private mutating func closeLease(_ id: EntryID, _ outcome: LeaseOutcome, at slot: Slot) {
    if let proposal = close(id) {
      ended.append(Ended(proposal: proposal, outcome: .lease(outcome, at: slot)))
    }
  }

  /// Drops applied entries that are too many to be kept for others.
  @usableFromInline
  mutating func trim() {
    let kept = Int(state.applied.next.rawValue - log.first.rawValue)
    var last = log.first.previous
    var count = kept
    guard count > settings.maxRetained || retained > settings.maxRetainedBytes else { return }
    let keeping = firstToKeep
    while count > 0, count > settings.maxRetained || retained > settings.maxRetainedBytes {
      if last >= keeping.previous, retained <= mostKept { break }
      last = last.next
      retained -= log[last].entry.size
      count -= 1
    }
    if last >= log.first { log.drop(through: last) }
  }
}

extension LeaseRequest {
  var name: Bytes {
    switch self {
    case .take(let name, _, _), .refresh(let name, _), .release(let name, _),
      .expire(let name, _):
      name
    }
  }
}
