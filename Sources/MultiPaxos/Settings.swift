public import Synod

/// How a store begins. Never guessed: an empty directory says nothing of what was there before
/// (rule 30).
public enum StartMode: Hashable, Sendable {
  /// A new cluster of the settings' voters, of which this is one. Never to be said twice of one
  /// identity: a store that was lost would be taken for a new one.
  case bootstrap
  /// The store holds records.
  case resume
  /// A new member of a running cluster, with an identity that was never used: a learner, or a voter once
  /// the log says so. It votes in no slot whose membership does not name it. The settings'
  /// configuration names whom to ask.
  case join
  /// The store of this voter was lost, or is in doubt: comes up as a new voter (the settings'
  /// `voter`, never used before) and asks to take the lost one's place (rule 33).
  case recover(replacing: VoterID)
}

/// Why a blank store cannot begin as the settings say. A store that holds records goes on with those,
/// whatever the mode.
public enum StartProblem: Hashable, Sendable {
  /// It was to hold records: it was lost, or the path is wrong.
  case blank
  /// A cluster cannot begin with this voter: the configuration does not name it.
  case notAmongTheFirst(VoterID)
  /// The cluster began with this identity: it is not a new one.
  case amongTheFirst(VoterID)
  /// Who recovers needs a number drawn at random (`Settings.store`), or a later store could be taken for
  /// this one.
  case withoutStoreNumber
  /// A cluster cannot begin with so many voters: it could not change them.
  case tooManyVoters(Int, limit: Int)
  /// A cluster cannot begin with this voter: there would be no identity left for another.
  case lastIdentity(VoterID)
  /// The cluster's window is this one, and the settings name another.
  case otherWindow(UInt64, settings: UInt64)
}

extension StartProblem: CustomStringConvertible {
  /// For people to read: what is wrong, and what to do.
  public var description: String {
    switch self {
    case .blank:
      "the store was to hold records and holds none: look for the right one; where it is lost, recover "
        + "under a new identity"
    case .notAmongTheFirst(let voter):
      "a cluster cannot be begun by voter \(voter), which is none of its first voters: join it"
    case .amongTheFirst(let voter):
      "the cluster began with voter \(voter), so that is no new identity: use one that was never given"
    case .withoutStoreNumber:
      "a node that recovers needs a random number of its store's own"
    case .tooManyVoters(let count, let limit):
      "a log cannot be begun with \(count) voters: there can be \(limit) at most"
    case .lastIdentity(let voter):
      "a log cannot be begun with voter \(voter): there would be no identity left for another"
    case .otherWindow(let window, let settings):
      "the cluster's window is \(window), and the settings name \(settings): it is the same on all nodes"
    }
  }
}

/// What a machine is made from. Times are in ticks.
public struct Settings: Hashable, Sendable {
  /// This node's voter: the identity of its store.
  public var voter: VoterID
  /// A random number that this store drew once, when it was made: tells it from an earlier store that
  /// was given the same identity. Needed to recover.
  public var store: Identity128?
  /// The first voters of the cluster: the same on every node for ever, however the members change.
  public var configuration: Configuration
  /// Where they are reached, and this node.
  public var addresses: [VoterID: Bytes] = [:]
  /// How the store begins.
  public var mode = StartMode.bootstrap
  /// Where its jitter comes from.
  public var seed: UInt64

  /// α: how many slots may be open beyond the last that was applied. The same on every node for ever.
  public var window: UInt64 = 1024
  /// The largest window.
  public static let maxWindow: UInt64 = 1 << 16

  /// How often a leader is heard from when there is nothing else to say.
  public var heartbeatEvery: UInt64 = 50
  /// How long a follower waits for its leader before it thinks of taking over: so long, and up to
  /// twice as long, drawn anew each time.
  public var electionTimeout: UInt64 = 250
  /// How long a request may stay unanswered before it is sent again.
  public var retransmitAfter: UInt64 = 100

  /// How this node stands for leader; see `Decorations`.
  public var decorations = Decorations()
  /// For how long a voter lets nobody else lead once it has answered its leader, so that this may
  /// answer reads alone (rule 44). Nil: no leases, and such reads are refused. Every heartbeat renews it
  /// (``Decorations/sendsHeartbeats``).
  public var leaseDuration: UInt64?
  /// The bound on how far any two clocks' rates differ from real time, in millionths.
  public var clockRateError: UInt64 = 500
  /// Taken off every lease for what rates do not cover, such as the clock's grain.
  public var leaseMargin: UInt64 = 2

  /// Longest command, in bytes.
  public var maxCommand = (1 << 20) - 4096
  /// Open proposals, at the most; a further one is refused.
  public var maxOpenProposals = 32_768
  /// Bytes of open proposals, about; and of those that other nodes handed to a leader and that wait.
  public var maxWaitingBytes = 64 << 20
  /// Bytes of entries in one message, about.
  public var maxMessageBytes = 256 * 1024
  /// Bytes of entries that are proposed and not chosen, about.
  public var maxOpenBytes = 16 << 20
  /// Entries below the applied ones that are kept for others to catch up from, at the most.
  public var maxRetained = 8192
  /// Their bytes, about.
  public var maxRetainedBytes = 8 << 20
  /// Entries applied in one step; the rest waits for the next.
  public var maxApplied = 4096
  /// Replies that may wait for the store; further requests of peers are dropped meanwhile.
  public var maxHeldReplies = 65_536
  /// Snapshots given to others at once, at the most: each holds a frozen copy of the state.
  public var maxTransfers = 2
  /// Bytes of one piece of a snapshot, about.
  public var maxPieceBytes = 64 * 1024

