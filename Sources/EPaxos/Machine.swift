public import Synod

/// EPaxos, corrected: a state that all nodes hold, without a leader. Any node has commands decided, in
/// one round trip where nothing conflicts, and only commands that interfere are put in an order.
///
/// It follows EPaxos* (Ryabinin, Gotsman and Sutra 2025): an instance is a command and what it comes
/// behind; there is no sequence number, and what recovery cannot save it makes void. It differs from
/// the first EPaxos (Moraru, Andersen and Kaminsky 2013) in what an acceptor remembers (`Instance`)
/// and in how a recovery finds out what may have been decided (`RecoveryRow`, `ValidationRow`,
/// `WaitingRow`).
///
/// A machine is owner, acceptor, recoverer and learner of all instances at once, and holds the
/// application's state: decided commands are executed in it, on every node, behind all that they come
/// behind. A client is answered after that, never before: or of three commands that wait for each other
/// one could be told of as done, and be executed behind one that was asked for later (rule 39).
public struct Machine<State: ReplicatedState>: ConsensusMachine
where State.Command: Interfering, State.Query: Interfering {
  /// What it is made from.
  public typealias Settings = EPaxos.Settings
  /// What a client asks.
  public typealias Proposal = EPaxos.Proposal<State>
  /// What nodes say to each other.
  public typealias Message = EPaxos.Message
  /// What must survive a crash.
  public typealias Record = EPaxos.Record
  /// How a proposal ended.
  public typealias Completion = EPaxos.Completion<State>
  /// What the application is told.
  public typealias Effect = EPaxos.Effect<State>

  var core: Core
  /// What is replicated beside the application's state.
  var replicated = Replicated()
  /// The application's state, after all that was executed here.
  public var app: State { appState }
  var appState = State()
  var completed: [Completion] = []
  var effects: [Effect] = []
  /// What reads that wait for their turn ask, by the numbers of their proposals.
  var queries: [UInt64: State.Query] = [:]
  /// Snapshots that others take from here.
  var transfers: [Transfer] = []
  /// A snapshot that comes from elsewhere.
  var incoming: Incoming?

  /// One made of its parts.
  public init(_ settings: Settings) {
    core = Core(
      settings.clamped,
      FootprintReading { payload in
        var reader = ByteReader(payload)
        guard let command = try? State.Command(from: &reader), reader.isAtEnd else { return nil }
        return command.footprint
      })
  }

  // MARK: Inputs

  /// Says what time it is, in ticks; first in every turn.
  public mutating func tick(to now: Ticks) {
    guard core.stopped == nil else { return }
    core.startIfNeeded()
    core.tick(to: now)
    if !transfers.isEmpty { dropIdleTransfers() }
    settle()
  }

  /// Opens a proposal, or ends it at once where it cannot be taken.
  public mutating func propose(_ proposal: Proposal, as id: ProposalID) {
    take(proposal, as: id)
    settle()
  }

  /// Opens proposals that came together.
  public mutating func propose(_ proposals: [(proposal: Proposal, id: ProposalID)]) {
    for index in proposals.indices { take(proposals[index].proposal, as: proposals[index].id) }
    settle()
  }

  mutating func take(_ proposal: Proposal, as id: ProposalID) {
    core.startIfNeeded()
    if let stopped = core.stopped { return refuse(id, .abandoned(stopped)) }
    if let deadline = proposal.deadline, deadline <= core.now {
      return refuse(id, .abandoned(.deadline))
    }
    if case .query(let query, .stale) = proposal.operation, core.hasState {
      return completed.append(
        Completion(proposal: id, result: .answered(appState.answer(query))))
    }
    guard core.isVoter else { return refuse(id, .abandoned(.notAMember)) }
    let entry: Entry
    switch proposal.operation {
    case .command(let command):
      let payload = command.encoded
      guard payload.count <= core.settings.maxCommand else {
        return refuse(id, .tooLarge(size: payload.count, limit: core.settings.maxCommand))
      }
      entry = Entry(
        .command, once: proposal.once, since: replicated.positions.floor, payload: payload)
    case .query(let query, _):
      let payload = query.footprint.encoded
      guard payload.count <= core.settings.maxCommand else {
        return refuse(id, .tooLarge(size: payload.count, limit: core.settings.maxCommand))
      }
      entry = Entry(.read, payload: payload)
      if let refusal = core.open(entry, deadline: proposal.deadline, as: id) {
        return refuse(id, refusal)
      }
      queries[core.pending.numbers.upperBound - 1] = query
      return
    case .barrier: entry = Entry(.barrier)
    case .members(let change): entry = Entry(.membership, payload: change.encoded)
    }
    if let refusal = core.open(entry, deadline: proposal.deadline, as: id) { refuse(id, refusal) }
  }

  mutating func refuse(_ id: ProposalID, _ refusal: NotApplied) {
    completed.append(Completion(proposal: id, result: .notApplied(refusal)))
  }

  /// Gives up a proposal: "not applied" where no instance can decide it, "unknown" where one may.
  public mutating func cancel(_ id: ProposalID) {
    _ = core.cancel(id)
    settle()
  }

  /// What is asked of this node's acceptor, and what is handed over; replies end what was begun here.
  public static func asksToWrite(_ message: Message) -> Bool {
    switch message {
    case .preAccept, .accept, .recover, .validate, .piece: true
    case .preAccepted, .accepted, .commit, .holding, .refused, .validated, .waiting, .fetch,
      .standing, .executed, .fetchPiece:
      false
    }
  }

  /// Whether it says how far the members have come: all that may be heard of one who is not known here.
  public static func isOnMembers(_ message: Message) -> Bool {
    switch message {
    case .standing, .commit, .fetch, .fetchPiece, .piece: true
    case .preAccept, .preAccepted, .accept, .accepted, .recover, .holding, .refused, .validate,
      .validated, .waiting, .executed:
      false
    }
  }

  /// Takes a message of another node.
  public mutating func receive(_ message: Message, from sender: VoterID) {
    handle(message, from: sender)
    settle()
  }

  /// Takes messages of another node that came together.
  public mutating func receive(_ messages: [Message], from sender: VoterID) {
    for index in messages.indices { handle(messages[index], from: sender) }
    settle()
  }

  mutating func handle(_ message: Message, from sender: VoterID) {
    guard core.stopped == nil, sender != .none, sender != core.me else { return }
    core.startIfNeeded()
    if case .fetchPiece(let snapshot, let index) = message {
      givePiece(snapshot, index, to: sender)
    } else if case .piece(let piece) = message {
      takePiece(piece, from: sender)
    } else {
      core.receive(message, from: sender)
    }
  }

  /// Says that every batch up to `batch` is durable.
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
  public var hasReady: Bool {
    !completed.isEmpty || !effects.isEmpty || !core.outbox.isEmpty || core.needsFlush
  }

  /// Moves out all that is ready.
  public mutating func drain(into ready: inout Ready<Machine<State>>) {
    ready.removeAll()
    // What came in one turn is decided together.
    core.flush()
    swap(&ready.completed, &completed)
    swap(&ready.effects, &effects)
    swap(&ready.persist, &core.outbox.persist)
    swap(&ready.messages, &core.outbox.messages)
    ready.batch = ready.persist.isEmpty ? core.outbox.issued : core.outbox.issue()
  }

  /// When it next needs to be told the time, in ticks.
  public var nextDeadline: Ticks? {
    if core.stopped != nil { return nil }
    guard core.hasTicked, !mayHaveMore else { return core.now }
    guard let wake = core.nextWake, let idle = transferWake else {
      return core.nextWake ?? transferWake
    }
    return min(wake, idle)
  }

  /// Whether it left off executing in the middle.
  var mayHaveMore = false
}
