/// A consensus protocol as a value: inputs in, a `Ready` out, no IO ever.
///
/// A machine reads no clock, draws no randomness but from a seed in its settings, starts no task and
/// takes no lock. The same inputs in the same order give the same state and the same outputs, on
/// every platform. Five properties hold for every machine, and each is tested from one suite:
///
/// 1. **Order-free.** Everything in one `Ready` may be handled at once and in any order: what relies
///    on a record being durable is held back by the machine until `persisted(through:)` says so.
/// 2. **Pipelined.** Batches carry strictly increasing numbers, are appended in the order of issue,
///    and an acknowledgement is cumulative. Several may be in flight. Acknowledging a batch that was
///    never issued stops the machine for good.
/// 3. **Loss-tolerant.** Any message may be lost, repeated, delayed or reordered.
/// 4. **Crash-tolerant.** A machine rebuilt from any prefix of its batches that contains all those
///    reported as persisted is a correct continuation of it.
/// 5. **A value.** A copy is a snapshot.
///
/// A turn of a driver: `tick(to:)` first, then every input that has arrived, then `drain(into:)`
/// until it gives nothing.
public protocol ConsensusMachine: Sendable {
  /// Identity, configuration, seed and timeouts.
  associatedtype Settings: Sendable
  /// What a client asks for.
  associatedtype Proposal: Sendable
  /// What peers say to each other.
  associatedtype Message: Sendable & ByteCodable
  /// What must survive a crash.
  associatedtype Record: Sendable & ByteCodable
  /// What a client is told, once for every proposal.
  associatedtype Completion: Sendable & ProposalCompletion
  /// What the application is asked to do; `Never` for registers.
  associatedtype Effect: Sendable
  /// How far a restatement of the durable state has come.
  associatedtype Cursor: Sendable

  /// A machine on a blank store.
  init(_ settings: Settings)

  /// Takes back a record that an earlier life of this store made durable. All of them, in the order
  /// in which they were persisted (a checkpoint's first), before any other input.
  /// - Throws: where the record contradicts the settings or the records before it.
  mutating func restore(_ record: Record) throws(RestoreError)

  /// Says what time it is, in ticks: absolute, monotonic, counting suspend. First in every turn.
  mutating func tick(to now: Ticks)

  /// Proposes; exactly one completion follows, unless the machine is dropped before.
  mutating func propose(_ proposal: Proposal, as id: ProposalID)

  /// Proposes several, as if one by one, in their order. Knowing all of them, a machine may have
  /// fetched what the later ones need.
  mutating func propose(_ proposals: [(proposal: Proposal, id: ProposalID)])

  /// Ends a proposal early: "not applied" where that is certain, "unknown" where it is not. Nothing
  /// happens where no open proposal has this identity.
  mutating func cancel(_ id: ProposalID)

  /// Ends several early, as if one by one. Knowing all of them, a machine may look for them together.
  mutating func cancel(_ ids: [ProposalID])

  /// Whether a message may have this machine write, as a peer's request does: it is dropped where
  /// too much waits to be written. The replies to its own requests are not.
  static func asksToWrite(_ message: Message) -> Bool

  /// Whether a message only tells of the members, or asks for them: all that is heard of one that is
  /// not known to be a member, which may know newer ones.
  static func isOnMembers(_ message: Message) -> Bool

  /// Takes a message of `sender`, whose identity the driver has checked.
  mutating func receive(_ message: Message, from sender: VoterID)

  /// Takes messages of one sender that came together: as if they were taken one by one, in their
  /// order. Knowing all of them, a machine may have fetched what the later ones need.
  mutating func receive(_ messages: [Message], from sender: VoterID)

  /// Says that every batch up to and including `batch` is durable.
  mutating func persisted(through batch: PersistBatch)

  /// Says that an effect is done.
  mutating func finished(_ effect: EffectID)

  /// Says that a write or a sync failed. Final: the machine votes no more, and every open proposal
  /// ends.
  mutating func storageFailed()

  /// Moves out everything that is ready, replacing what `ready` held; its buffers are reused.
  mutating func drain(into ready: inout Ready<Self>)

  /// Whether `drain(into:)` would give anything.
  var hasReady: Bool { get }

  /// When `tick(to:)` is next needed; nil where only an input can change anything. In the past where
  /// it is needed at once.
  var nextDeadline: Ticks? { get }

