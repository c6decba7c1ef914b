internal import CASPaxos
public import Synod

/// What the stores of a cluster hold, and what its machines did with each ballot: held against every
/// record, message and answer.
///
/// It knows nothing of changes, so that it is compiled once. The first contradiction stays in
/// `violation`. Rules are cited by the numbers that `CASPaxos.Machine` explains.
@usableFromInline
struct RegisterLedger: Sendable {
  /// What a ballot was drawn for: a round of one register, or a read.
  struct Use: Sendable {
    let ballot: Ballot
    /// The register's number; `noKey` for a list.
    let key: Int
    let isRead: Bool
    /// The ballot in whose accept its promise was asked for; -1 for none.
    var askedWith = -1
    /// The ballot whose promise its accept asked for; zero for none.
    var next = Ballot.zero
    /// What its accept carries, once there was one.
    var hasState = false
    var state = RegisterState.blank
    /// Voters whose durable state says that they promised or accepted it; and that with it they
    /// promised `next`.
    var promised = VoteSet()
    var holders = VoteSet()
    var holdersAhead = VoteSet()
    /// Voters that held it when they adopted a later epoch, and which.
    var carriers = VoteSet()
    var carriedTo = Epoch(0)
    /// An accept quorum holds it.
    var isChosen = false
    /// The moment at which that was seen.
    var proposedAt: UInt64 = 0
    /// What its write may have begun from: several where more promised than were waited for.
    var bases: [Register] = []
    /// The write that it carried is part of a chosen state, as far as the messages tell: where a round
    /// may have begun from several states, all of them count. For certain, where there is no doubt.
    var isSettled = false
    var isSettledForCertain = false
    /// The call behind whose end it may not come in any more; zero for none.
    var fencedBy: UInt64 = 0
  }

  /// A register.
  struct Key: Sendable {
    let name: Bytes
    /// Uses that carry a state, and those that were chosen: in ascending order of ballots.
    var proposed: [Int] = []
    var chosen: [Int] = []
    /// The newest version that any client was told of.
    var told = Version.zero
    /// Deletions that are part of a chosen state, in ascending order; those that may be, where a round
    /// may have begun from several states; and what was collected.
    var tombstones: [Version] = []
    var doubtfulTombstones: Set<Version> = []
    var collected: [Collected] = []
    /// Prepares since a ballot was chosen last.
    var prepares = 0
    /// What its clients may end of their sessions; and whether it may have lost any.
    var endings: [Identity128: UInt64] = [:]
    var mayForgetSessions = false
  }

  /// What a store holds of a register for certain.
  struct Held: Hashable, Sendable {
    var promised = Ballot.zero
    var accepted = Ballot.zero
  }

  /// A voter's store and the life that it is in.
  struct Store: Sendable {
    var held: [Held] = []
    var reserved: UInt64 = 0
    /// What is promised on every register of which nothing is held.
    var floor = Ballot.zero
    /// Counters up to this belong to earlier lives.
    var lifeFloor: UInt64 = 0
    /// The highest counter drawn.
    var drawn: UInt64 = 0
    /// What was asked of the others last, by register.
    var lastRequest: [Message.Kind?] = []
    var isRetired = false
    /// The newest membership that it has durably adopted; and it voted once, and does no more.
    var members: Membership
    var isOut = false
    /// Anything was ever written to it.
    var isBlank = true
    /// Records that may be durable or not, and where their batches end.
    var pending: [Record] = []
    var batches: [Int] = []
  }

  /// In the place of a register's number.
  static let noKey = -1

  let settings: Settings
  /// By its epoch, who votes.
  var configurations: [Configuration]
  /// By its revision, what was decided; nil where a round wrote more than one.
  var decided: [Membership?]
  /// The newest of them.
  var members: Membership
  /// The newest revision that any client was told of.
  var toldRevision: UInt64 = 0
  var stores: [Store]
  var keys: [Key] = []
  var numbers: [Bytes: Int] = [:]
  var index = BallotIndex()
  /// What came of changes that were to be made once; and those that had no effect, as a client was
  /// told by this proposal.
  var effects: [OnceName: OnceEffect] = [:]
  var denied: [OnceName: ProposalID] = [:]
  /// The moment of the last call or answer.
  @usableFromInline var clock: UInt64 = 0
  var uses: [Use] = []
  /// By use and voter: what it had accepted when it promised.
  var accepted: [Ballot] = []
  @usableFromInline var marks = MarkCounts()
  @usableFromInline var violation: String?

  /// - Parameter spares: nodes that may join.
  init(_ settings: Settings, spares: Int = 0) {
    self.settings = settings
    let members = Membership(settings.configuration, addresses: settings.addresses)
    self.members = members
    configurations = [settings.configuration]
    decided = [members]
    let count = settings.configuration.voters.count + spares
    stores = (0..<count).map { _ in Store(members: members) }
  }

  @usableFromInline
  mutating func violate(_ text: String) {
    if violation == nil { violation = text }
  }

  @usableFromInline
  mutating func reach(_ mark: RegisterMark) { marks.reach(mark) }

  /// Voters are numbered from 1.
  func place(of voter: VoterID) -> Int? {
    let place = Int(voter.rawValue) - 1
    return stores.indices.contains(place) ? place : nil
  }

  func voter(at place: Int) -> VoterID { VoterID(UInt32(place + 1)) }

  /// The number of a register, a new one where it has none.
  @usableFromInline
  mutating func number(of key: Bytes) -> Int {
    if let known = numbers[key] { return known }
    numbers[key] = keys.count
    keys.append(Key(name: key))
    for place in stores.indices {
      stores[place].held.append(Held())
      stores[place].lastRequest.append(nil)
    }
    return keys.count - 1
  }

  /// Enters a ballot that is used for the first time.
  mutating func enter(_ ballot: Ballot, key: Int, isRead: Bool) -> Int {
    let use = index.insert(ballot)
    uses.append(Use(ballot: ballot, key: key, isRead: isRead))
    for _ in stores.indices { accepted.append(.zero) }
    return use
  }

  /// Whether `voter` may draw this ballot now: in this epoch, from what is reserved durably, and not
  /// from what an earlier life reserved (rules 3 and 15).
  mutating func mayDraw(_ ballot: Ballot, at place: Int) -> Bool {
    let store = stores[place]
    if ballot.voter != voter(at: place) {
      violate("voter \(voter(at: place)) uses \(ballot), a ballot of another")
    } else if configuration(of: ballot) == nil {
      violate("\(ballot) is of an epoch that was not decided")
    } else if ballot.counter > store.reserved {
      violate("\(ballot) is used, and only counters up to \(store.reserved) are durably reserved")
    } else if ballot.counter <= store.lifeFloor {
      violate("\(ballot) is used in a life whose counters begin above \(store.lifeFloor)")
    }
    return violation == nil
  }

  /// The state that was proposed at a ballot; blank at zero.
  func state(at ballot: Ballot) -> RegisterState? {
    if ballot.isZero { return .blank }
    guard let use = index.find(ballot), uses[use].hasState else { return nil }
    return uses[use].state
  }
}
