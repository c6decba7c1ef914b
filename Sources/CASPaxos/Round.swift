public import Synod

/// A proposer's work on one register: one attempt after another until nothing waits.
@usableFromInline
struct Round: Hashable, Sendable {
  @usableFromInline
  enum Phase: Hashable, Sendable {
    /// The slot is free.
    case free
    /// Opened or between attempts. Goes on at once.
    case idle
    /// A read was sent. Ends settled, or unsettled: then a prepare follows.
    case reading
    /// A prepare was sent. Ends with a quorum of promises, or backs off.
    case preparing
    /// An accept was sent. Ends chosen, or backs off with an outcome to be looked into.
    case accepting
    /// Waits until `wake` before the next attempt.
    case backingOff
    /// Waits for a durable reservation of ballots.
    case starved
  }

  var key = Bytes()
  var hash: UInt64 = 0
  /// Of the members.
  @usableFromInline var isReserved = false
  @usableFromInline var phase = Phase.free
  /// Changes with every step, so that what was decided about an earlier one is known to be stale.
  @usableFromInline var stamp: UInt32 = 0
  /// Of the attempt; of the read, its name.
  @usableFromInline var ballot = Ballot.zero
  /// Who promised, accepted or answered, and who refused.
  var votes = VoteSet()
  var refused = VoteSet()
  /// Preparing and reading: the highest accepted ballot seen, its state, and who holds it.
  var highest = Ballot.zero
  @usableFromInline var base = RegisterState.blank
  /// Preparing: the highest floor that was told and counts.
  var floor = Ballot.zero
  var agreeing = VoteSet()
  /// Accepting: what was proposed, the promise asked for with it, and who gave that.
  var next = Ballot.zero
  var promising = VoteSet()
  var withoutPrepare = false
  /// It was about to prepare when no ballot was there.
  @usableFromInline var mustPrepare = false
  /// It is to write a tombstone to every voter, and nobody else wants anything of the register.
  @usableFromInline var isCollecting = false
  /// Attempts in a row that failed.
  var failures: UInt8 = 0
  /// When to look at it again, and when to send again.
  var wake: Ticks?
  var retransmitAt = Ticks(0)
  /// Of a prepare that has its quorum and waits for more: until when.
  var waitsUntil: Ticks?
  /// When the attempt was sent first.
  var sentAt = Ticks(0)
  /// The earliest deadline of its proposals.
  @usableFromInline var deadline: Ticks?
  /// Where the register's cell lies, as long as the table has removed no cell since.
  var place = RegisterTable.Place(shard: 0, cell: 0)
  var placedAt: UInt64 = 0

  /// Every change of phase goes through here: what was decided about the last one is stale.
  mutating func advance(to phase: Phase) {
    self.phase = phase
    stamp &+= 1
    wake = nil
    waitsUntil = nil
    votes = VoteSet()
    refused = VoteSet()
    agreeing = VoteSet()
    promising = VoteSet()
    highest = .zero
    floor = .zero
  }

  /// An attempt is sent.
  mutating func begin(_ phase: Phase, _ ballot: Ballot, retransmitAt time: Ticks) {
    advance(to: phase)
    self.ballot = ballot
    next = .zero
    retransmitAt = time
    wake = time
  }

  /// What the attempt asks; the same whenever it is sent again. Nil between attempts.
  /// - Parameter slot: the round's own.
  func request(_ slot: UInt32) -> Message? {
    switch phase {
    case .reading: Message(.read, slot: slot, ballot: ballot, key: key)
    case .preparing: Message(.prepare, slot: slot, ballot: ballot, key: key)
    case .accepting:
      Message(.accept, slot: slot, ballot: ballot, promised: next, key: key, state: base)
    case .free, .idle, .backingOff, .starved: nil
    }
  }
}

/// What the proposer's changes are needed for next.
@usableFromInline
struct Directive: Hashable, Sendable {
  @usableFromInline
  enum Step: Hashable, Sendable {
    /// Every voter counted for a read holds one state: it is settled.
    case readSettled
    /// The voters differ: prepare.
    case readUnsettled
    /// A prepare quorum promised.
    case promised
    /// The accept was chosen.
    case chosen
    /// The prepare or read failed and had no effect.
    case failed
    /// The accept failed; whether it had its effect is not known.
    case ambiguous
    /// There are no ballots left to draw.
    case exhausted
    /// The wait is over.
    case resume
    /// A proposal's deadline has come.
    case expired
  }

  @usableFromInline var slot: Int
  @usableFromInline var stamp: UInt32
  @usableFromInline var step: Step
}
