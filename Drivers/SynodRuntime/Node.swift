public import Logging
public import Synod
public import UV

/// Runs one machine: owns its storage, its transport, its loop and its thread.
///
/// **Life.** `init` reads the storage back into the machine, blocking. `start()` begins to listen and
/// runs the loop on a thread of its own (`run()`: on the caller's). `stop()` ends it: open proposals
/// are answered, the storage finishes its write, the transport closes, the loop is freed. From
/// `start()` until its end a node holds itself.
///
/// **Two faces.** From any task: `propose(_:)`, `stop()`, `onLoop(_:)`. On the loop's thread, for a
/// server that lives there: `submit`, `cancel`, `onCompletion`, `atEndOfTurn`, `machine`, `storage`,
/// `transport`; set the handlers before the node starts. Nothing of the second face may be touched
/// from another thread while the node runs.
///
/// **A turn.** Inputs go to the machine as they arrive, with a tick before the first. At the end of
/// the turn everything that the machine made ready is handed on: records to the storage, messages to
/// the transport as one payload per destination, completions to their callers. All of it may be
/// handled in any order (see `ConsensusMachine`), so there is no wrong one here.
///
/// The code between the machine and its neighbours is inlinable: it is specialised for the machine
/// in the module that uses it, which is worth a factor of five to twelve.
public final class Node<Machine: ConsensusMachine>: @unchecked Sendable {
  /// The loop that everything of this node happens on.
  public let loop: Loop
  /// Where records become durable.
  public let storage: any Storage
  /// What carries messages.
  public let transport: any Transport
  /// Where trouble is told.
  public let logger: Logger

  // Each property is entered for one short call, never across a call to a neighbour: a neighbour
  // that calls back at once, or a completion handler that submits, finds nothing in use.
  @usableFromInline let hot: UnsafeMutablePointer<Hot>
  @usableFromInline var ready = Ready<Machine>()
  @usableFromInline let outbox: NodeOutbox
  @usableFromInline let mailbox = NodeMailbox<Machine>()
  @usableFromInline var letters: [NodeMailbox<Machine>.Letter] = []
  /// Scratch of `receive`, kept so that a payload allocates nothing.
  @usableFromInline var messages: [Machine.Message] = []
  /// Open proposals of the asynchronous face.
  @usableFromInline var waiting: [ProposalID: NodeMailbox<Machine>.Reply] = [:]
  /// What the timer was started for.
  @usableFromInline var armed: Ticks?
  @usableFromInline var timer: Timer?
  @usableFromInline var wakeup: Wakeup?
  @usableFromInline var checkpoint = Checkpoint()
  @usableFromInline var openEnds = 0
  @usableFromInline var count = NodeCounters()
  let thread = ThreadSlot()

  /// Called on the loop with each completion of a proposal that was submitted there.
  public var onCompletion: ((Machine.Completion) -> Void)?
  /// Called on the loop at the end of each turn, after completions were handed over.
  public var atEndOfTurn: (() -> Void)?
  /// Called on the loop with what the machine asks of the application; answer with `finish(_:)`.
  public var onEffect: ((Machine.Effect) -> Void)?
  /// Called on the loop, once, where the storage failed, with the reason. The node votes no more and
  /// goes on to tell its clients so.
  public var onStorageFailure: ((String) -> Void)?
  /// Called on the loop, once, when the node begins to stop, before proposals are answered.
  public var onStopping: (() -> Void)?

  /// Why the storage failed, where it did.
  public internal(set) var storageFailure: String?
  /// Figures for people and metrics; to be read on the loop.
  @inlinable public var counters: NodeCounters { count }

  /// What every input touches. Behind a pointer, which spares each of those accesses the run-time
  /// check of a class's property.
  @usableFromInline
  struct Hot {
    @usableFromInline var core: Machine
    /// What was submitted in this turn; the machine gets it together.
    @usableFromInline var submitted: [(proposal: Machine.Proposal, id: ProposalID)] = []
    @usableFromInline var hasTicked = false
    @usableFromInline var isStopping = false
    @usableFromInline var isLowOnSpace = false
    /// Whether more waits to be written than memory should hold.
    @usableFromInline var isStoreBehind = false

    @inlinable init(_ core: Machine) { self.core = core }
  }

  @usableFromInline
  struct Checkpoint {
    @usableFromInline var isUnderWay = false
    @usableFromInline var cursor: Machine.Cursor?
    @usableFromInline var records: [Machine.Record] = []
    @inlinable init() {}
  }

  /// Bytes that may wait to be written; with more, proposals are refused and peers' requests dropped.
  @inlinable static var mostQueuedBytes: Int { 32 << 20 }

  /// Messages of one payload that are decoded before the machine gets them, and proposals that are
  /// gathered.
  @inlinable static var messagesAtOnce: Int { 64 }

  /// Bytes of one piece of a checkpoint, about: what one turn may spend on it.
  @inlinable static var checkpointPiece: Int { 64 * 1024 }

  /// A node that has read its storage back and does not run yet.
  /// - Parameters:
  ///   - settings: what the machine is made from.
  ///   - loop: this node's alone.
  ///   - storage: made for `loop`, not started.
  ///   - transport: made for `loop`, not started.
  ///   - logger: where trouble is told.
  /// - Throws: `.storage` where it cannot be read, `.record` where its records are not this
  ///   machine's.
  @inlinable public init(
    _ settings: Machine.Settings, loop: Loop, storage: any Storage, transport: any Transport,
    logger: Logger = Logger(label: "synod.node")
  ) throws(NodeError) {
    var machine = Machine(settings)
    try Self.recover(&machine, from: storage)
    hot = .allocate(capacity: 1)
    hot.initialize(to: Hot(machine))
    self.loop = loop
    self.storage = storage
    self.transport = transport
    self.logger = logger
    outbox = NodeOutbox(transport)
  }

  deinit {
    hot.deinitialize(count: 1)
    hot.deallocate()
  }

  @inlinable static func recover(
    _ machine: inout Machine, from storage: any Storage
  ) throws(NodeError) {
    var contradiction: (any Error)?
    do {
      try storage.recover { bytes in
        var reader = ByteReader(bytes)
        do {
          while !reader.isAtEnd { try machine.restore(Machine.Record(from: &reader)) }
        } catch {
          contradiction = error
          throw error
        }
      }
    } catch {
      throw contradiction.map { .record($0) } ?? .storage(error)
    }
  }

  /// The machine; to be read on the loop.
  @inlinable public var machine: Machine {
    _read { yield hot.pointee.core }
  }
}

/// Figures of a node since it started.
public struct NodeCounters: Sendable {
  /// Turns in which something was handed on.
  public var turns: UInt64 = 0
  /// Records handed to the storage.
  public var records: UInt64 = 0
  /// Batches handed to the storage.
  public var batches: UInt64 = 0
  /// Messages handed to the transport; one to all peers counts once.
  public var messagesSent: UInt64 = 0
  /// Messages that were decoded.
  public var messagesReceived: UInt64 = 0
  /// Payloads that held what is not a message.
  public var payloadsRefused: UInt64 = 0
  /// Messages longer than the transport's largest payload; they were dropped.
  public var messagesTooLarge: UInt64 = 0
  /// Requests of peers that were dropped, since too much waited to be written.
  public var requestsDropped: UInt64 = 0
  /// Proposals that ended.
  public var completions: UInt64 = 0

  /// All zero.
  @inlinable public init() {}
}
