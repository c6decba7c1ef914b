public import Synod

/// What the nodes of a log say to each other. The driver names the sender, whose identity it checked.
public enum Message: Hashable, Sendable {
  /// "Do you miss the leader too?" Asked before a ballot is drawn (rule 41); `chosen` is the last slot
  /// that the sender knows chosen, all before it too. `round` names the question.
  case probe(round: UInt64, chosen: Slot)
  /// Answers it; `promised` is what the sender has promised.
  case probed(round: UInt64, misses: Bool, promised: Ballot)
  /// Asks for a promise on all slots from `from` on.
  case prepare(Ballot, from: Slot)
  /// Gives it.
  case promise(Promise)
  /// Refuses a prepare, an accept or a heartbeat, because of a promise. A hint.
  case refused(Ballot, promised: Ballot)
  /// Asks to accept entries.
  case accept(Accept)
  /// Accepted at this ballot, durably, all slots from `first` to `last`.
  case accepted(Ballot, first: Slot, last: Slot)
  /// The leader lives, and all slots up to `chosen` are chosen, under this ballot or lower ones.
  case heartbeat(Ballot, chosen: Slot, round: UInt64)
  /// Answers a heartbeat, while `ballot` is what the sender has promised; `applied` is how far it is,
  /// and for `granted` ticks it lets nobody else lead.
  case echo(Ballot, round: UInt64, applied: Slot, granted: UInt64)
  /// Asks for chosen entries from this slot on.
  case fetch(from: Slot)
  /// These are chosen; and so is all up to `chosen`.
  case entries(first: Slot, [Entry], chosen: Slot)
  /// What was asked for is here no more: slots up to `through` are in a snapshot.
  case compacted(through: Slot)
  /// Asks for a piece of a snapshot; of any where `slot` is none.
  case fetchPiece(slot: Slot, index: UInt32)
  /// A piece of the snapshot after `slot`.
  case piece(SnapshotPiece)
  /// Hands entries to the leader, once: it does not hand them on.
  case forward([Entry])
  /// Did not propose what was handed over: this voter leads, or nobody is known to.
  case notLeading(VoterID?)
  /// Asks the leader how far one must have come to answer a read.
  case askIndex(round: UInt64)
  /// So far.
  case index(round: UInt64, Slot)
  /// Stand for leader at once: whoever leads at this ballot gives way.
  /// What was granted in rounds of heartbeats up to `round` is given back.
  case takeOver(Ballot, round: UInt64)
  /// Whoever leads at this ballot hands over: what was granted to it in rounds of heartbeats up to `round`
  /// is given back.
  case release(Ballot, round: UInt64)
  /// A hash of the state after this slot.
  case digest(Slot, UInt64)
  /// The receiver's state after this slot is not that of the others.
  case diverged(Slot)
  /// The sender's process has begun anew: who remembers what it acknowledged says so.
  case returned
  /// The receiver acknowledged this promise, and that it accepted something in this slot (rule 34).
  case acknowledged(promised: Ballot, slot: Slot)
  /// Asks how much of what is chosen the receiver holds for certain.
  case askKnown
  /// All slots up to this one are chosen, and the sender knows that durably.
  case known(Slot)

  /// A promise, or one part of it: counts once all parts are there (rule 6).
  public struct Promise: Hashable, Sendable {
    /// What is promised.
    public var ballot: Ballot
    /// From this slot on all that was accepted is told; slots before it, from the one asked for on,
    /// are chosen, and can be fetched from the sender.
    public var from: Slot
    /// This part's place, and the number of parts.
    public var part: UInt32
    /// How many there are.
    public var parts: UInt32
    /// Names what all parts tell together: parts of answers that differ are not put together.
    public var content: UInt64
    /// What was accepted.
    public var accepted: [AcceptedEntry]

    /// One made of its parts.
    public init(
      ballot: Ballot, from: Slot, part: UInt32, parts: UInt32, content: UInt64,
      accepted: [AcceptedEntry]
    ) {
      self.ballot = ballot
      self.from = from
      self.part = part
      self.parts = parts
      self.content = content
      self.accepted = accepted
    }
  }

  /// What an acceptor holds of a slot.
  public struct AcceptedEntry: Hashable, Sendable {
    /// Where it stands.
    public var slot: Slot
    /// At which ballot it was accepted.
    public var ballot: Ballot
    /// What was accepted.
    public var entry: Entry

    /// One made of its parts.
    public init(slot: Slot, ballot: Ballot, entry: Entry) {
      self.slot = slot
      self.ballot = ballot
      self.entry = entry
    }
  }

  /// Entries to accept in slots that follow each other.
  public struct Accept: Hashable, Sendable {
    /// The leader's.
    public var ballot: Ballot
    /// As in a heartbeat.
    public var chosen: Slot
    /// The slot of the first entry.
    public var first: Slot
    /// What to accept.
    public var entries: [Entry]

    /// One made of its parts.
    @inlinable public init(ballot: Ballot, chosen: Slot, first: Slot, entries: [Entry]) {
      self.ballot = ballot
      self.chosen = chosen
      self.first = first
      self.entries = entries
    }
  }

  /// A piece of a snapshot for another node: it carries nothing of the sender's acceptor (rule 27).
  public struct SnapshotPiece: Hashable, Sendable {
    /// The last slot that the state has applied.
    public var slot: Slot
    /// This piece's place.
    public var index: UInt32
    /// Whether there are no more.
    public var isLast: Bool
    /// The digest of the whole state, so that pieces of several snapshots make none.
    public var digest: UInt64
    /// Parts of the state, in order.
    public var bytes: [Bytes]

    /// One made of its parts.
    public init(slot: Slot, index: UInt32, isLast: Bool, digest: UInt64, bytes: [Bytes]) {
      self.slot = slot
      self.index = index
      self.isLast = isLast
      self.digest = digest
      self.bytes = bytes
    }
  }

  /// Elements of one message, at the most.
  public static let maxEntries = 1 << 17
  /// Bytes of one piece of a snapshot, at the most.
  public static let maxPiece = 8 << 20
}
