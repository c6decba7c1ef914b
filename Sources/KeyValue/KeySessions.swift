internal import Synod

/// What is kept of the changes of a key that were made once (`Once`), in the order of their writes.
struct KeySessions: Hashable, Sendable {
  /// What is kept of one client.
  struct Session: Hashable, Sendable {
    var client: Identity128
    /// Of the client's last change that wrote.
    var sequence: UInt64
    /// What that change told, in the change's own words.
    var result: Bytes
  }

  /// A client that has left: it will ask for nothing up to this number any more. Kept for its own first
  /// attempts, which may be on their way still.
  struct Ended: Hashable, Sendable {
    var client: Identity128
    var sequence: UInt64
  }

  /// What is known of a change.
  enum Memory: Equatable {
    /// It was not made.
    case none
    /// It was, and told this.
    case result(Bytes)
    case forgotten
  }

  var sessions: [Session] = []
  /// In the order in which they left.
  var ended: [Ended] = []
  /// A client that is not there may have been.
  var hasLost = false

  /// Bytes of the replies together: they must fit into a message of a snapshot.
  static let maxResults = 384 << 10
  /// Clients that have left, of which it is still said, at the most.
  static let maxEnded = 8

  func memory(of once: Once) -> Memory {
    if let session = sessions.first(where: { $0.client == once.client }) {
      if session.sequence == once.sequence { return .result(session.result) }
      return session.sequence < once.sequence ? .none : .forgotten
    }
    if let ended = ended.first(where: { $0.client == once.client }),
      once.sequence <= ended.sequence
    {
      return .forgotten
    }
    // Of one that left, a later change may have been forgotten before that was heard.
    return once.isRetry && hasLost ? .forgotten : .none
  }

  /// Where there are too many, those go first that have left.
  mutating func remember(_ result: Bytes, of once: Once, limit: Int) {
    sessions.removeAll { $0.client == once.client }
    ended.removeAll { $0.client == once.client }
    while !sessions.isEmpty,
      sessions.reduce(result.count, { $0 + $1.result.count }) > Self.maxResults
    {
      sessions.removeFirst()
      hasLost = true
    }
    while sessions.count + ended.count >= max(limit, 1) {
      if ended.isEmpty {
        sessions.removeFirst()
        hasLost = true
      } else {
        ended.removeFirst()
      }
    }
    sessions.append(Session(client: once.client, sequence: once.sequence, result: result))
  }

  /// Says that a client has left, where there is room for that.
  mutating func end(_ client: Identity128, through sequence: UInt64, limit: Int) {
    let isOver = { (known: UInt64) in known > sequence }
    guard !sessions.contains(where: { $0.client == client && isOver($0.sequence) }),
      !ended.contains(where: { $0.client == client && isOver($0.sequence) })
    else { return }
    sessions.removeAll { $0.client == client }
    ended.removeAll { $0.client == client }
    if !ended.isEmpty, sessions.count + ended.count >= limit || ended.count >= Self.maxEnded {
      ended.removeFirst()
    }
    guard sessions.count + ended.count < limit else { return }
    ended.append(Ended(client: client, sequence: sequence))
  }

  /// Whether nothing of it would be missed.
  var isBlank: Bool { sessions.isEmpty && ended.isEmpty && !hasLost }
}

extension KeySessions: ByteCodable {
  func encode(into writer: inout ByteWriter) {
    // Those who left are told of only where there are any, as in what was written before that was kept.
    writer.write(UInt8((hasLost ? 1 : 0) | (ended.isEmpty ? 0 : 2)))
    writer.write(UInt32(sessions.count))
    for session in sessions {
      session.client.encode(into: &writer)
      writer.write(session.sequence)
      writer.write(bytes: session.result)
    }
    guard !ended.isEmpty else { return }
    writer.write(UInt32(ended.count))
    for one in ended {
      one.client.encode(into: &writer)
      writer.write(one.sequence)
    }
  }

  init(from reader: inout ByteReader) throws(CodingError) {
    let marks = try reader.read(UInt8.self)
    guard marks < 4 else { throw .malformed("marks of kept replies that are not known here") }
    hasLost = marks & 1 != 0
    for _ in 0..<(try reader.readCount(ofAtLeast: 28)) {
      let client = try Identity128(from: &reader)
      let sequence = try reader.read(UInt64.self)
      let result = try reader.read(bytesUpTo: KeyValueLimits.longestResult).compacted()
      sessions.append(Session(client: client, sequence: sequence, result: result))
    }
    guard marks & 2 != 0 else { return }
    for _ in 0..<(try reader.readCount(ofAtLeast: 24)) {
      let client = try Identity128(from: &reader)
      ended.append(Ended(client: client, sequence: try reader.read(UInt64.self)))
    }
  }
}
