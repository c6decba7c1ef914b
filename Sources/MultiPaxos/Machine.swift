public import Synod

/// Multi-Paxos: one replicated log with a leader, and the application's state that its entries make.
///
/// A machine is acceptor, learner and, where it leads, proposer of all slots at once, and holds the
/// application's state: chosen commands are applied in it, in the order of their slots. It is
/// deterministic: no clock, no randomness but its seed, no IO. See `ConsensusMachine`.
///
/// - One promise counts for all slots (Lamport 2001, §3); phase 1 is done once, when a leader changes.
/// - Up to α slots beyond the last applied are open at once and may be chosen in any order; a change of
///   the members that stands in slot s counts from s + α on, and each slot is decided by the voters of
///   its own configuration (Lamport, Malkhi and Zhou 2010).
/// - A checkpoint is the machine's own state restated (`restate`); another node is given a snapshot,
///   which carries nothing of the acceptor.
/// - Each entry has a name, so an entry that was handed on or proposed again is applied once, and a
///   proposal ends as applied, surely not applied, or unknown (only where it left and its time ran
///   out).
public struct Machine<App: ReplicatedState>: ConsensusMachine {
  /// What it is made from.
  public typealias Settings = MultiPaxos.Settings
  /// What a client asks.
  public typealias Proposal = MultiPaxos.Proposal<App>
  /// What nodes say to each other.
  public typealias Message = MultiPaxos.Message
  /// What must survive a crash.
  public typealias Record = MultiPaxos.Record
  /// How a proposal ended.
  public typealias Completion = MultiPaxos.Completion<App>
  /// What the application is told.
  public typealias Effect = MultiPaxos.Effect<App>

  @usableFromInline var core: Core
  /// The application's state, after the last applied slot.
  @inlinable public var app: App { appState }
  @usableFromInline var appState = App()
  @usableFromInline var completed: [Completion] = []
  @usableFromInline var effects: [Effect] = []
  @usableFromInline var reads: [PendingRead] = []
  @usableFromInline var readWake: Ticks?
  /// Snapshots that others take from here.
  var transfers: [Transfer] = []
  /// A snapshot that comes from elsewhere.
  var incoming: Incoming?

  /// One made of its parts.
  public init(_ settings: Settings) {
    core = Core(settings.clamped)
  }

  // MARK: Inputs

  /// Says what time it is, in ticks; first in every turn.
  @inlinable
  public mutating func tick(to now: Ticks) {
    guard core.stopped == nil else { return }
    core.startIfNeeded()
    core.tick(to: now)
    tickReads()
    tickTransfers()
    settle()
  }

  /// Opens a proposal, or ends it at once where it cannot be taken.
  @inlinable
  public mutating func propose(_ proposal: Proposal, as id: ProposalID) {
    take(proposal, as: id)
    settle()
  }

  /// Opens proposals that came together: they go out together.
  @inlinable
  public mutating func propose(_ proposals: [(proposal: Proposal, id: ProposalID)]) {
    for index in proposals.indices { take(proposals[index].proposal, as: proposals[index].id) }
    settle()
  }

  @inlinable
  mutating func take(_ proposal: Proposal, as id: ProposalID) {
    core.startIfNeeded()
    if let refusal = refusal(of: proposal) { return refuse(id, refusal) }
    let refusal: NotApplied?
    switch proposal.operation {
    case .command(let command):
      var writer = ByteWriter(capacity: 128)
      command.encode(into: &writer)
      guard writer.count <= core.settings.maxCommand else {
        return refuse(id, .tooLarge(size: writer.count, limit: core.settings.maxCommand))
      }
      refusal = core.open(
        .command, writer.finish(), once: proposal.once, deadline: proposal.deadline,
        importance: proposal.importance, slots: proposal.slots, as: id)
    case .query(let query, let kind):
      return read(query, kind, deadline: proposal.deadline, as: id)
    case .barrier:
      refusal = core.open(
        .barrier, Bytes(), once: nil, deadline: proposal.deadline,
        importance: proposal.importance, slots: proposal.slots, as: id)
    case .changeMembership(let change):
      let payload = change.encoded
      if let problem = problem(of: payload, as: MembershipChange.self) {
        return refuse(id, problem)
      }
      refusal = core.open(
        .membership, payload, once: nil, deadline: proposal.deadline,
        importance: proposal.importance, slots: proposal.slots, as: id)
    case .lease(.expire): refusal = .malformed
    case .lease(let request):
      let payload = request.encoded
      if let problem = problem(of: payload, as: LeaseRequest.self) { return refuse(id, problem) }
      refusal = core.open(
        .lease, payload, once: nil, deadline: proposal.deadline,
        importance: proposal.importance, slots: proposal.slots, as: id)
    case .transferLeadership(let voter): return core.transfer(to: voter, as: id)
    }
    if let refusal { refuse(id, refusal) }
  }

