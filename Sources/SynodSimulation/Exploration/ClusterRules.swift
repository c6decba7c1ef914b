/// What a `ClusterWorld` asks of the protocol, by numbers: nodes' states, messages, lists of events
/// and ledgers are interned, so that a world is a few numbers, and what a node makes of an input is
/// worked out once, by the real machine, and then remembered.
///
/// That is exact: a machine is a deterministic value, so equal states make the same of equal inputs.
/// Closures, not a protocol: those of a known subject are specialised for it, and the conformance of a
/// generic class never is.
@usableFromInline
struct ClusterRules {
  @usableFromInline let nodes: Int
  /// By step of the plan, the node that it is asked of.
  @usableFromInline let plan: [Int]
  /// Whether a store may say of several batches at once that they are durable.
  @usableFromInline let groups: Bool
  /// Nodes of which any two may change places without anyone noticing.
  @usableFromInline let interchangeable: [Int]

  /// The nodes' states at the start, the messages on their way to each, and the ledger.
  @usableFromInline let begin: () -> (locals: [UInt32], mailboxes: [[UInt32]], ledger: UInt32)
  /// What a node in this state makes of an input.
  @usableFromInline let react: (_ local: UInt32, _ input: LocalInput) -> LocalReaction
  /// The ledger after these events.
  @usableFromInline let record: (_ events: UInt32, _ ledger: UInt32) -> UInt32
  /// Whether a message can do nothing at a node any more, whatever comes; of the nodes that will
  /// propose nothing any more, there is a bit for each.
  @usableFromInline let isDead: (_ message: UInt32, _ local: UInt32, _ done: UInt8) -> Bool
  /// Whether a message need not be delivered to a node in this state, as it may be later.
  @usableFromInline let mayWait: (_ message: UInt32, _ local: UInt32) -> Bool

  @usableFromInline let localTraits: (_ local: UInt32) -> LocalTraits
  @usableFromInline let ledgerTraits: (_ ledger: UInt32) -> LedgerTraits
  @usableFromInline let violation: (_ ledger: UInt32) -> String?
  @usableFromInline let describe: (_ input: LocalInput, _ node: Int) -> String

  /// A node's state, a message or a ledger with two interchangeable nodes in each other's place.
  @usableFromInline let swap: (_ part: ClusterPart, _ number: UInt32, _ a: Int, _ b: Int) -> UInt32

  @usableFromInline let bytes: () -> Int
  @usableFromInline let sights: () -> [String]

  @inlinable
  init(
    nodes: Int, plan: [Int], groups: Bool, interchangeable: [Int],
    begin: @escaping () -> (locals: [UInt32], mailboxes: [[UInt32]], ledger: UInt32),
    react: @escaping (UInt32, LocalInput) -> LocalReaction,
    record: @escaping (UInt32, UInt32) -> UInt32,
    isDead: @escaping (UInt32, UInt32, UInt8) -> Bool,
    mayWait: @escaping (UInt32, UInt32) -> Bool,
    localTraits: @escaping (UInt32) -> LocalTraits,
    ledgerTraits: @escaping (UInt32) -> LedgerTraits,
    violation: @escaping (UInt32) -> String?, describe: @escaping (LocalInput, Int) -> String,
    swap: @escaping (ClusterPart, UInt32, Int, Int) -> UInt32, bytes: @escaping () -> Int,
    sights: @escaping () -> [String]
  ) {
    self.nodes = nodes
    self.plan = plan
    self.groups = groups
    self.interchangeable = interchangeable
    self.begin = begin
    self.react = react
    self.record = record
    self.isDead = isDead
    self.mayWait = mayWait
    self.localTraits = localTraits
    self.ledgerTraits = ledgerTraits
    self.violation = violation
    self.describe = describe
    self.swap = swap
    self.bytes = bytes
    self.sights = sights
  }
}

