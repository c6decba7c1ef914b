import CASPaxos
import RESP
import Synod

/// What one command does to one key. It runs in the proposer; only the state that it leaves crosses
/// the wire.
struct KeyValueChange: Change {
  private(set) var kind: Kind
  private(set) var options = SetOptions()
  /// What is added, with the sign of the command.
  private(set) var delta: Int64 = 0
  /// What is set or appended.
  private(set) var value: Bytes?
  /// What `CAS` compares with.
  private(set) var expected: Bytes?

  enum Kind: UInt8 {
    case get, exists, length, delete, getAndDelete, set, setIfMissing, append, add, compareAndSet
  }

  struct SetOptions: OptionSet {
    let rawValue: UInt8
    /// `NX`: only where the key is missing.
    static let ifMissing = SetOptions(rawValue: 1)
    /// `XX`: only where the key exists.
    static let ifPresent = SetOptions(rawValue: 2)
    /// `GET`: the reply is the value before.
    static let givesOldValue = SetOptions(rawValue: 4)
  }

  private init(_ kind: Kind) { self.kind = kind }

  static let get = KeyValueChange(.get)
  static let exists = KeyValueChange(.exists)
  static let length = KeyValueChange(.length)
  static let delete = KeyValueChange(.delete)
  static let getAndDelete = KeyValueChange(.getAndDelete)

  static func set(_ value: Bytes, _ options: SetOptions = []) -> KeyValueChange {
    var change = KeyValueChange(.set)
    change.value = value
    change.options = options
    return change
  }

  static func setIfMissing(_ value: Bytes) -> KeyValueChange {
    var change = KeyValueChange(.setIfMissing)
    change.value = value
    return change
  }

  static func append(_ value: Bytes) -> KeyValueChange {
    var change = KeyValueChange(.append)
    change.value = value
    return change
  }

  static func add(_ delta: Int64) -> KeyValueChange {
    var change = KeyValueChange(.add)
    change.delta = delta
    return change
  }

  static func compareAndSet(_ expected: Bytes, _ value: Bytes) -> KeyValueChange {
    var change = KeyValueChange(.compareAndSet)
    change.expected = expected
    change.value = value
    return change
  }

  var isReadOnly: Bool { kind == .get || kind == .exists || kind == .length }
}

/// What a client is told of a change that was applied.
enum KeyValueReply: Hashable, Sendable {
  case ok
  /// There is no value.
  case null
  case integer(Int64)
  case value(Bytes)

  init(_ value: Bytes?) { self = value.map { .value($0) } ?? .null }
}

/// What a key keeps of a reply, so that `SYNOD.ONCE` can give it again: a mark, and what it holds.
extension KeyValueChange {
  func remember(_ output: KeyValueReply) -> Bytes? {
    var writer = ByteWriter(capacity: 16)
    switch output {
    case .ok: writer.write(UInt8(0))
    case .null: writer.write(UInt8(1))
    case .integer(let number):
      writer.write(UInt8(2))
      writer.write(number)
    case .value(let value):
      writer.write(UInt8(3))
      writer.write(raw: value)
    }
    return writer.finish()
  }

  func recall(_ result: Bytes) -> KeyValueReply? {
    var reader = ByteReader(result)
    switch try? reader.read(UInt8.self) {
    case 0 where reader.isAtEnd: return .ok
    case 1 where reader.isAtEnd: return .null
    case 2 where reader.remaining == 8: return (try? reader.read(Int64.self)).map { .integer($0) }
    case 3: return (try? reader.read(raw: reader.remaining)).map { .value($0) }
    case .some, nil: return nil
    }
  }
}

/// Why a change refused.
enum KeyValueRejection: Hashable, Sendable, CustomStringConvertible {
  case notAnInteger
  case overflow

  /// The text of the error reply, as in Redis.
  var description: String {
    switch self {
    case .notAnInteger: "ERR value is not an integer or out of range"
    case .overflow: "ERR increment or decrement would overflow"
    }
  }
}