  /// What this node's acceptor does not vote for, beside what the protocol forbids.
  public var voting: Voting?

  /// Counters reserved durably at once.
  public var counterBlock: UInt64 = 1 << 20

  /// One made of its parts.
  public init(voter: VoterID, configuration: Configuration, seed: UInt64) {
    self.voter = voter
    self.configuration = configuration
    self.seed = seed
  }
}

/// What a node does of its own accord, each to be had alone.
public struct Decorations: Hashable, Sendable {
  /// A follower that misses its leader stands for leader itself (ensure leadership).
  public var standsForLeader = true
  /// It first asks whether others miss the leader too (pre-vote).
  public var asksBeforeStanding = true
  /// A leader that hears of no quorum steps down (check quorum).
  public var checksQuorum = true
  /// A leader is heard from when there is nothing else to say.
  public var sendsHeartbeats = true
  /// A node that is not leader hands proposals to the one that it knows (delegation).
  public var delegates = true
  /// A node that lacks entries asks others for them (catch-up).
  public var catchesUp = true
  /// A leader fills slots after a change of the members, so that it takes effect (autofill).
  public var fillsWindow = true
  /// A leader ends the leases that ran out (releaser).
  public var endsLeases = true
  /// A node refreshes the leases that its own proposals took, when a quarter of their time is left, until
  /// one is given back or lost (leaser). Only for what lives and dies with the node: a part of the
  /// application that hangs would keep its lease. ``Effect/leaseEnded(_:_:)`` tells of a lost one.
  public var refreshesLeases = false
  /// After how many slots a leader has all nodes compare their states (verify); nil: never.
  public var verifiesEvery: UInt64?

  /// All but the refreshing of leases and verification.
  public init() {}

  /// None: a node that answers, and begins nothing of its own accord.
  public static var none: Decorations {
    var none = Decorations()
    none.standsForLeader = false
    none.asksBeforeStanding = false
    none.checksQuorum = false
    none.sendsHeartbeats = false
    none.delegates = false
    none.catchesUp = false
    none.fillsWindow = false
    none.endsLeases = false
    return none
  }
}

/// A voter of one's own: it may abstain and refuse, never permit what the protocol forbids (rule 11).
public struct Voting: Sendable {
  /// Whether a ballot may be promised; `false` abstains.
  public var mayPromise: @Sendable (Ballot) -> Bool
  /// Whether an entry may be accepted in a slot; `false` refuses. One that others choose all the same
  /// is applied here too.
  public var mayAccept: @Sendable (Slot, Entry, Ballot) -> Bool

  /// One made of its parts.
  public init(
    mayPromise: @escaping @Sendable (Ballot) -> Bool = { _ in true },
    mayAccept: @escaping @Sendable (Slot, Entry, Ballot) -> Bool = { _, _, _ in true }
  ) {
    self.mayPromise = mayPromise
    self.mayAccept = mayAccept
  }
}

/// Code is not part of a machine's state.
extension Voting: Hashable {
  /// Always.
  public static func == (a: Voting, b: Voting) -> Bool { true }
  /// Feeds nothing.
  public func hash(into hasher: inout Hasher) {}
}

extension Settings {
  /// Why a blank store cannot begin like this; nil where it can.
  var startProblem: StartProblem? {
    let isFirst = configuration.place(of: voter) != nil
    let voters = configuration.voters.count
    if voters > Membership.maxVoters {
      return .tooManyVoters(voters, limit: Membership.maxVoters)
    }
    if let last = configuration.voters.last, last.rawValue == .max { return .lastIdentity(last) }
    switch mode {
    case .bootstrap: return isFirst ? nil : .notAmongTheFirst(voter)
    case .resume: return .blank
    case .join: return isFirst ? .amongTheFirst(voter) : nil
    case .recover:
      if isFirst { return .amongTheFirst(voter) }
      return store == nil ? .withoutStoreNumber : nil
    }
  }

  /// The same within the bounds that the formats and the arithmetic set.
  var clamped: Settings {
    var settings = self
    settings.window = min(max(window, 1), Self.maxWindow)
    settings.heartbeatEvery = min(max(heartbeatEvery, 1), 1 << 30)
    settings.electionTimeout = min(max(electionTimeout, 2), 1 << 30)
    settings.retransmitAfter = min(max(retransmitAfter, 1), 1 << 30)
    settings.leaseDuration = leaseDuration.map { min($0, 1 << 30) }
    settings.clockRateError = min(clockRateError, 500_000)
    settings.maxCommand = min(max(maxCommand, 0), Entry.maxPayload)
    settings.maxMessageBytes = min(max(maxMessageBytes, 1), 4 << 20)
    settings.maxOpenBytes = max(maxOpenBytes, 1)
    settings.maxWaitingBytes = max(maxWaitingBytes, 1)
    settings.maxRetained = max(maxRetained, 0)
    settings.maxApplied = max(maxApplied, 1)
    // Half of the window of numbers that are known one by one.
    settings.maxOpenProposals = min(max(maxOpenProposals, 1), Int(Origins.width / 2))
    settings.maxTransfers = max(maxTransfers, 1)
    settings.maxPieceBytes = min(max(maxPieceBytes, 1), 1 << 20)
    settings.counterBlock = min(max(counterBlock, 2), 1 << 32)
    return settings
  }
}
