public import Synod

/// Writes where the register is as its client saw it, and refuses elsewhere.
///
/// Compared by version it is safe to repeat after an unknown outcome, since a version never comes
/// again: it takes effect at most once. But a mismatch after an unknown outcome does not tell whose
/// write was in the way; it may have been one's own. Compared by value it has not even that, where a
/// value may come again.
public struct CompareAndSet: Change, Hashable {
  /// What the register must have.
  public enum Expectation: Hashable, Sendable {
    /// Exactly this state. `Version.zero` is a register without a value, never written or deleted: the
    /// only version that comes again.
    case version(Version)
    /// These bytes; nil is no value, which the empty string does not equal.
    case value(Bytes?)
  }

  /// It was otherwise. The register comes with the outcome.
  public struct Mismatch: Error, Hashable, Sendable {
    /// One.
    @inlinable public init() {}
  }

  /// What the register must have.
  public var expected: Expectation
  /// What is written; nil deletes.
  public var value: Bytes?

  /// One made of its parts.
  @inlinable public init(_ expected: Expectation, to value: Bytes?) {
    self.expected = expected
    self.value = value
  }

  /// Writes or refuses.
  @inlinable public func apply(to current: Register) -> Decision<Done, Mismatch> {
    let matches =
      switch expected {
      case .version(let version): current.version == version
      case .value(let value): current.value == value
      }
    return matches ? .write(value, Done()) : .reject(Mismatch())
  }

  /// No bytes.
  public func remember(_ output: Done) -> Bytes? { Bytes() }
  /// No bytes.
  public func recall(_ result: Bytes) -> Done? { result.isEmpty ? Done() : nil }
}
