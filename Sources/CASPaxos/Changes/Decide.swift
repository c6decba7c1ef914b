public import Synod

/// A register that is written once: single-decree Paxos. Whoever proposes is told the value that was
/// decided, be it theirs or another's, and so is everyone who proposes later.
///
/// Nothing forbids other changes of the same key: a register that is deleted is undecided again.
public struct Decide: Change, Hashable {
  /// What becomes the value where none was decided.
  public var value: Bytes

  /// One made of its parts.
  @inlinable public init(_ value: Bytes) { self.value = value }

  /// Gives the decided value.
  @inlinable public func apply(to current: Register) -> Decision<Bytes, Never> {
    if let decided = current.value { return .keep(decided) }
    return .write(value, value)
  }

  /// The value itself.
  public func remember(_ output: Bytes) -> Bytes? { output }
  /// The value itself.
  public func recall(_ result: Bytes) -> Bytes? { result }
}

/// Writes the value where there is none, and tells whether it did.
public struct PutIfAbsent: Change, Hashable {
  /// What is written.
  public var value: Bytes

  /// One made of its parts.
  @inlinable public init(_ value: Bytes) { self.value = value }

  /// Gives whether it wrote.
  @inlinable public func apply(to current: Register) -> Decision<Bool, Never> {
    current.value == nil ? .write(value, true) : .keep(false)
  }

  /// One byte.
  public func remember(_ output: Bool) -> Bytes? { Kept.bytes(output) }
  /// One byte.
  public func recall(_ result: Bytes) -> Bool? { Kept.bool(result) }
}
