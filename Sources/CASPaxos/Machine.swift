public import Synod

/// CASPaxos (Rystsov 2018): registers changed by functions, one consensus for each key, no log and no
/// leader.
///
/// A machine is proposer and acceptor of many registers at once. It is deterministic: no clock, no
/// randomness but its seed, no IO. See `ConsensusMachine` for what holds of it.
///
/// Rules are cited by the numbers used throughout this module:
/// a ballot carries one value, ever (3); a promise or an acceptance is durable before it is told (5,
/// 6); a round asks a prepare quorum, changes the state of the highest ballot that it saw, and asks
/// an accept quorum (10, 11); a promise asked for together with an acceptance saves the next round
/// its prepare, and is used once (17 to 19); a read is answered from one round trip where those who
/// answer agree (26), and so is a list of the registers; a refusal of a change is told only on a settled state (29); changes that wait
/// for one register are folded into one round (30).
///
/// **What becomes of an accept that ends without an answer.** The proposer looks: it prepares again
/// and asks whether the state that it finds descends from the lost ballot (`RegisterState.lineage`).
/// If so, the changes are in, and it writes that state back; if not, it applies them again to what
/// it found: once the new ballot is chosen, the lost one can never be. So a change has its effect
/// once, whatever duels there are, and "unknown" is left for those whose time runs out meanwhile.
public struct Machine<C: Change>: ConsensusMachine {
  /// What it is made from.
  public typealias Settings = CASPaxos.Settings
  /// What a client asks of a register.
  public typealias Proposal = CASPaxos.Proposal<C>
  /// What machines say to each other.
  public typealias Message = CASPaxos.Message
  /// What must survive a crash.
  public typealias Record = CASPaxos.Record
  /// How a proposal ended.
  public typealias Completion = CASPaxos.Completion<C>
  /// What is asked of whoever drives it.
  public typealias Effect = CASPaxos.Effect

  @usableFromInline var core: Core
  /// By the slots of the core's rounds.
  @usableFromInline var folds: [Fold<C>] = []
  @usableFromInline var completed: [Completion] = []
  /// Proposals that have not ended.
  public var openProposals: Int { open }
  @usableFromInline var open = 0
  /// Rounds' work of the machine's own that has not ended.
  @usableFromInline var openTasks = 0
  /// The slot of the last cancelled proposal.
  @usableFromInline var lastCancelled = 0

  /// One made of its parts.
  public init(_ settings: Settings) {
    core = Core(settings.clamped)
  }

  /// What it has done since it was made.
  public var statistics: Statistics { core.statistics }
  /// The configuration that it votes in.
  public var configuration: Configuration { core.configuration }
  /// What it was made from, within its bounds.
  public var settings: Settings { core.settings }
  /// Why it stopped for good; nil while it runs.
  public var stopped: Abandoned? { core.stopped }
  /// Replies that wait for the store.
  public var heldReplies: Int { core.outbox.heldCount }
  /// Registers that its acceptor holds.
  public var registerCount: Int { core.table.count }
  /// What its acceptor has promised on every register that it does not hold.
  public var floor: Ballot { core.floor }

  /// What this node's acceptor holds of a register, durable or not: for tests and people.
  public func acceptorState(
    of key: Bytes
  ) -> (promised: Ballot, accepted: Ballot, state: RegisterState)? {
    guard let place = core.table.find(key, hash: core.table.hash(key)) else { return nil }
    let cell = core.table[place]
    return (cell.promised, cell.accepted, cell.state)
  }

  // MARK: Inputs

  /// Says what time it is, in ticks; first in every turn.
  @inlinable
  public mutating func tick(to now: Ticks) {
    guard core.stopped == nil else { return }
    core.startIfNeeded(at: now)
    core.tick(to: now)
    settle()
  }

  /// Opens a proposal, or ends it at once where it cannot be taken.
  @inlinable
  public mutating func propose(_ proposal: Proposal, as id: ProposalID) {
    propose(proposal, as: id, hash: core.table.hash(proposal.key))
  }

