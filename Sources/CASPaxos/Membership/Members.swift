internal import Synod

/// What a node knows of the members, and whom it told.
@usableFromInline
struct Members: Sendable {
  /// The newest membership that is known to be decided.
  var adopted: Membership
  /// The batch that makes it durable, or did; and whether the application was told.
  var batch = PersistBatch.none
  var isAnnounced = true
  /// This node voted once, and does no more: its identity is not used again.
  var isRetired = false
  /// Whether this node may propose.
  @usableFromInline var isMember = true
  /// Of the reserved register.
  let hash: UInt64
  /// When peers of another epoch were last answered: one that has much under way asks much.
  private(set) var told: [Told] = []
  /// Since when this node's acceptor holds a membership above the adopted one.
  var doubtSince: Ticks?
  /// When to ask for the members again.
  var askAt: Ticks?
  /// When the next of all this is due.
  var wake: Ticks?

  /// This node was asked for the change, and drives it.
  var isDriver = false
  /// Since when nothing was heard of a driver; nil until it is looked at, for a life that begins does
  /// not know what time it is.
  var dutySince: Ticks?
  /// Learners that know the members as they are, and when they last said so.
  var ready: [Heard] = []
  /// A step was asked for and has not ended.
  var isStepping = false
  /// Of the joint epoch.
  var transfer: Transfer?
  /// Where an earlier attempt at it, in this life or before, had come to.
  var resumeAt: UInt64?
  /// What that attempt knew of what was collected: `Transfer.floor`.
  var resumeFloor = Ballot.zero
  /// How far it is, as a part of 2³², by whomever; and when to tell the others.
  var progress: UInt32?
  var tellProgressAt: Ticks?
  /// How far others said that they are, whoever drives.
  var heardDrivers: [Driver] = []
  /// Numbers the tasks, and names those that are under way.
  var tasks: UInt32 = 0
  var group: TaskID.Group?

  struct Heard: Hashable {
    var voter: VoterID
    var at: Ticks
  }

  struct Driver: Hashable {
    var voter: VoterID
    var progress: UInt32
  }

  struct Told: Hashable {
    var voter: VoterID
    var at: Ticks
  }

  init(_ adopted: Membership, hash: UInt64) {
    self.adopted = adopted
    self.hash = hash
  }

  /// Whether to answer this peer now. Bounded: whoever is forgotten is answered once more.
  mutating func mayTell(_ voter: VoterID, at now: Ticks, again time: UInt64) -> Bool {
    if let place = told.firstIndex(where: { $0.voter == voter }) {
      guard told[place].at.advanced(by: time) <= now else { return false }
      told[place].at = now
    } else {
      if told.count >= 2 * Membership.maxMembers { told.removeAll() }
      told.append(Told(voter: voter, at: now))
    }
    return true
  }

  mutating func forgetTold() { told.removeAll() }

  /// Whether a driver is further than when it was last heard.
  mutating func isProgress(_ progress: UInt32, of driver: VoterID) -> Bool {
    guard let place = heardDrivers.firstIndex(where: { $0.voter == driver }) else {
      heardDrivers.append(Driver(voter: driver, progress: progress))
      return true
    }
    defer { heardDrivers[place].progress = progress }
    return progress > heardDrivers[place].progress
  }
}

extension Members: Hashable {
  /// A revision names one membership.
  @usableFromInline func hash(into hasher: inout Hasher) {
    hasher.combine(adopted.revision)
    hasher.combine(batch)
    hasher.combine(wake)
    hasher.combine(transfer)
  }
}