/// A part of a cluster's state that has a number.
@usableFromInline
enum ClusterPart: UInt64 {
  case local, message, mailbox, ledger
}

/// What happens to one node.
@usableFromInline
enum LocalInput: Hashable, BitwiseCopyable {
  /// A message arrives, by its number.
  case deliver(UInt32)
  /// The store says that it has made the next batch durable, or the next few at once.
  case persist(count: Int)
  /// The store fails for good; so many batches have reached the disk all the same.
  case fail(surviving: Int)
  /// The process dies; so many batches more than it was told of have reached the disk. It comes back
  /// at once: while it is away it does nothing, as one whose messages are late.
  case crash(surviving: Int)
  /// The clock reaches the node's next deadline.
  case timeOut
  case start(Int)
  case cancel(Int)
  /// No deadline will be reached any more.
  case timeEnds
  /// These nodes, a bit for each, will never send a request again.
  case othersDone(UInt8)

  /// Distinct numbers, below 2^32, as long as there are fewer than 2^28 messages.
  var number: UInt32 {
    switch self {
    case .deliver(let message): message
    case .persist(let count): 1 << 28 | UInt32(count)
    case .fail(let surviving): 8 << 28 | UInt32(surviving)
    case .crash(let surviving): 2 << 28 | UInt32(surviving)
    case .timeOut: 3 << 28
    case .start(let step): 4 << 28 | UInt32(step)
    case .cancel(let step): 5 << 28 | UInt32(step)
    case .timeEnds: 6 << 28
    case .othersDone(let nodes): 7 << 28 | UInt32(nodes)
    }
  }
}

/// What a node makes of an input.
@usableFromInline
struct LocalReaction {
  /// What a move is worth looking at for.
  @usableFromInline
  enum Kind: BitwiseCopyable {
    case step
    /// It only gives or owes answers: see `ClusterWorld.close`.
    case answer
    /// It only counts a vote that decides nothing: see `ClusterWorld.deliver`.
    case vote
  }

  @usableFromInline var kind: Kind
  /// Its new state.
  @usableFromInline var local: UInt32
  /// What the ledger must know; 0 for nothing.
  @usableFromInline var events: UInt32
  /// Messages and the nodes that they go to.
  @usableFromInline var sent: [(to: Int, message: UInt32)]

  @inlinable
  init(kind: Kind, local: UInt32, events: UInt32, sent: [(to: Int, message: UInt32)]) {
    self.kind = kind
    self.local = local
    self.events = events
    self.sent = sent
  }
}

/// What a world must know of a node's state to see which moves there are.
@usableFromInline
struct LocalTraits: BitwiseCopyable {
  /// Batches that are not durable yet.
  @usableFromInline var pending: UInt8
  @usableFromInline var hasDeadline: Bool
  /// It will propose nothing any more.
  @usableFromInline var isDone: Bool

  @inlinable
  init(pending: Int, hasDeadline: Bool, isDone: Bool) {
    self.pending = UInt8(pending)
    self.hasDeadline = hasDeadline
    self.isDone = isDone
  }
}

/// What a world must know of a ledger to see which moves there are.
@usableFromInline
struct LedgerTraits: BitwiseCopyable {
  @usableFromInline var mayCrash: Bool
  @usableFromInline var mayTimeOut: Bool
  @usableFromInline var mayFail: Bool
  /// Steps that can be started, and cancelled: a bit for each.
  @usableFromInline var startable: UInt16
  @usableFromInline var cancellable: UInt16
  @usableFromInline var isWrong: Bool

  @inlinable
  init(
    mayCrash: Bool, mayTimeOut: Bool, mayFail: Bool, startable: UInt16, cancellable: UInt16,
    isWrong: Bool
  ) {
    self.mayCrash = mayCrash
    self.mayTimeOut = mayTimeOut
    self.mayFail = mayFail
    self.startable = startable
    self.cancellable = cancellable
    self.isWrong = isWrong
  }
}
