public import Synod

/// Something that happened in a run, as a page or a person reads it.
public struct TraceEvent: Hashable, Sendable {
  /// When, in microseconds of virtual time.
  public var time: UInt64
  /// Its number among all events of the run, from 0.
  public var number: UInt64
  /// Whose lane it is in; nil for what happens to the world as a whole.
  public var voter: VoterID?
  /// What happened.
  public var kind: Kind
  /// What it was about.
  public var text: TraceText

  /// What happened.
  public enum Kind: Hashable, Sendable {
    /// A client asked, and was answered.
    case invoked(ProposalID, client: Int)
    case completed(ProposalID)
    /// A message left, arrived, or was lost on its way; `message` joins the ends of one arrow.
    case sent(message: UInt64, to: VoterID)
    case delivered(message: UInt64, from: VoterID)
    case dropped(message: UInt64)
    /// Records were handed to the store; a sync began; everything up to a batch is durable.
    case appended(PersistBatch)
    case syncBegan
    case syncEnded
    case durable(PersistBatch)
    /// The node's life.
    case crashed
    case restarted
    case paused
    case resumed
    /// Its store is lost or refused.
    case retired
    /// Something was done to the network or a disk: a partition, rot, a full disk.
    case fault
    case healed
    /// What a check said; the run ends there.
    case violation
  }

  /// One made of its parts.
  public init(time: UInt64, number: UInt64, voter: VoterID?, kind: Kind, text: TraceText) {
    self.time = time
    self.number = number
    self.voter = voter
    self.kind = kind
    self.text = text
  }
}

/// Words for one event: a few for a lane or an arrow, and all of its content for whoever asks.
public struct TraceText: Hashable, Sendable {
  /// A word or two: `prepare`, `accepted`, `sync`.
  public var title: String
  /// The ballot that it is about, so that one round can be followed; nil where there is none.
  public var ballot: Ballot?
  /// Name and value, in the order to show them in.
  public var fields: [Field]

  /// One part of a content.
  public struct Field: Hashable, Sendable {
    /// Which part.
    public var name: String
    /// As people read it.
    public var value: String
    /// One made of its parts.
    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// One made of its parts.
  public init(_ title: String, ballot: Ballot? = nil, _ fields: [Field] = []) {
    self.title = title
    self.ballot = ballot
    self.fields = fields
  }
}
