public import Synod

/// What a client is told of a change that was applied.
public enum KeyValueReply: Hashable, Sendable {
  case ok
  /// There is no value.
  case null
  case integer(Int64)
  case value(Bytes)
  /// What several keys, or several steps, came to.
  case array([KeyValueReply])
  /// A step of several that refused; the others did not.
  case refused(KeyValueRejection)

  /// A value, or none.
  public init(_ value: Bytes?) { self = value.map { .value($0) } ?? .null }
}

/// Why a change refused. Nothing happened.
public enum KeyValueRejection: Hashable, Sendable {
  case notAnInteger
  case overflow
  /// The value would be longer than values may be (bytes).
  case tooLarge(size: Int, limit: Int)
  /// All keys and values together would take more than they may (bytes).
  case full(limit: Int)
  /// The reply of a change that is to be made once is too long to be kept.
  case cannotRemember
  /// Its reply is left out, since the replies of steps that are told together would be longer than this
  /// (bytes). What the step did stays done. A state never says so: whoever tells a client does.
  case longReply(limit: Int)
  /// What became of a change that was to be made once is not known any more.
  case forgotten
}

/// What is kept of a reply, so that a change that is made once can give it again: which change it was,
/// a mark, and what the reply holds.
extension KeyValueChange {
  /// Tells it from other changes, the same on every node and in every release.
  private var digest: UInt64 {
    let hash = SipHash(key: (0x7379_6e6f_642d_6f6e, 3))
    var writer = ByteWriter(capacity: 32)
    writer.write(kind.rawValue)
    writer.write(options.rawValue)
    writer.write(delta)
    for part in [value, expected] {
      writer.write(UInt8(part == nil ? 0 : 1))
      if let part { writer.write(hash.hash(part)) }
    }
    return hash.hash(writer.finish())
  }

  /// The reply's kept form; nil where it has none.
  public func remember(_ output: KeyValueReply) -> Bytes? {
    var writer = ByteWriter(capacity: 24)
    writer.write(digest)
    switch output {
    case .ok: writer.write(UInt8(0))
    case .null: writer.write(UInt8(1))
    case .integer(let number):
      writer.write(UInt8(2))
      writer.write(number)
    case .value(let value):
      writer.write(UInt8(3))
      writer.write(raw: value)
    case .refused(let why):
      writer.write(UInt8(4))
      why.encode(into: &writer)
    // No change of one key gives it.
    case .array: return nil
    }
    return writer.finish()
  }

  /// The reply that was kept as these bytes; nil where they are none, or another change's.
  public func recall(_ result: Bytes) -> KeyValueReply? {
    var reader = ByteReader(result)
    guard (try? reader.read(UInt64.self)) == digest else { return nil }
    switch try? reader.read(UInt8.self) {
    case 0 where reader.isAtEnd: return .ok
    case 1 where reader.isAtEnd: return .null
    case 2 where reader.remaining == 8: return (try? reader.read(Int64.self)).map { .integer($0) }
    case 3: return (try? reader.read(raw: reader.remaining)).map { .value($0) }
    case 4: return (try? KeyValueRejection(from: &reader)).map { .refused($0) }
    case .some, nil: return nil
    }
  }
}
