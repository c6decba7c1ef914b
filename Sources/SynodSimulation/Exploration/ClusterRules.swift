/// What a `ClusterWorld` asks of the protocol, by numbers: nodes' states, messages, lists of events
/// and ledgers are interned, so that a world is a few numbers, and what a node makes of an input is
/// worked out once, by the real machine, and then remembered.
///
/// That is exact: a machine is a deterministic value, so equal states make the same of equal inputs.
protocol ClusterRules: AnyObject {
  var nodes: Int { get }
  /// Proposals of the plan.
  var steps: Int { get }
  /// Nodes of which any two may change places without anyone noticing.
  var interchangeable: [Int] { get }
  func node(ofStep step: Int) -> Int

  /// The nodes' states at the start, and the ledger.
  func begin() -> (locals: [UInt32], ledger: UInt32)
  func react(_ local: UInt32, to input: LocalInput) -> LocalReaction
  func ledger(_ ledger: UInt32, after events: UInt32) -> UInt32
  /// Whether a message can do nothing any more, whatever comes.
  /// - Parameter done: the nodes that will propose nothing any more, a bit for each.
  func isDead(_ message: UInt32, at local: UInt32, done: UInt8) -> Bool

  func traits(ofLocal local: UInt32) -> LocalTraits
  func traits(ofLedger ledger: UInt32) -> LedgerTraits
  func violation(ofLedger ledger: UInt32) -> String?
  func describe(_ input: LocalInput, at node: Int) -> String

  /// The same with two interchangeable nodes in each other's place.
  func swapped(local: UInt32, _ a: Int, _ b: Int) -> UInt32
  func swapped(message: UInt32, _ a: Int, _ b: Int) -> UInt32
  func swapped(ledger: UInt32, _ a: Int, _ b: Int) -> UInt32

  var bytes: Int { get }
  var sights: [String] { get }
}

/// What happens to one node.
enum LocalInput: Hashable {
  /// A message arrives, by its number.
  case deliver(UInt32)
  /// The store has made the next batch durable.
  case persist
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
    case .persist: 1 << 28
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
struct LocalReaction {
  /// What a move is worth looking at for.
  enum Kind {
    case step
    /// It only gives or owes answers: see `ClusterWorld.close`.
    case answer
    /// It only counts a vote that decides nothing: see `ClusterWorld.count`.
    case vote
  }

  var kind: Kind
  /// Its new state.
  var local: UInt32
  /// What the ledger must know; 0 for nothing.
  var events: UInt32
  /// Messages and the nodes that they go to.
  var sent: [(to: Int, message: UInt32)]
}

/// What a world must know of a node's state to see which moves there are.
struct LocalTraits {
  /// Batches that are not durable yet.
  var pending: Int
  var hasDeadline: Bool
  /// It will propose nothing any more.
  var isDone: Bool
}

/// What a world must know of a ledger to see which moves there are.
struct LedgerTraits {
  var mayCrash: Bool
  var mayTimeOut: Bool
  /// Steps that can be started, and cancelled: a bit for each.
  var startable: UInt32
  var cancellable: UInt32
  var isWrong: Bool
}
