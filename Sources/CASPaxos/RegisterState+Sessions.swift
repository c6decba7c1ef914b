public import Synod

extension RegisterState {
  /// What a register keeps of a client that asked for its changes to be made once (`Once`).
  public struct Session: Hashable, Sendable {
    /// Whose it is.
    public var client: Identity128
    /// Of the client's last change that wrote.
    public var sequence: UInt64
    /// What that change told, in the change's own words (`Change.remember`).
    public var result: Bytes
    /// Of what it wrote; zero where the client has left (`Operation.forget`), and this is only to say
    /// so to an attempt that comes late.
    public var version: Version
    /// The register had lost sessions when it began, so that this may be a first attempt that came
    /// late, behind later changes of its client that are forgotten. The next change of the client
    /// clears it: two in a row that come so late are told from no others.
    public var mayBeLate: Bool

    /// One made of its parts.
    public init(
      client: Identity128, sequence: UInt64, result: Bytes, version: Version,
      mayBeLate: Bool = false
    ) {
      self.client = client
      self.sequence = sequence
      self.result = result
      self.version = version
      self.mayBeLate = mayBeLate
    }

    /// The longest result, in bytes: a register keeps several, and none must outgrow its value.
    public static let maxResult = 4096
    /// Clients that have left, of which a register still says so, at the most.
    public static let maxEnded = 8
    /// Sessions of one register that any message or record can carry.
    public static let limit = 32

    /// The client will ask for nothing of it any more.
    public var isEnded: Bool { version == .zero }

    /// Bytes that its encoded form takes, about.
    var encodedSize: Int { 48 + result.count }
  }

  /// What the register knows of a change that is to be made once.
  enum Memory: Equatable {
    /// It was not made: not on this state, nor on any that this one came of.
    case none
    /// It was, and told this.
    case result(Bytes)
    /// What became of it is not known any more.
    case forgotten
  }

  /// Looks for a change among those that were kept.
  func memory(of once: Once) -> Memory {
    #if PlantedBugs
      if PlantedBug.has(.doubleOnce) { return .none }
    #endif
    let session = sessions.first { $0.client == once.client }
    if let session, once.sequence <= session.sequence {
      return session.isEnded || once.sequence < session.sequence
        ? .forgotten : .result(session.result)
    }
    // What came before the client's last change that is known was this client's to number. Where that
    // came late, or the client left, a later change may have been forgotten before.
    if let session, !session.isEnded, !session.mayBeLate { return .none }
    return once.isRetry && lostSessions ? .forgotten : .none
  }

  /// Keeps the result of the change that wrote this state, in the place of the client's earlier one.
  /// Where there are more than `limit`, those go first that have left; then the client that wrote
  /// longest ago is forgotten.
  @usableFromInline
  mutating func remember(_ result: Bytes, of once: Once, limit: Int) {
    var kept = sessions
    var hasLost = lostSessions
    var mayBeLate = hasLost
    if let place = kept.firstIndex(where: { $0.client == once.client }) {
      if !kept.remove(at: place).isEnded { mayBeLate = false }
    }
    while kept.count >= max(limit, 1) {
      if let left = kept.firstIndex(where: \.isEnded) {
        kept.remove(at: left)
      } else {
        // The earliest write is in front.
        kept.removeFirst()
        hasLost = true
      }
    }
    kept.append(
      Session(
        client: once.client, sequence: once.sequence, result: result.compacted(), version: version,
        mayBeLate: mayBeLate))
    extra = Extra(forgotten: forgotten, sessions: kept, lostSessions: hasLost)
  }

  /// Ends the session of a client that will retry nothing up to this number. One that comes late finds
  /// a later one, which stays. That it ended is kept where there is room, since the client's own first
  /// attempt may be on its way still.
  @usableFromInline
  mutating func endSession(of client: Identity128, through sequence: UInt64, limit: Int) {
    var kept = sessions
    if let place = kept.firstIndex(where: { $0.client == client }) {
      guard kept[place].sequence <= sequence else { return }
      kept.remove(at: place)
    }
    let ended = kept.count(where: \.isEnded)
    if kept.count >= max(limit, 1) || ended >= Session.maxEnded,
      let oldest = kept.firstIndex(where: \.isEnded)
    {
      kept.remove(at: oldest)
    }
    if kept.count < max(limit, 1) {
      kept.append(Session(client: client, sequence: sequence, result: Bytes(), version: .zero))
    }
    extra = Extra(forgotten: forgotten, sessions: kept, lostSessions: lostSessions)
  }

  /// In the order of their writes.
  public var sessions: [Session] { extra?.sessions ?? [] }
  /// A client that is not there may have been.
  private var lostSessions: Bool { extra?.lostSessions ?? false }
}

extension RegisterState.Session: ByteCodable {
  /// Appends its binary form, without `mayBeLate`: the register has one number for all of them.
  public func encode(into writer: inout ByteWriter) {
    client.encode(into: &writer)
    writer.write(sequence)
    version.ballot.encode(into: &writer)
    writer.write(version.step)
    writer.write(bytes: result)
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    client = try Identity128(from: &reader)
    sequence = try reader.read(UInt64.self)
    version = Version(ballot: try Ballot(from: &reader), step: try reader.read(UInt32.self))
    // A table that keeps it must not keep the frame that it came in.
    result = try reader.read(bytesUpTo: Self.maxResult).compacted()
    mayBeLate = false
  }
}
