public import Synod

/// What is kept of the changes of a key that is missing, as it was seen.
public struct KeyValueRemains: Hashable, Sendable {
  /// Which key.
  public var key: Bytes
  /// Stands for what is kept: another where anything was made once since.
  public var fingerprint: UInt64

  /// One made of its parts.
  public init(_ key: Bytes, fingerprint: UInt64) {
    self.key = key
    self.fingerprint = fingerprint
  }
}

/// What is kept of changes that were made once outlives its key, since an attempt may come late. Whoever
/// drives a state has a clock, and lets go of what has lain long enough (`KeyValueStep.letGo`).
extension KeyValueState {
  /// In how many parts `remains` gives them.
  public static let partsOfRemains = 256

  /// What is kept of changes of keys that are missing, in one of the parts; in no order.
  public func remains(in part: Int) -> [KeyValueRemains] {
    sessions.shards[part].cells.compactMap { cell in
      let hash = hash(cell.name)
      guard keys.find(cell.name, hash: hash) == nil else { return nil }
      return KeyValueRemains(
        cell.name, fingerprint: Fingerprint.of(sessions: hash, cell.value))
    }
  }

  mutating func letGo(of remains: [KeyValueRemains]) -> KeyValueReply {
    var count: Int64 = 0
    for one in remains {
      let hash = hash(one.key)
      guard keys.find(one.key, hash: hash) == nil, let place = sessions.find(one.key, hash: hash)
      else { continue }
      let kept = sessions[place]
      guard Fingerprint.of(sessions: hash, kept) == one.fingerprint else { continue }
      inRest.sum &-= one.fingerprint
      inRest.bytes -= Self.cost(kept, one.key)
      sessions.remove(place)
      count += 1
    }
    return .integer(count)
  }
}

extension KeyValueRemains: ByteCodable {
  /// Appends its binary form.
  public func encode(into writer: inout ByteWriter) {
    writer.write(bytes: key)
    writer.write(fingerprint)
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    key = try reader.readKey()
    fingerprint = try reader.read(UInt64.self)
  }
}