  /// Restates a bounded piece of the durable state as records, for a checkpoint.
  ///
  /// The machine runs on between pieces. A checkpoint is valid once every batch issued before its
  /// last piece is durable; recovery restores its pieces, then replays every batch from the one that
  /// was next when the first piece was taken.
  /// - Parameters:
  ///   - cursor: where the last piece ended; nil for the first.
  ///   - limit: about how many bytes of records to give.
  ///   - records: where they are added.
  /// - Returns: where to go on; nil after the last piece.
  func restate(
    after cursor: Cursor?, limit: Int, into records: inout [Record]
  ) -> Cursor?
}

extension ConsensusMachine {
  /// True, where a machine does not tell.
  @inlinable public static func asksToWrite(_ message: Message) -> Bool { true }

  /// False, where the members of a machine stay as they are.
  @inlinable public static func isOnMembers(_ message: Message) -> Bool { false }

  /// One by one.
  @inlinable public mutating func propose(_ proposals: [(proposal: Proposal, id: ProposalID)]) {
    for index in proposals.indices { propose(proposals[index].proposal, as: proposals[index].id) }
  }

  /// One by one.
  @inlinable public mutating func cancel(_ ids: [ProposalID]) {
    for id in ids { cancel(id) }
  }

  /// One by one.
  @inlinable public mutating func receive(_ messages: [Message], from sender: VoterID) {
    for index in messages.indices { receive(messages[index], from: sender) }
  }
}

/// What every completion says: whose it is.
public protocol ProposalCompletion {
  var proposal: ProposalID { get }
}

/// Numbers the batches of records that a machine wants durable: 1, 2, 3 … within one life.
public struct PersistBatch: RawRepresentable, Hashable, Comparable, Sendable,
  CustomStringConvertible
{
  /// The bare number.
  public let rawValue: UInt64

  /// Wraps a bare number.
  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }
  /// Wraps a bare number.
  @inlinable public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// Before the first batch.
  @inlinable public static var none: PersistBatch { PersistBatch(0) }
  /// The batch behind this one.
  @inlinable public var next: PersistBatch { PersistBatch(rawValue + 1) }

  /// Whether `a` comes before `b`.
  @inlinable public static func < (a: PersistBatch, b: PersistBatch) -> Bool {
    a.rawValue < b.rawValue
  }
  /// For people to read.
  public var description: String { "#\(rawValue)" }
}

/// Where a message goes.
public enum Destination: Hashable, Sendable {
  /// To every other voter of the configuration; encoded once.
  case peers
  case voter(VoterID)
}

/// A message and where it goes.
public struct Envelope<Message: Sendable>: Sendable {
  /// Where it goes.
  public var to: Destination
  /// What it says.
  public var message: Message

  /// One made of its parts.
  @inlinable public init(to: Destination, message: Message) {
    self.to = to
    self.message = message
  }
}

extension Envelope: Equatable where Message: Equatable {}
extension Envelope: Hashable where Message: Hashable {}

/// What a machine wants done. All of it may be handled at once, in any order.
public struct Ready<Machine: ConsensusMachine>: Sendable {
  /// The number of the batch in `persist`; means nothing where that is empty.
  public var batch: PersistBatch
  /// Make these durable, together or not at all, behind all earlier batches; then say
  /// `persisted(through: batch)`.
  public var persist: [Machine.Record]
  /// Send these; each may be lost.
  public var messages: [Envelope<Machine.Message>]
  /// Tell these to whoever proposed.
  public var completed: [Machine.Completion]
  /// Do these, and say `finished` of each.
  public var effects: [Machine.Effect]

  /// Nothing to do.
  @inlinable public init() {
    batch = .none
    persist = []
    messages = []
    completed = []
    effects = []
  }

  /// Whether there is nothing to do.
  @inlinable public var isEmpty: Bool {
    persist.isEmpty && messages.isEmpty && completed.isEmpty && effects.isEmpty
  }

  /// Empties the lists and keeps their memory.
  @inlinable public mutating func removeAll() {
    persist.removeAll(keepingCapacity: true)
    messages.removeAll(keepingCapacity: true)
    completed.removeAll(keepingCapacity: true)
    effects.removeAll(keepingCapacity: true)
  }
}

/// Why a store's records do not make this machine.
public struct RestoreError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What contradicts what, for people.
  public let description: String
  /// One made of its parts.
  public init(_ description: String) { self.description = description }
}