  /// Opens proposals that came together.
  @inlinable
  public mutating func propose(_ proposals: [(proposal: Proposal, id: ProposalID)]) {
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: proposals.count) { hashes in
      for index in proposals.indices {
        hashes.initializeElement(at: index, to: core.table.hash(proposals[index].proposal.key))
      }
      core.table.fetch(UnsafeBufferPointer(hashes))
      for index in proposals.indices {
        let (proposal, id) = proposals[index]
        propose(proposal, as: id, hash: hashes[index])
      }
    }
  }

  /// - Parameter hash: of its key.
  @inlinable
  mutating func propose(_ proposal: Proposal, as id: ProposalID, hash: UInt64) {
    if let refusal = refusal(of: proposal) {
      return completed.append(Completion(proposal: id, result: .notApplied(refusal)))
    }
    core.startIfNeeded()
    let work: Fold<C>.Work
    switch proposal.operation {
    case .membership: return joinMembers(.members, as: id, deadline: proposal.deadline)
    case .changeMembership(let change):
      return joinMembers(.reconfigure(.change(change)), as: id, deadline: proposal.deadline)
    case .change(let change): work = .change(change)
    case .read: work = .errand(.read)
    case .barrierRead: work = .errand(.settle)
    case .forget(let client, let sequence):
      work = .errand(.forget(client, through: sequence))
    case .watch(let request):
      return watch(proposal.key, request, as: id, deadline: proposal.deadline)
    case .list(let after, let limit):
      return list(after: after, limit: limit, deadline: proposal.deadline, as: id)
    }
    open += 1
    let isNew = join(
      proposal.key, hash: hash,
      Fold.Pending(
        from: .client(id), work: work, deadline: proposal.deadline, once: proposal.once))
    if isNew { settle() }
  }

  /// Has it wait for the next round of the register, which begins at once where there is none.
  /// - Returns: whether anything was begun.
  @inlinable @discardableResult
  mutating func join(_ key: Bytes, hash: UInt64, _ pending: Fold<C>.Pending) -> Bool {
    let (slot, isNew) = core.openRound(key, hash: hash)
    if slot == folds.count { folds.append(Fold()) }
    folds[slot].waiting.append(pending)
    if let deadline = pending.deadline { core.expire(slot, at: deadline) }
    if isNew {
      begin(slot)
    } else if core.rounds[slot].isCollecting {
      giveWay(slot)
      return true
    }
    return isNew
  }

  /// Why a proposal is not even begun.
  @inlinable @inline(__always)
  func refusal(of proposal: Proposal) -> NotApplied<C.Rejection>? {
    if let stopped = core.stopped { return .abandoned(stopped) }
    if open >= core.settings.maxOpenProposals { return .overloaded }
    if proposal.key.count > core.settings.maxKey {
      return .tooLarge(size: proposal.key.count, limit: core.settings.maxKey)
    }
    if let deadline = proposal.deadline, deadline <= core.now { return .abandoned(.deadline) }
    if !core.members.isMember { return .abandoned(.notAMember) }
    return proposal.key.isReserved ? .reserved : nil
  }

  /// Gives up a proposal: "not applied" where nothing was sent that could write it.
  public mutating func cancel(_ id: ProposalID) {
    if core.hasWatches, cancelWatch(id) { return }
    // Where many are cancelled, the next is often beside the last.
    for offset in folds.indices {
      let slot = (lastCancelled + offset) % folds.count
      guard folds[slot].holds(where: { $0.isProposal(id) }) else { continue }
      lastCancelled = slot
      abandon(slot, because: .cancelled) { $0.isProposal(id) }
      finishIfAbandoned(slot)
      return settle()
    }
    core.endListing(of: id, because: .cancelled)
    settle()
  }

  /// Gives up several: what is open of a register is looked through once.
  public mutating func cancel(_ ids: [ProposalID]) {
    guard ids.count > 1 else { return ids.forEach { cancel($0) } }
    let all = Set(ids)
    for slot in folds.indices where folds[slot].holds(where: { $0.isProposal(of: all) }) {
      abandon(slot, because: .cancelled) { $0.isProposal(of: all) }
      finishIfAbandoned(slot)
    }
    for id in ids where !(core.hasWatches && cancelWatch(id)) {
      core.endListing(of: id, because: .cancelled)
    }
    settle()
  }

  /// A prepare and an accept; a read changes nothing, and replies end what was begun here.
  @inlinable
  public static func asksToWrite(_ message: Message) -> Bool {
    switch message.kind {
    case .prepare, .accept, .erase: true
    case .read, .promise, .accepted, .conflict, .readReply, .watch, .observed, .list, .page,
      .configuration, .behind:
      false
    }
  }

  /// The members themselves, and who asks for them.
  @inlinable
  public static func isOnMembers(_ message: Message) -> Bool {
    switch message.kind {
    case .configuration, .behind: true
    case .prepare, .promise, .accept, .accepted, .conflict, .read, .readReply, .watch, .observed,
      .list, .page, .erase:
      false
    }
  }

  /// Takes a message of another voter.
  @inlinable
  public mutating func receive(_ message: Message, from sender: VoterID) {
    guard core.stopped == nil else { return }
    core.startIfNeeded()
    core.receive(message, from: sender)
    settle()
  }

  /// Takes messages of another voter that came together.
  @inlinable
  public mutating func receive(_ messages: [Message], from sender: VoterID) {
    core.fetch(messages)
    for index in messages.indices { receive(messages[index], from: sender) }
  }

  /// Says that every batch up to `batch` is durable.
  @inlinable
  public mutating func persisted(through batch: PersistBatch) {
    guard core.stopped == nil else { return }
    core.persisted(through: batch)
    settle()
  }

  /// Makes room for what a watch tells of next.
  public mutating func finished(_ effect: EffectID) {
    guard core.stopped == nil else { return }
    core.finished(effect)
    settle()
  }

  /// Final: it votes no more, and everything open ends.
  public mutating func storageFailed() {
    core.stop(.storageFailed)
    settle()
  }

  // MARK: Outputs

  /// Whether `drain(into:)` would give anything.
  @inlinable
  public var hasReady: Bool { !completed.isEmpty || core.hasReady }

  /// Moves out all that is ready.
  @inlinable
  public mutating func drain(into ready: inout Ready<Machine<C>>) {
    ready.removeAll()
    swap(&ready.completed, &completed)
    ready.batch = core.drain(
      persist: &ready.persist, messages: &ready.messages, effects: &ready.effects)
  }

  /// When it next needs to be told the time, in ticks.
  public var nextDeadline: Ticks? {
    if core.stopped != nil { return nil }
    return core.started ? core.nextWake : core.now
  }
}

extension Machine: Equatable where C: Equatable, C.Output: Equatable, C.Rejection: Equatable {}
extension Machine: Hashable where C: Hashable, C.Output: Hashable, C.Rejection: Hashable {}
