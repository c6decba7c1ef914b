public import Synod

/// What a machine is made from. Times are in ticks.
public struct Settings: Hashable, Sendable {
  /// This node's voter: the identity of its store.
  public var voter: VoterID
  /// Who votes. A store that has adopted a configuration of a higher epoch keeps that; one that
  /// differs for the same epoch, or is of a higher one, is refused: configurations are decided, not
  /// set.
  public var configuration: Configuration
  /// Where the initial voters are reached, for a register of the members that was never written.
  public var addresses: [VoterID: Bytes] = [:]
  /// Where its jitter comes from, and where its registers lie in memory: better another on every node.
  public var seed: UInt64
  /// Where the keys' hash comes from: the same on every node of a cluster, or keys cannot be listed.
  /// Whoever knows it can choose keys that come side by side in lists; where they lie in a node's memory
  /// depends on `seed`, too.
  public var hashSeed: UInt64 = 0

  /// How long a request may stay unanswered before it is sent again to whoever has not answered.
  public var retransmitAfter: UInt64 = 100
  /// How long a round waits for the voters that have not answered, once those that have cannot
  /// settle it alone.
  public var patience: UInt64 = 5
  /// Backing off after a conflict starts with the second in a row: up to `backoff`, doubled each time
  /// up to `maxBackoff`. With zero nobody ever waits, and proposers in step may duel without end.
  public var backoff: UInt64 = 2
  /// Backing off ends here, in ticks, or at a few round trips where those take longer.
  public var maxBackoff: UInt64 = 64
  /// After how many rounds in a row that only this node won on a register it asks for the next
  /// promise together with the acceptance. Nil: never.
  public var piggybackAfter: UInt8? = 1

  /// How often a node without a vote asks who the members are; a voter asks a fourth as often.
  public var askAfter: UInt64 = 1000
  /// Whether a learner is made a voter only once its store is pinned in the members' register: then a
  /// voter's store is known from its first vote on. Somebody has to ask for the pin.
  public var promotesPinned = false
  /// A change of the voters that nobody drives any more is driven by another voter after this time, or
  /// a multiple of it where others would be sooner.
  public var takeOverAfter: UInt64 = 2000

  /// Registers of one piece of the transfer to other voters, about. Apart from tests there is no reason
  /// for another.
  package var transferPiece = 1024

  /// Longest key, in bytes.
  public var maxKey = 4 * 1024
  /// Longest value, in bytes.
  public var maxValue = 512 * 1024
  /// Open proposals, at the most; a further one is refused.
  public var maxOpenProposals = 65_536
  /// Listings of clients open at once, at the most; each holds a page of every voter.
  public var maxListings = 64
  /// Changes folded into one round, at the most.
  public var maxFold = 4096
  /// Bytes of values that the changes of one round write, about: each keeps the state that it left
  /// until the round is decided.
  public var maxFoldBytes = 4 << 20

  /// Clients of one register whose last changes it keeps (`Once`), up to `RegisterState.Session.limit`;
  /// whoever wrote longest ago is forgotten first.
  public var maxSessions = 16

  /// Replies that may wait for the store; further requests of peers are dropped meanwhile.
  public var maxHeldReplies = 65_536

  /// How long a voter tells a watcher of what it accepts without being asked again.
  public var watchLease: UInt64 = 6_000
  /// How often a watch of a prefix looks through the list of all registers for what it missed.
  public var watchSweep: UInt64 = 60_000
  /// Watches of this node's clients, at the most; no more than 16,384, as voters tell a node of no more
  /// registers.
  public var maxWatches = 4096
  /// Registers that one watch may know at once, at the most; one of a prefix with more ends.
  public var maxWatchedKeys = 65_536
  /// Registers that all watches of this node may know at once, each counted once for each watch.
  public var maxWatchedKeysInAll = 262_144
  /// States that a watch has in hand, at the most: told and not yet finished, waiting, or being read.
  public var maxObservations = 16
  /// Bytes of their values, beyond which no further state is taken in hand.
  public var maxObservedBytes = 1 << 20
  /// Bytes of the values that all watches of this node have in hand; beyond that each has one state at a
  /// time.
  public var maxObservedBytesInAll = 64 << 20
  /// In how many ticks a sweep passes over all registers. What is deleted, or was only promised, and
  /// is untouched from one pass to the next is collected. Nil: never. It must be far longer than a
  /// round takes; a pass takes 64 round trips at least.
  public var collectAfter: UInt64?

