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
}

/// Deletes the value, and tells whether there was one.
public struct Delete: Change, Hashable {
  /// One.
  @inlinable public init() {}

  /// Gives whether there was a value.
  @inlinable public func apply(to current: Register) -> Decision<Bool, Never> {
    current.value == nil ? .keep(false) : .write(nil, true)
  }
}
