public import Synod

/// A change given as a closure, as in Kshaka: `propose(key) { current in … }`.
public struct ClosureChange<Output: Sendable, Rejection: Sendable>: Change {
  /// What it does.
  public let body: @Sendable (Register) -> Decision<Output, Rejection>
  /// Whether it never writes.
  public let isReadOnly: Bool
  /// How an output is kept for a retry, and read back (`Change.remember`).
  @usableFromInline let kept: @Sendable (Output) -> Bytes?
  @usableFromInline let told: @Sendable (Bytes) -> Output?

  /// One made of its parts. It can be asked for once (`Once`) only if it says how to keep what it tells.
  @inlinable public init(
    isReadOnly: Bool = false,
    remember: @escaping @Sendable (Output) -> Bytes? = { _ in nil },
    recall: @escaping @Sendable (Bytes) -> Output? = { _ in nil },
    _ body: @escaping @Sendable (Register) -> Decision<Output, Rejection>
  ) {
    self.body = body
    self.isReadOnly = isReadOnly
    kept = remember
    told = recall
  }

  /// Another change, under the type that all of a machine's changes have.
  @inlinable public init(_ change: some Change<Output, Rejection>) {
    self.init(
      isReadOnly: change.isReadOnly, remember: { change.remember($0) },
      recall: { change.recall($0) }
    ) { change.apply(to: $0) }
  }

  /// Runs the closure.
  @inlinable public func apply(to current: Register) -> Decision<Output, Rejection> {
    body(current)
  }

  /// As the change that it was made of, or as it was told.
  @inlinable public func remember(_ output: Output) -> Bytes? { kept(output) }
  /// As `remember`.
  @inlinable public func recall(_ result: Bytes) -> Output? { told(result) }
}