  /// Why a proposal is not even begun.
  @inlinable
  func refusal(of proposal: Proposal) -> NotApplied? {
    if let stopped = core.stopped { return .abandoned(stopped) }
    if let deadline = proposal.deadline, deadline <= core.now { return .abandoned(.deadline) }
    if let slots = proposal.slots, slots.upperBound > Slot.limit { return .malformed }
    return nil
  }

  /// Why no node could take a payload out of the log; nil where all can.
  @usableFromInline
  func problem<Payload: ByteCodable>(of bytes: Bytes, as payload: Payload.Type) -> NotApplied? {
    var reader = ByteReader(bytes)
    guard (try? Payload(from: &reader)) != nil, reader.isAtEnd else { return .malformed }
    let limit = core.settings.maxCommand
    return bytes.count <= limit ? nil : .tooLarge(size: bytes.count, limit: limit)
  }

  @inlinable
  mutating func refuse(_ id: ProposalID, _ refusal: NotApplied) {
    completed.append(Completion(proposal: id, result: .notApplied(refusal)))
  }

  /// Gives up a proposal: "not applied" where it never left, "unknown" where it did.
  public mutating func cancel(_ id: ProposalID) {
    if !core.cancel(id) { cancelRead(id) }
    settle()
  }

  /// An accept, a prepare and what is handed over; replies end what was begun here.
  @inlinable
  public static func asksToWrite(_ message: Message) -> Bool {
    switch message {
    case .prepare, .accept, .forward, .entries, .piece: true
    case .probe, .probed, .promise, .refused, .accepted, .heartbeat, .echo, .fetch, .compacted,
      .fetchPiece, .notLeading, .askIndex, .index, .takeOver, .digest, .diverged, .returned,
      .acknowledged, .askKnown, .known, .release:
      false
    }
  }

  /// What is chosen is so whoever tells it: by that a node learns who the members are now.
  @inlinable
  public static func isOnMembers(_ message: Message) -> Bool {
    switch message {
    case .probe, .fetch, .entries, .compacted, .fetchPiece, .piece: true
    case .prepare, .accept, .forward, .probed, .promise, .refused, .accepted, .heartbeat, .echo,
      .notLeading, .askIndex, .index, .takeOver, .digest, .diverged, .returned, .acknowledged,
      .askKnown, .known, .release:
      false
    }
  }

  /// Takes a message of another node.
  @inlinable
  public mutating func receive(_ message: Message, from sender: VoterID) {
    handle(message, from: sender)
    settle()
  }

  /// Takes messages of another node that came together.
  @inlinable
  public mutating func receive(_ messages: [Message], from sender: VoterID) {
    for index in messages.indices { handle(messages[index], from: sender) }
    settle()
  }

  @usableFromInline
  mutating func handle(_ message: Message, from sender: VoterID) {
    guard core.stopped == nil, sender != .none, sender != core.me else { return }
    core.startIfNeeded()
    guard core.stopped == nil else { return }
    if case .fetchPiece(let slot, let index) = message {
      givePiece(slot, index, to: sender)
    } else if case .piece(let piece) = message {
      takePiece(piece, from: sender)
    } else {
      core.receive(message, from: sender)
    }
  }

  /// Says that every batch up to `batch` is durable.
  @inlinable
  public mutating func persisted(through batch: PersistBatch) {
    guard core.stopped == nil else { return }
    if core.persisted(through: batch) { settle() }
  }

  /// No effect is answered.
  public mutating func finished(_ effect: EffectID) {}

  /// Final: it votes no more, and everything open ends.
  public mutating func storageFailed() {
    core.stop(.storageFailed)
    settle()
  }

  // MARK: Outputs

  /// Whether `drain(into:)` would give anything.
  @inlinable
  public var hasReady: Bool { !completed.isEmpty || !effects.isEmpty || core.hasReady }

  /// Moves out all that is ready.
  @inlinable
  public mutating func drain(into ready: inout Ready<Machine<App>>) {
    ready.removeAll()
    core.flush()
    // A leader that is alone answers itself.
    if !reads.isEmpty { serveReads() }
    swap(&ready.completed, &completed)
    swap(&ready.effects, &effects)
    ready.batch = core.drain(persist: &ready.persist, messages: &ready.messages)
  }

  /// When it next needs to be told the time, in ticks.
  public var nextDeadline: Ticks? {
    if core.stopped != nil { return nil }
    if !core.hasTicked || core.hasUnapplied { return core.now }
    guard let readWake else { return core.nextWake }
    return min(readWake, core.nextWake ?? readWake)
  }
}

extension Core {
  @usableFromInline
  var hasReady: Bool { !outbox.isEmpty || needsFlush }

  @usableFromInline
  mutating func drain(
    persist: inout [Record], messages: inout [Envelope<Message>]
  ) -> PersistBatch {
    if !outbox.persist.isEmpty, hinted < state.applied {
      recordChosen()
    }
    swap(&persist, &outbox.persist)
    swap(&messages, &outbox.messages)
    return persist.isEmpty ? outbox.issued : outbox.issue()
  }
}
