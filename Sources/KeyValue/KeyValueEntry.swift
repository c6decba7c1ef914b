public import Synod

/// A key's value and what is known of it.
struct KeyValueEntry: Hashable, Sendable {
  var value: Bytes
  /// The stamp of the command that wrote it.
  var version: UInt64
  /// Of the value, so that a write need not look at the value that it replaces.
  var checksum: UInt32

  init(_ value: Bytes, version: UInt64) {
    self.value = value
    self.version = version
    checksum = CRC32C.checksum(value)
  }
}

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

  /// What is known of a change.
  enum Memory: Equatable {
    /// It was not made.
    case none
    /// It was, and told this.
    case result(Bytes)
    case forgotten
  }

  var sessions: [Session] = []
  /// A client that is not there may have been.
  var hasLost = false

  /// - Parameter others: whether what was kept before this may be gone.
  func memory(of once: Once, hasLost others: Bool) -> Memory {
    guard let session = sessions.first(where: { $0.client == once.client }) else {
      return once.isRetry && (hasLost || others) ? .forgotten : .none
    }
    if session.sequence == once.sequence { return .result(session.result) }
    return session.sequence < once.sequence ? .none : .forgotten
  }

  mutating func remember(_ result: Bytes, of once: Once, limit: Int) {
    sessions.removeAll { $0.client == once.client }
    if sessions.count >= limit {
      sessions.removeFirst(sessions.count - limit + 1)
      hasLost = true
    }
    sessions.append(Session(client: once.client, sequence: once.sequence, result: result))
  }

  mutating func end(_ client: Identity128, through sequence: UInt64) {
    sessions.removeAll { $0.client == client && $0.sequence <= sequence }
  }

  /// Whether nothing of it would be missed.
  var isBlank: Bool { sessions.isEmpty && !hasLost }
}

extension KeySessions: ByteCodable {
  func encode(into writer: inout ByteWriter) {
    writer.write(UInt8(hasLost ? 1 : 0))
    writer.write(UInt32(sessions.count))
    for session in sessions {
      session.client.encode(into: &writer)
      writer.write(session.sequence)
      writer.write(bytes: session.result)
    }
  }

  init(from reader: inout ByteReader) throws(CodingError) {
    hasLost = try reader.read(UInt8.self) != 0
    for _ in 0..<(try reader.readCount(ofAtLeast: 28)) {
      let client = try Identity128(from: &reader)
      let sequence = try reader.read(UInt64.self)
      let result = try reader.read(bytesUpTo: KeyValueLimits.longestResult).compacted()
      sessions.append(Session(client: client, sequence: sequence, result: result))
    }
  }
}

extension Lease: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    writer.write(bytes: holder)
    writer.write(token)
    writer.write(renewal)
    writer.write(time)
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    let holder = try reader.readKey().compacted()
    let token = try reader.read(UInt64.self)
    let renewal = try reader.read(UInt64.self)
    self.init(holder: holder, token: token, renewal: renewal, time: try reader.readTime())
  }
}
