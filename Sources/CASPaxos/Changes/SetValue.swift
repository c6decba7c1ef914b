public import Synod

/// What there is to tell of a change that has nothing to tell but that it was applied.
public struct Done: Hashable, Sendable {
  /// The only one.
  @inlinable public init() {}
}

/// Gives a register this value, whatever it had.
public struct SetValue: Change, Hashable {
  /// What is written.
  public var value: Bytes

  /// One made of its parts.
  @inlinable public init(_ value: Bytes) { self.value = value }

  /// Always writes.
  @inlinable public func apply(to current: Register) -> Decision<Done, Never> {
    .write(value, Done())
  }

  /// No bytes.
  public func remember(_ output: Done) -> Bytes? { Bytes() }
  /// No bytes.
  public func recall(_ result: Bytes) -> Done? { result.isEmpty ? Done() : nil }
}

/// Gives the value, and changes nothing: for compositions, as `SetValue` behind it makes an exchange.
/// On its own `Operation.read` does the same.
public struct GetValue: Change, Hashable {
  /// One.
  @inlinable public init() {}

  /// Gives the value; nil where there is none.
  @inlinable public func apply(to current: Register) -> Decision<Bytes?, Never> {
    .keep(current.value)
  }

  /// It never writes.
  @inlinable public var isReadOnly: Bool { true }

  /// A mark, and the value where there is one: for compositions.
  public func remember(_ output: Bytes?) -> Bytes? {
    var writer = ByteWriter(capacity: 1 + (output?.count ?? 0))
    writer.write(UInt8(output == nil ? 0 : 1))
    if let output { writer.write(raw: output) }
    return writer.finish()
  }
  /// A mark, and the value where there is one.
  public func recall(_ result: Bytes) -> Bytes?? {
    guard !result.isEmpty, result[0] == 1 || result.count == 1 && result[0] == 0 else { return nil }
    return .some(result[0] == 1 ? result[1..<result.count] : nil)
  }
}

/// Deletes the value, and tells whether there was one.
public struct Delete: Change, Hashable {
  /// One.
  @inlinable public init() {}

  /// Gives whether there was a value.
  @inlinable public func apply(to current: Register) -> Decision<Bool, Never> {
    current.value == nil ? .keep(false) : .write(nil, true)
  }

  /// One byte.
  public func remember(_ output: Bool) -> Bytes? { Kept.bytes(output) }
  /// One byte.
  public func recall(_ result: Bytes) -> Bool? { Kept.bool(result) }
}
