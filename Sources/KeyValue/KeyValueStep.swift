public import Synod

/// One thing that is asked of a state: what one command of a client comes to.
public enum KeyValueStep: Hashable, Sendable {
  /// A change of one key.
  case change(KeyValueChange, of: Bytes)
  /// A change of one key that is made once, however often it is sent.
  indirect case once(KeyValueChange, of: Bytes, Once)
  /// A client will retry no change of the key up to this number. Gives the key's value.
  case forget(Identity128, through: UInt64, of: Bytes)
  /// Gives the values of keys, all of one moment.
  case get([Bytes])
  /// Gives how many of the keys exist; one that is named twice counts twice.
  case count([Bytes])
  /// Deletes keys, and gives how many existed.
  case delete([Bytes])
  /// Sets keys; of one that is named twice, the last value stays.
  case set([KeyValuePair])
  /// Sets keys where none of them exists, and gives 1; else 0.
  case setIfAllMissing([KeyValuePair])
  /// Gives the keys' versions: zero where there is no value, and else of the command that wrote it. No
  /// two commands have one.
  case versions([Bytes])
  /// Gives how many keys there are.
  case size
  /// Lists about so many keys behind those up to and including a hash; from the first where nil.
  case list(after: UInt64?, limit: Int)
  /// Deletes every key. Leases stay, and what is kept of changes that were made once.
  case deleteAll
  case lease(LeaseStep)
  /// Lets go of what is kept of changes of keys that are missing, and of which nothing was made since.
  /// Gives of how many.
  case letGo([KeyValueRemains])
  /// Sets the limits; and the seed, where none was set before, and not much is held yet.
  case configure(KeyValueLimits, seed: UInt64)
}

/// A key and a value for it.
public struct KeyValuePair: Hashable, Sendable {
  /// Which key.
  public var key: Bytes
  /// What it is set to.
  public var value: Bytes

  /// One made of its parts.
  public init(_ key: Bytes, _ value: Bytes) {
    self.key = key
    self.value = value
  }
}

extension KeyValueStep {
  /// Whether it never writes.
  public var isReadOnly: Bool {
    switch self {
    case .change(let change, _): change.isReadOnly
    case .get, .count, .versions, .size, .list: true
    case .lease(let step): step.isReadOnly
    case .once, .forget, .delete, .set, .setIfAllMissing, .deleteAll, .letGo, .configure: false
    }
  }
}

extension KeyValueStep: ByteCodable {
  private enum Tag: UInt8 {
    case change = 1
    case once, forget, get, count, delete, set, setIfAllMissing, versions, size, list, deleteAll
    case lease, configure, letGo
  }

  /// Appends its binary form: a tag, then what it has.
  public func encode(into writer: inout ByteWriter) {
    switch self {
    case .change(let change, let key):
      Self.head(.change, key, &writer)
      change.encode(into: &writer)
    case .once(let change, let key, let once):
      Self.head(.once, key, &writer)
      once.encode(into: &writer)
      change.encode(into: &writer)
    case .forget(let client, let sequence, let key):
      Self.head(.forget, key, &writer)
      client.encode(into: &writer)
      writer.write(sequence)
    case .get(let keys): Self.encode(.get, keys, &writer)
    case .count(let keys): Self.encode(.count, keys, &writer)
    case .delete(let keys): Self.encode(.delete, keys, &writer)
    case .versions(let keys): Self.encode(.versions, keys, &writer)
    case .set(let pairs): Self.encode(.set, pairs, &writer)
    case .setIfAllMissing(let pairs): Self.encode(.setIfAllMissing, pairs, &writer)
    case .size: writer.write(Tag.size.rawValue)
    case .list(let after, let limit):
      writer.write(Tag.list.rawValue)
      // No hash is the highest number there is.
      writer.write(after ?? .max)
      writer.write(UInt32(clamping: limit))
    case .deleteAll: writer.write(Tag.deleteAll.rawValue)
    case .lease(let step):
      writer.write(Tag.lease.rawValue)
      step.encode(into: &writer)
    case .configure(let limits, let seed):
      writer.write(Tag.configure.rawValue)
      limits.encode(into: &writer)
      writer.write(seed)
    case .letGo(let remains):
      writer.write(Tag.letGo.rawValue)
      writer.write(UInt32(remains.count))
      for one in remains { one.encode(into: &writer) }
    }
  }

