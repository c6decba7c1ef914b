/// A change given as a closure, as in Kshaka: `propose(key) { current in … }`.
public struct ClosureChange<Output: Sendable, Rejection: Sendable>: Change {
  /// What it does.
  public let body: @Sendable (Register) -> Decision<Output, Rejection>
  /// Whether it never writes.
  public let isReadOnly: Bool

  /// One made of its parts.
  @inlinable public init(
    isReadOnly: Bool = false, _ body: @escaping @Sendable (Register) -> Decision<Output, Rejection>
  ) {
    self.body = body
    self.isReadOnly = isReadOnly
  }

  /// Another change, under the type that all of a machine's changes have.
  @inlinable public init(_ change: some Change<Output, Rejection>) {
    self.init(isReadOnly: change.isReadOnly) { change.apply(to: $0) }
  }

  /// Runs the closure.
  @inlinable public func apply(to current: Register) -> Decision<Output, Rejection> {
    body(current)
  }
}
