internal import Synod

/// What a node knows as leader, or as one who stands for it. None of it survives: losing it is safe
/// (rule 4).
struct Leadership: Hashable, Sendable {
  /// A voter's promise of this ballot, as far as it has come.
  struct Promised: Hashable, Sendable {
    var voter: VoterID
    var from: Slot
    var parts: UInt32
    var content: UInt64
    var got: [Bool]
    var isComplete: Bool { !got.contains(false) }
  }

  /// A slot that is proposed.
  struct Vote: Hashable, Sendable {
    var votes = VoteSet()
    var isChosen = false
    var size: Int
    /// When it was last sent.
    var sentAt: Ticks
  }

  /// What a voter let this leader know.
  struct Peer: Hashable, Sendable {
    var voter: VoterID
    var heardAt: Ticks
    /// The newest round of heartbeats that it answered.
    var echoed: UInt64 = 0
    /// It lets nobody else lead until then, by this node's clock.
    var leaseUntil = Ticks(0)
    var applied = Slot.none
  }

  /// A read that waits to know how far one must have come.
  struct IndexRead: Hashable, Sendable {
    var from: VoterID
    var token: UInt64
    /// The round of heartbeats that a quorum must answer; 0 until all that could have been chosen before
    /// is known (rule 43 i).
    var round: UInt64 = 0
    /// What was known then.
    var index = Slot.none
    /// Who had the window then.
    var window = Span()
  }

  /// The configurations of the window, by the slots from which the first and the last of them count:
  /// while both are the same no other has come or gone.
  struct Span: Hashable, Sendable {
    var first = Slot.none
    var last = Slot.none
  }

  var ballot = Ballot.zero
  var promises: [Promised] = []
  /// The newest acceptance that promises told of, by slot; of slots that are yet to be proposed.
  var reported: [Slot: Message.AcceptedEntry] = [:]
  /// The highest slot that any promise told of.
  var highestReported = Slot.none
  /// The next slot to propose in.
  var next = Slot(1)
  /// Slots from here on were not sent yet.
  var unsent = Slot(1)
  /// Of the slots from the first that is not chosen to the last that is proposed.
  var votes = Queue<Vote>()
  /// The slot of the first of them.
  var base = Slot(1)
  var openBytes = 0
  /// The highest slot that was chosen, whatever is before it.
  var highestChosen = Slot.none
  /// What followers were told is chosen.
  var toldChosen = Slot.none
  /// Entries that wait for a slot.
  var queue = Queue<Entry>()
  /// Others' entries that wait for a slot or stand in one, and are not applied: handed over again, they
  /// are not proposed again. Or one who hears late would fill the log with what stands in it.
  var handedOver: Set<EntryID> = []
  /// Of those who are no members, what was proposed once, as far as it is remembered.
  var voided: Set<EntryID> = []
  static let mostVoided = 1024
  /// Bytes of those that wait.
  var handedOverBytes = 0

  var peers: [Peer] = []
  /// The last round of heartbeats, and when each of the last was sent.
  var round: UInt64 = 0
  var sentRounds = Queue<Ticks>()
  var wantsRound = false
  var heartbeatAt = Ticks(0)
  var retransmitAt = Ticks(0)
  /// From here on slots are still to be sent again, once all before are chosen.
  var sendsAgainFrom: Slot?
  var checkAt = Ticks(0)
  var reads = Queue<IndexRead>()
  /// Grants of earlier rounds are not trusted any more.
  var leaseFrom: UInt64 = 0
  var transfer: Transfer?

  /// Another is asked to take over.
  struct Transfer: Hashable, Sendable {
    var proposal: ProposalID?
    var to: VoterID
    var until: Ticks
  }

  mutating func peer(_ voter: VoterID, at now: Ticks) -> Int {
    if let place = peers.firstIndex(where: { $0.voter == voter }) { return place }
    peers.append(Peer(voter: voter, heardAt: now))
    return peers.count - 1
  }

  mutating func hear(_ voter: VoterID, at now: Ticks) { peers[peer(voter, at: now)].heardAt = now }
}

/// The question whether others miss the leader too.
struct Probe: Hashable, Sendable {
  var round: UInt64 = 0
  var agreeing: [VoterID] = []
}

/// What this node does about who leads.
@usableFromInline
enum Role: Hashable, Sendable {
  case following
  case probing
  case preparing
  case leading
}