  /// For small worlds without a clock: the first tombstone that a round of this node leaves is
  /// collected at once.
  package var collectsAtOnce = false
  /// How many passes of the sweep a deleted register is kept after its last write where it still
  /// knows of clients' changes (`Once`).
  public var sessionsLast: UInt8 = 16

  /// Counters reserved durably at once.
  public var counterBlock: UInt64 = 1 << 20
  /// Shards of the table of registers, a power of two. More make one step of its growth smaller.
  public var shards = 1024

  /// One made of its parts.
  public init(voter: VoterID, configuration: Configuration, seed: UInt64) {
    self.voter = voter
    self.configuration = configuration
    self.seed = seed
  }
}

extension Settings {
  /// The hash of a key: its place in the order in which registers are listed.
  public func hash(of key: Bytes) -> UInt64 {
    RegisterTable(shards: 1, seed: hashSeed).hash(key)
  }

  /// The same within the bounds that the formats and the arithmetic set.
  var clamped: Settings {
    var settings = self
    settings.maxKey = min(max(maxKey, 0), Message.maxKey)
    settings.maxValue = min(max(maxValue, 0), Message.maxValue)
    settings.retransmitAfter = min(max(retransmitAfter, 1), 1 << 40)
    settings.patience = min(max(patience, 1), 1 << 40)
    settings.askAfter = min(max(askAfter, 1), 1 << 40)
    settings.takeOverAfter = min(max(takeOverAfter, 1), 1 << 40)
    settings.transferPiece = max(transferPiece, 1)
    settings.backoff = min(backoff, 1 << 20)
    settings.maxBackoff = min(max(maxBackoff, 1), 1 << 30)
    settings.maxFold = max(maxFold, 1)
    settings.watchLease = min(max(watchLease, 3), 1 << 30)
    settings.maxWatches = min(max(maxWatches, 0), Subscriptions.maxRegisters)
    settings.maxObservations = max(maxObservations, 1)
    settings.maxSessions = min(max(maxSessions, 1), RegisterState.Session.limit)
    settings.maxObservedBytes = max(maxObservedBytes, 1)
    settings.collectAfter = collectAfter.map { max($0, 1) }
    settings.counterBlock = min(max(counterBlock, 2), 1 << 32)
    return settings
  }
}

/// What a machine has done since it was made.
public struct Statistics: Sendable {
  /// Rounds that were chosen.
  public var chosen: UInt64 = 0
  /// Of those, rounds that needed no prepare.
  public var oneRoundTrip: UInt64 = 0
  /// Prepares begun.
  public var prepares: UInt64 = 0
  /// Reads answered in one round trip.
  public var fastReads: UInt64 = 0
  /// Reads that had to write the state back.
  public var readFallbacks: UInt64 = 0
  /// Conflicts received.
  public var conflicts: UInt64 = 0
  /// Accepts that ended without a decision and had to be looked into.
  public var resolutions: UInt64 = 0
  /// Requests sent again.
  public var retransmissions: UInt64 = 0
  /// Changes folded into rounds that were chosen.
  public var changes: UInt64 = 0
  /// Listings answered.
  public var listings: UInt64 = 0
  /// Registers that had to be read for listings.
  public var listedByReading: UInt64 = 0
  /// Deleted registers that this node had every voter forget.
  public var collected: UInt64 = 0
  /// Registers that this node's acceptor erased.
  public var erased: UInt64 = 0

  /// All zero.
  public init() {}
}

/// Figures are not part of a machine's state.
extension Statistics: Hashable {
  /// Always.
  public static func == (a: Statistics, b: Statistics) -> Bool { true }
  /// Feeds nothing.
  public func hash(into hasher: inout Hasher) {}
}