  private static func head(_ tag: Tag, _ key: Bytes, _ writer: inout ByteWriter) {
    writer.write(tag.rawValue)
    writer.write(bytes: key)
  }

  private static func encode(_ tag: Tag, _ keys: [Bytes], _ writer: inout ByteWriter) {
    writer.write(tag.rawValue)
    writer.write(UInt32(keys.count))
    for key in keys { writer.write(bytes: key) }
  }

  private static func encode(_ tag: Tag, _ pairs: [KeyValuePair], _ writer: inout ByteWriter) {
    writer.write(tag.rawValue)
    writer.write(UInt32(pairs.count))
    for pair in pairs {
      writer.write(bytes: pair.key)
      writer.write(bytes: pair.value)
    }
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    guard let tag = Tag(rawValue: try reader.read(UInt8.self)) else {
      throw .malformed("no step of a command")
    }
    switch tag {
    case .change:
      let key = try reader.readKey()
      self = .change(try KeyValueChange(from: &reader), of: key)
    case .once:
      let key = try reader.readKey()
      let once = try Once(from: &reader)
      self = .once(try KeyValueChange(from: &reader), of: key, once)
    case .forget:
      let key = try reader.readKey()
      let client = try Identity128(from: &reader)
      self = .forget(client, through: try reader.read(UInt64.self), of: key)
    case .get: self = .get(try reader.readKeys())
    case .count: self = .count(try reader.readKeys())
    case .delete: self = .delete(try reader.readKeys())
    case .versions: self = .versions(try reader.readKeys())
    case .set: self = .set(try reader.readPairs())
    case .setIfAllMissing: self = .setIfAllMissing(try reader.readPairs())
    case .size: self = .size
    case .list:
      let after = try reader.read(UInt64.self)
      let limit = try reader.read(UInt32.self)
      self = .list(after: after == .max ? nil : after, limit: Int(limit))
    case .deleteAll: self = .deleteAll
    case .lease: self = .lease(try LeaseStep(from: &reader))
    case .configure:
      let limits = try KeyValueLimits(from: &reader)
      self = .configure(limits, seed: try reader.read(UInt64.self))
    case .letGo:
      var remains: [KeyValueRemains] = []
      for _ in 0..<(try reader.readCount(ofAtLeast: 12)) {
        remains.append(try KeyValueRemains(from: &reader))
      }
      self = .letGo(remains)
    }
  }
}

extension ByteReader {
  mutating func readKey() throws(CodingError) -> Bytes {
    try read(bytesUpTo: KeyValueLimits.longestKey)
  }

  /// How many elements follow; each takes so many bytes at least, so that a count that the bytes
  /// cannot hold makes nobody make room for it.
  mutating func readCount(ofAtLeast bytes: Int) throws(CodingError) -> Int {
    let count = Int(try read(UInt32.self))
    guard count <= remaining / bytes else { throw .truncated }
    return count
  }

  fileprivate mutating func readKeys() throws(CodingError) -> [Bytes] {
    var keys: [Bytes] = []
    let count = try readCount(ofAtLeast: 4)
    keys.reserveCapacity(count)
    for _ in 0..<count { keys.append(try readKey()) }
    return keys
  }

  fileprivate mutating func readPairs() throws(CodingError) -> [KeyValuePair] {
    var pairs: [KeyValuePair] = []
    let count = try readCount(ofAtLeast: 8)
    pairs.reserveCapacity(count)
    for _ in 0..<count {
      let key = try readKey()
      pairs.append(KeyValuePair(key, try read(bytesUpTo: KeyValueLimits.longestValue)))
    }
    return pairs
  }
}
