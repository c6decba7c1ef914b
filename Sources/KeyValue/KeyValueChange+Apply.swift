public import Synod

/// What a change makes of a key.
public enum KeyValueDecision: Hashable, Sendable {
  /// Give it this value (nil deletes it) and tell the client this.
  case write(Bytes?, KeyValueReply)
  /// Leave it as it is and tell the client this.
  case keep(KeyValueReply)
  /// Refuse: nothing happens.
  case reject(KeyValueRejection)
}

extension KeyValueChange {
  /// Decides what becomes of a key.
  /// - Parameter old: its value; nil where it is missing.
  public func decide(on old: Bytes?) -> KeyValueDecision {
    switch kind {
    case .get: return .keep(KeyValueReply(old))
    case .exists: return .keep(.integer(old == nil ? 0 : 1))
    case .length: return .keep(.integer(Int64(old?.count ?? 0)))
    case .delete: return old == nil ? .keep(.integer(0)) : .write(nil, .integer(1))
    case .getAndDelete: return old == nil ? .keep(.null) : .write(nil, KeyValueReply(old))
    case .set: return set(old)
    case .setIfMissing:
      return old == nil ? .write(value, .integer(1)) : .keep(.integer(0))
    case .append: return append(to: old)
    case .add: return add(to: old)
    case .compareAndSet:
      // A missing key equals nothing, not even the empty string.
      guard let old, old == expected else { return .keep(.integer(0)) }
      return .write(value, .integer(1))
    }
  }

  private func set(_ old: Bytes?) -> KeyValueDecision {
    let givesOldValue = options.contains(.givesOldValue)
    if options.contains(.ifMissing) && old != nil || options.contains(.ifPresent) && old == nil {
      return .keep(givesOldValue ? KeyValueReply(old) : .null)
    }
    return .write(value, givesOldValue ? KeyValueReply(old) : .ok)
  }

  private func append(to old: Bytes?) -> KeyValueDecision {
    guard let old, let value else { return .write(value, .integer(Int64(value?.count ?? 0))) }
    var joined = ByteWriter(capacity: old.count + value.count)
    joined.write(raw: old)
    joined.write(raw: value)
    return .write(joined.finish(), .integer(Int64(old.count + value.count)))
  }

  private func add(to old: Bytes?) -> KeyValueDecision {
    var number: Int64 = 0
    if let old {
      guard let found = Decimal.number(old) else { return .reject(.notAnInteger) }
      number = found
    }
    let (sum, overflow) = number.addingReportingOverflow(delta)
    if overflow { return .reject(.overflow) }
    return .write(Decimal.bytes(sum), .integer(sum))
  }
}
