public import Synod

/// What the nodes say to each other. The driver names the sender, whose identity it checked.
public enum Message: Hashable, Sendable {
  /// The owner asks what its command comes behind, and says what it knows of (rule 8).
  case preAccept(InstanceID, Value)
  /// Held, durably, behind these (rule 9).
  case preAccepted(InstanceID, Dependencies)
  /// Asks to accept a value (rule 11); the ballot is zero where the owner asks.
  case accept(Ballot, InstanceID, Value)
  /// Accepted at this ballot, durably.
  case accepted(Ballot, InstanceID)
  /// These are decided.
  case commit([Committed])
  /// Asks for a promise, and what is held (rule 16).
  case recover(Ballot, InstanceID)
  /// Promised, durably; this is held.
  case holding(Ballot, InstanceID, Holding)
  /// Refuses what was asked at this ballot, because of a promise. A hint.
  case refused(Ballot, InstanceID, promised: Ballot)
  /// Asks what speaks against what the owner proposed (rule 18).
  case validate(Ballot, InstanceID, Value)
  /// This does (rule 19).
  case validated(Ballot, InstanceID, [Objection])
  /// The sender's recovery waits for others, and so many hold its instance unchanged (rule 20).
  case waiting(InstanceID, unchanged: Int)
  /// Asks what these decided.
  case fetch([InstanceID])
  /// So far the sender has come (rules 42 and 43); and, where it asks, wants to know how far others
  /// have.
  case standing(Standing, asks: Bool)
  /// The sender has executed this barrier, durably (rule 43); and, where it asks, waits for others to
  /// say so.
  case executed(InstanceID, asks: Bool)
  /// Asks for a piece of a snapshot; of any where `snapshot` is zero.
  case fetchPiece(snapshot: UInt64, index: UInt32)
  /// A piece of a snapshot.
  case piece(SnapshotPiece)

  /// Which instance it is about; nil where about several, or none.
  var instance: InstanceID? {
    switch self {
    case .preAccept(let id, _), .preAccepted(let id, _), .accept(_, let id, _),
      .accepted(_, let id),
      .recover(_, let id), .holding(_, let id, _), .refused(_, let id, _), .validate(_, let id, _),
      .validated(_, let id, _), .waiting(let id, _), .executed(let id, _):
      id
    case .commit(let committed): committed.first?.id
    case .fetch, .standing, .fetchPiece, .piece: nil
    }
  }

  /// A decision.
  public struct Committed: Hashable, Sendable {
    /// Of which instance.
    public var id: InstanceID
    /// What was decided.
    public var value: Value

    /// One made of its parts.
    public init(_ id: InstanceID, _ value: Value) {
      self.id = id
      self.value = value
    }
  }

  /// A piece of a snapshot for another node: it carries nothing of what the sender promised.
  public struct SnapshotPiece: Hashable, Sendable {
    /// Tells the sender's snapshots apart; never zero.
    public var snapshot: UInt64
    /// This piece's place.
    public var index: UInt32
    /// Whether there are no more.
    public var isLast: Bool
    /// The digest of the whole state, so that pieces of several snapshots make none.
    public var digest: UInt64
    /// Parts of the state, in order.
    public var bytes: [Bytes]

    /// One made of its parts.
    public init(snapshot: UInt64, index: UInt32, isLast: Bool, digest: UInt64, bytes: [Bytes]) {
      self.snapshot = snapshot
      self.index = index
      self.isLast = isLast
      self.digest = digest
      self.bytes = bytes
    }
  }

  /// Elements of one message, at the most.
  public static let maxElements = 1 << 16
  /// Bytes of one piece of a snapshot, at the most.
  public static let maxPiece = 8 << 20
}
