internal import MultiPaxos
internal import Synod

/// What the chosen log means: one sequential copy of all that nodes replicate, with every state that
/// there was. Plain tables without bounds, where the machine's are bounded.
struct LogModel<App: ReplicatedState>
where App.Answer: Hashable & Sendable, App.Event: Hashable {
  /// What an entry came to.
  enum Meaning {
    /// It fills a gap, or was applied before, or its origin is no member.
    case nothing
    case command(Bytes, App.Outcome)
    /// The client's command had been applied before.
    case again(App.Outcome, at: Slot)
    case outdated
    case membership(Membership, from: Slot)
    case refused(MembershipRefusal)
    case lease(LeaseOutcome)
    case barrier
    case verify
  }

  /// A lease that was given back, or was over.
  struct Ending {
    let slot: Slot
    let name: Bytes
    let lease: Lease
  }

  private struct Kept {
    var sequence: UInt64
    var slot: Slot
    var outcome: App.Outcome
  }

  private(set) var schedule: Schedule
  /// By slots; that of the slot zero is the state before all.
  private(set) var states = [App()]
  private(set) var digests: [UInt64]
  private(set) var meanings: [Meaning] = [.nothing]
  private(set) var leases: [Bytes: Lease] = [:]
  /// What nodes are told of a slot, and up to each slot the last of which they are told anything.
  private(set) var events: [Slot: App.Event] = [:]
  private(set) var lastEvents = [Slot.none]
  /// In the order of their slots.
  private(set) var endings: [Ending] = []
  private var seen: Set<EntryID> = []
  /// By origin, the highest number that was applied. Far below it everything counts as applied: what an
  /// earlier life had on its way.
  private var highest: [VoterID: UInt64] = [:]
  private static var width: UInt64 { 1 << 16 }
  private var clients: [Identity128: Kept] = [:]
  /// Entries that stood in a slot behind another.
  private(set) var repeated: UInt64 = 0

  init(_ schedule: Schedule) {
    self.schedule = schedule
    digests = [states[0].digest]
  }

  var applied: Slot { Slot(UInt64(states.count - 1)) }

  func state(after slot: Slot) -> App? {
    slot <= applied ? states[Int(slot.rawValue)] : nil
  }

  func meaning(of slot: Slot) -> Meaning? {
    slot <= applied ? meanings[Int(slot.rawValue)] : nil
  }

  /// Applies the next slot.
  mutating func apply(_ entry: Entry) -> Meaning {
    let slot = applied.next
    if schedule.items.count > 1 { schedule.forget(through: slot) }
    var state = states[states.count - 1]
    let meaning = meaning(of: entry, in: slot, &state)
    states.append(state)
    digests.append(state.digest)
    meanings.append(meaning)
    lastEvents.append(events[slot] == nil ? lastEvents[lastEvents.count - 1] : slot)
    return meaning
  }

  /// The last slot up to this one of which nodes are told something.
  func lastEvent(through slot: Slot) -> Slot { lastEvents[Int(min(slot, applied).rawValue)] }

  /// How many leases ended up to a slot.
  func endings(through slot: Slot) -> Int {
    endings.count { $0.slot <= slot }
  }

  private mutating func meaning(of entry: Entry, in slot: Slot, _ state: inout App) -> Meaning {
    if entry.kind == .filler { return .nothing }
    let isMember = schedule.items.contains { $0.membership.member(entry.id.origin) != nil }
    if !isMember && entry.kind != .membership { return .nothing }
    if isMember {
      let last = highest[entry.id.origin] ?? 0
      let isOld = last >= entry.id.number + Self.width
      if isOld || !seen.insert(entry.id).inserted {
        repeated += 1
        return .nothing
      }
      highest[entry.id.origin] = max(last, entry.id.number)
    }
    if let slots = entry.slots, !slots.contains(slot) { return .nothing }
    var reader = ByteReader(entry.payload)
    switch entry.kind {
    case .filler: return .nothing
    case .barrier: return .barrier
    case .verify: return .verify
    case .command: return command(entry, in: slot, &state)
    case .membership:
      guard let change = try? MembershipChange(from: &reader) else { return .refused(.malformed) }
      do {
        let item = try schedule.apply(change, at: slot)
        return .membership(item.membership, from: item.from)
      } catch {
        return .refused(error)
      }
    case .lease:
      guard let request = try? LeaseRequest(from: &reader) else { return .lease(.malformed) }
      return .lease(lease(request, in: slot))
    }
  }

  private mutating func command(_ entry: Entry, in slot: Slot, _ state: inout App) -> Meaning {
    if let once = entry.once, let kept = clients[once.client], once.sequence <= kept.sequence {
      return once.sequence == kept.sequence ? .again(kept.outcome, at: kept.slot) : .outdated
    }
    var reader = ByteReader(entry.payload)
    guard let command = try? App.Command(from: &reader) else { return .nothing }
    let (outcome, event) = state.apply(command, at: ApplyContext(position: slot.rawValue))
    events[slot] = event
    if let once = entry.once {
      clients[once.client] = Kept(sequence: once.sequence, slot: slot, outcome: outcome)
    }
    return .command(entry.payload, outcome)
  }

  private mutating func lease(_ request: LeaseRequest, in slot: Slot) -> LeaseOutcome {
    switch request {
    case .take(let name, let holder, let ticks):
      if let held = leases[name], held.holder != holder { return .taken(held) }
      let fence = leases[name]?.fence ?? slot
      let lease = Lease(holder: holder, fence: fence, version: slot, ticks: ticks)
      leases[name] = lease
      return .held(lease)
    case .refresh(let name, let fence):
      guard var held = leases[name], held.fence == fence else { return .lost }
      held.version = slot
      leases[name] = held
      return .held(held)
    case .release(let name, let fence):
      guard let held = leases[name], held.fence == fence else { return .lost }
      return end(held, name, in: slot)
    case .expire(let name, let version):
      guard let held = leases[name], held.version == version else { return .lost }
      return end(held, name, in: slot)
    }
  }

  private mutating func end(_ lease: Lease, _ name: Bytes, in slot: Slot) -> LeaseOutcome {
    leases[name] = nil
    endings.append(Ending(slot: slot, name: name, lease: lease))
    return .ended
  }
}
