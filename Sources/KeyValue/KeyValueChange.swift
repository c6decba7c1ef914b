public import Synod

/// What one command does to one key.
///
/// Over registers it runs in the proposer, and only the state that it leaves crosses the wire; over a
/// log it is itself what is replicated, and runs on every node.
public struct KeyValueChange: Hashable, Sendable {
  /// Which change it is.
  public private(set) var kind: Kind
  /// How a key is set.
  public private(set) var options = SetOptions()
  /// What is added, with the sign of the command.
  public private(set) var delta: Int64 = 0
  /// What is set or appended.
  public private(set) var value: Bytes?
  /// What `compareAndSet` compares with.
  public private(set) var expected: Bytes?

  /// Which change it is.
  public enum Kind: UInt8, CaseIterable, Sendable {
    case get, exists, length, delete, getAndDelete, set, setIfMissing, append, add, compareAndSet
  }

  /// How a key is set.
  public struct SetOptions: OptionSet, Hashable, Sendable {
    /// The bits.
    public let rawValue: UInt8
    /// Wraps the bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// `NX`: only where the key is missing.
    public static let ifMissing = SetOptions(rawValue: 1)
    /// `XX`: only where the key exists.
    public static let ifPresent = SetOptions(rawValue: 2)
    /// `GET`: the reply is the value before.
    public static let givesOldValue = SetOptions(rawValue: 4)
  }

  private init(_ kind: Kind) { self.kind = kind }

  /// Gives the value.
  public static let get = KeyValueChange(.get)
  /// Gives 1 where the key exists, else 0.
  public static let exists = KeyValueChange(.exists)
  /// Gives how long the value is, in bytes.
  public static let length = KeyValueChange(.length)
  /// Deletes the key, and gives 1 where it existed, else 0.
  public static let delete = KeyValueChange(.delete)
  /// Deletes the key, and gives the value that it had.
  public static let getAndDelete = KeyValueChange(.getAndDelete)

  /// Sets the value.
  public static func set(_ value: Bytes, _ options: SetOptions = []) -> KeyValueChange {
    var change = KeyValueChange(.set)
    change.value = value
    change.options = options
    return change
  }

  /// Sets the value where there is none, and gives 1; else 0.
  public static func setIfMissing(_ value: Bytes) -> KeyValueChange {
    var change = KeyValueChange(.setIfMissing)
    change.value = value
    return change
  }

  /// Writes behind the value, and gives how long it is then, in bytes.
  public static func append(_ value: Bytes) -> KeyValueChange {
    var change = KeyValueChange(.append)
    change.value = value
    return change
  }

  /// Adds to a decimal number, or to zero where there is none, and gives the sum.
  public static func add(_ delta: Int64) -> KeyValueChange {
    var change = KeyValueChange(.add)
    change.delta = delta
    return change
  }

  /// Sets the value where it is the one expected, and gives 1; else 0.
  public static func compareAndSet(_ expected: Bytes, _ value: Bytes) -> KeyValueChange {
    var change = KeyValueChange(.compareAndSet)
    change.expected = expected
    change.value = value
    return change
  }

  /// Whether it never writes.
  public var isReadOnly: Bool {
    switch kind {
    case .get, .exists, .length: true
    case .delete, .getAndDelete, .set, .setIfMissing, .append, .add, .compareAndSet: false
    }
  }
}

extension KeyValueChange: ByteCodable {
  /// Appends its binary form: the kind, then what it has.
  public func encode(into writer: inout ByteWriter) {
    writer.write(kind.rawValue)
    switch kind {
    case .get, .exists, .length, .delete, .getAndDelete: break
    case .set:
      writer.write(options.rawValue)
      writer.write(bytes: value ?? Bytes())
    case .setIfMissing, .append: writer.write(bytes: value ?? Bytes())
    case .add: writer.write(delta)
    case .compareAndSet:
      writer.write(bytes: expected ?? Bytes())
      writer.write(bytes: value ?? Bytes())
    }
  }

  /// Reads its binary form, or says why it cannot.
  public init(from reader: inout ByteReader) throws(CodingError) {
    guard let kind = Kind(rawValue: try reader.read(UInt8.self)) else {
      throw .malformed("no change of a key")
    }
    switch kind {
    case .get, .exists, .length, .delete, .getAndDelete: self.init(kind)
    case .set:
      let options = SetOptions(rawValue: try reader.read(UInt8.self))
      guard options.rawValue < 8, !options.isSuperset(of: [.ifMissing, .ifPresent]) else {
        throw .malformed("no options of a set")
      }
      self = .set(try Self.value(&reader), options)
    case .setIfMissing: self = .setIfMissing(try Self.value(&reader))
    case .append: self = .append(try Self.value(&reader))
    case .add: self = .add(try reader.read(Int64.self))
    case .compareAndSet:
      let expected = try Self.value(&reader)
      self = .compareAndSet(expected, try Self.value(&reader))
    }
  }

  private static func value(_ reader: inout ByteReader) throws(CodingError) -> Bytes {
    try reader.read(bytesUpTo: KeyValueLimits.longestValue)
  }
}
