import CASPaxos
import RESP
import Synod

extension KeyValueChange {
  func apply(to current: Register) -> Decision<KeyValueReply, KeyValueRejection> {
    let old = current.value
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

  private func set(_ old: Bytes?) -> Decision<KeyValueReply, KeyValueRejection> {
    let givesOldValue = options.contains(.givesOldValue)
    if options.contains(.ifMissing) && old != nil || options.contains(.ifPresent) && old == nil {
      return .keep(givesOldValue ? KeyValueReply(old) : .null)
    }
    return .write(value, givesOldValue ? KeyValueReply(old) : .ok)
  }

  private func append(to old: Bytes?) -> Decision<KeyValueReply, KeyValueRejection> {
    guard let old, let value else { return .write(value, .integer(Int64(value?.count ?? 0))) }
    var joined = ByteWriter(capacity: old.count + value.count)
    joined.write(raw: old)
    joined.write(raw: value)
    return .write(joined.finish(), .integer(Int64(old.count + value.count)))
  }

  private func add(to old: Bytes?) -> Decision<KeyValueReply, KeyValueRejection> {
    var number: Int64 = 0
    if let old {
      guard let found = old.withUnsafeBytes({ parseInteger($0) }) else {
        return .reject(.notAnInteger)
      }
      number = found
    }
    let (sum, overflow) = number.addingReportingOverflow(delta)
    if overflow { return .reject(.overflow) }
    return .write(withDecimal(sum) { Bytes(copying: $0) }, .integer(sum))
  }
}
