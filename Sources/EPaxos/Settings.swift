public import Synod

/// How a store begins. Never guessed: an empty directory says nothing of what was there before.
public enum StartMode: Hashable, Sendable {
  /// A new cluster of the settings' voters. A store that holds records goes on with those.
  case bootstrap
  /// A new member of a cluster that runs: the store holds nothing, and the node votes once it has the
  /// state and was made a voter. A store that holds records goes on with those.
  case join
  /// The store must hold records.
  case resume
}

/// What a machine is made from. Times are in ticks.
public struct Settings: Hashable, Sendable {
  /// This node's voter: the identity of its store.
  public var voter: VoterID
  /// A random number that this store drew once, when it was made: tells it from an earlier store that
  /// was given the same identity.
  public var store: Identity128?
  /// The first voters of the cluster: the same on every node for ever. Of a node that joins, voters of
  /// the cluster whom it may ask for the state. How many votes it takes follows
  /// from their number (`Thresholds`), whatever quorums it names.
  public var configuration: Configuration
  /// Where the first voters are reached: the same on every node for ever; of no account to one that joins.
  public var addresses: [VoterID: Bytes] = [:]
  /// How the store begins.
  public var mode = StartMode.bootstrap
  /// Where its jitter comes from.
  public var seed: UInt64

  /// How long an owner that has enough answers waits for those that would decide in one round trip.
  public var slowPathAfter: UInt64 = 2
  /// How long a request may stay unanswered before it is sent again; `never` or more: it is not.
  public var retransmitAfter: UInt64 = 100
  /// For how long an instance may stay undecided here before others are asked what it decided.
  public var askAfter: UInt64 = 60
  /// For how long before its owner is taken for dead, and it is recovered: twice `retransmitAfter` at
  /// least.
  public var recoverAfter: UInt64 = 300
  /// How much longer each voter waits than the one before it, counted from the owner (rule 24).
  public var recoverSpread: UInt64 = 60
  /// How long after it heard of something new a node tells the others of it, which may have missed it;
  /// those that do not answer are told again, more and more seldom. Nil: never.
  public var tellAfter: UInt64? = 250
  /// For how long a recovery may come to nothing before it begins anew (rule 23).
  public var attemptLasts: UInt64 = 400
  /// Whether proposals are sent to no more voters than it takes, until they fail to answer (rule 37).
  public var isThrifty = false

  /// Longest command, in bytes.
  public var maxCommand = (1 << 20) - 4096
  /// Open proposals, at the most; a further one is refused.
  public var maxOpenProposals = 32_768
  /// Instances of this node's own that are not executed, at the most: further proposals wait, and are
  /// then decided together. That bounds how long an instance waits for newer ones (rule 41).
  public var maxOpenInstances = 256
  /// Instances that may be decided behind one that waits to be executed, before this node proposes
  /// nothing that interferes with it any more.
  public var maxOvertaken: UInt64 = 4096
  /// Proposals that one instance decides together, at the most (rule 35).
  public var maxBatch = 64
  /// Bytes of one message, about.
  public var maxMessageBytes = 256 * 1024
  /// Recoveries under way at once, at the most.
  public var maxRecoveries = 64
  /// Instances executed in one step; the rest waits for the next.
  public var maxExecuted = 4096
  /// Instances that may be kept before this node proposes a barrier behind which they are forgotten;
  /// nil: never. Where nobody proposes one, not even a client, a row comes to its end after about a
  /// million instances.
  public var barrierEvery: UInt64? = 8192
  /// Bytes of commands that may be kept before it proposes one, about.
  public var barrierBytes = 64 << 20
  /// Messages that may wait for the store; further requests of peers are dropped meanwhile.
  public var maxHeldReplies = 65_536
  /// Snapshots given to others at once, at the most: each holds a frozen copy of the state.
  public var maxTransfers = 2
  /// Bytes of one piece of a snapshot, about.
  public var maxPieceBytes = 64 * 1024
  /// Numbers reserved durably at once, at the most; less at first, and while that is enough. After a
  /// restart it has to be found out that those never drawn decided nothing.
  public var numberBlock: UInt64 = 256

  /// So many ticks never pass.
  public static let never: UInt64 = 1 << 20

  /// One made of its parts.
  public init(voter: VoterID, configuration: Configuration, seed: UInt64) {
    self.voter = voter
    self.configuration = configuration
    self.seed = seed
  }

  /// The same within the bounds that the formats and the arithmetic set.
  var clamped: Settings {
    var settings = self
    let times: [WritableKeyPath<Settings, UInt64>] = [
      \.slowPathAfter, \.retransmitAfter, \.askAfter, \.recoverAfter, \.recoverSpread,
      \.attemptLasts,
    ]
    for time in times { settings[keyPath: time] = min(max(self[keyPath: time], 1), 1 << 30) }
    // Nobody is taken for dead before it was asked again and had the time to answer.
    if settings.retransmitAfter < Self.never {
      settings.recoverAfter = max(settings.recoverAfter, 2 * settings.retransmitAfter)
    }
    settings.tellAfter = tellAfter.map { min(max($0, 1), 1 << 30) }
    settings.maxCommand = min(max(maxCommand, 0), Entry.maxPayload)
    settings.maxMessageBytes = min(max(maxMessageBytes, 1), 4 << 20)
    settings.maxOpenProposals = max(maxOpenProposals, 1)
    settings.maxOpenInstances = min(max(maxOpenInstances, 1), 1 << 16)
    settings.maxBatch = min(max(maxBatch, 1), Batch.maxEntries)
    settings.maxRecoveries = max(maxRecoveries, 1)
    settings.maxExecuted = max(maxExecuted, 1)
    settings.barrierEvery = barrierEvery.map { max($0, 1) }
    settings.barrierBytes = min(max(barrierBytes, 1), 1 << 40)
    settings.maxTransfers = max(maxTransfers, 1)
    settings.maxPieceBytes = min(max(maxPieceBytes, 1), 1 << 20)
    settings.numberBlock = min(max(numberBlock, 2), 1 << 32)
    return settings
  }
}
