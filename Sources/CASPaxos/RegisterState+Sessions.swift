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
    /// Of what it wrote.
    public var version: Version

    /// One made of its parts.
    public init(client: Identity128, sequence: UInt64, result: Bytes, version: Version) {
      self.client = client
      self.sequence = sequence
      self.result = result
      self.version = version
    }

    /// The longest result, in bytes: a register keeps several, and none must outgrow its value.
    public static let maxResult = 4096
    /// Sessions of one register that any message or record can carry.
    public static let limit = 32

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
    guard let session = sessions.first(where: { $0.client == once.client }) else {
      return once.isRetry && mayHaveLostSessions ? .forgotten : .none
    }
    if session.sequence == once.sequence { return .result(session.result) }
    return session.sequence < once.sequence ? .none : .forgotten
  }

  /// Keeps the result of the change that wrote this state, in the place of the client's earlier one.
  /// Where there are more than `limit`, the client that wrote longest ago is forgotten.
  mutating func remember(_ result: Bytes, of once: Once, limit: Int) {
    var kept = sessions
    kept.removeAll { $0.client == once.client }
    let isFull = kept.count >= max(limit, 1)
    // The earliest write is in front.
    if isFull { kept.removeFirst(kept.count - max(limit, 1) + 1) }
    kept.append(
      Session(
        client: once.client, sequence: once.sequence, result: result.compacted(), version: version))
    extra = Extra(forgotten: forgotten, sessions: kept, lostSessions: lostSessions || isFull)
  }

  /// Ends the session of a client that will retry nothing up to this number. One that comes late finds
  /// a later one, which stays.
  @usableFromInline
  mutating func endSession(of client: Identity128, through sequence: UInt64) {
    let kept = sessions.filter { $0.client != client || $0.sequence > sequence }
    if kept.count < sessions.count {
      extra = Extra(forgotten: forgotten, sessions: kept, lostSessions: lostSessions)
    }
  }

  /// In the order of their writes.
  public var sessions: [Session] { extra?.sessions ?? [] }
  private var lostSessions: Bool { extra?.lostSessions ?? false }

  /// A client that is not there may have been: in this register, or in one that was collected before it
  /// began anew, with all that it knew.
  private var mayHaveLostSessions: Bool { lostSessions || !forgotten.isZero }
}

extension RegisterState.Session: ByteCodable {
  /// Appends its binary form.
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
  }
}
