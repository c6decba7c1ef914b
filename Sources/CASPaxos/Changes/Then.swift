public import Synod

/// Two changes as one: the second sees what the first leaves, and they take effect together or, where
/// either refuses, not at all. More than two are composed of compositions.
///
/// The second sees the version of the state before both: what the first writes has none yet.
public struct Then<First: Change, Second: Change>: Change {
  /// Applied first.
  public var first: First
  /// Applied to what that leaves.
  public var second: Second

  /// What both tell.
  public struct Output: Sendable {
    /// Of the first change.
    public var first: First.Output
    /// Of the second change.
    public var second: Second.Output

    /// One made of its parts.
    @inlinable public init(first: First.Output, second: Second.Output) {
      self.first = first
      self.second = second
    }
  }

  /// Which of the two refused, and why.
  public enum Rejection: Sendable {
    case first(First.Rejection)
    case second(Second.Rejection)
  }

  /// One made of its parts.
  @inlinable public init(_ first: First, _ second: Second) {
    self.first = first
    self.second = second
  }

  /// Runs one after the other.
  @inlinable public func apply(to current: Register) -> Decision<Output, Rejection> {
    switch first.apply(to: current) {
    case .reject(let why): return .reject(.first(why))
    case .keep(let told):
      return second.apply(to: current).map(
        output: { Output(first: told, second: $0) }, rejection: { .second($0) })
    case .write(let value, let told):
      switch second.apply(to: Register(value: value, version: current.version)) {
      case .reject(let why): return .reject(.second(why))
      case .keep(let other): return .write(value, Output(first: told, second: other))
      case .write(let last, let other): return .write(last, Output(first: told, second: other))
      }
    }
  }

  /// Whether neither writes.
  @inlinable public var isReadOnly: Bool { first.isReadOnly && second.isReadOnly }

  /// What either keeps, the first with its length; nil where either cannot.
  public func remember(_ output: Output) -> Bytes? {
    guard let one = first.remember(output.first), let two = second.remember(output.second) else {
      return nil
    }
    var writer = ByteWriter(capacity: 4 + one.count + two.count)
    writer.write(bytes: one)
    writer.write(raw: two)
    return writer.finish()
  }
  /// As `remember`.
  public func recall(_ result: Bytes) -> Output? {
    var reader = ByteReader(result)
    guard let one = try? reader.read(bytesUpTo: result.count),
      let two = try? reader.read(raw: result.count - one.count - 4),
      let told = first.recall(one), let other = second.recall(two)
    else { return nil }
    return Output(first: told, second: other)
  }
}

extension Change {
  /// This change and another one as one.
  @inlinable public func then<Next: Change>(_ next: Next) -> Then<Self, Next> { Then(self, next) }
}

extension Then: Equatable where First: Equatable, Second: Equatable {}
extension Then: Hashable where First: Hashable, Second: Hashable {}
extension Then.Output: Equatable where First.Output: Equatable, Second.Output: Equatable {}
extension Then.Output: Hashable where First.Output: Hashable, Second.Output: Hashable {}
extension Then.Rejection: Equatable where First.Rejection: Equatable, Second.Rejection: Equatable {}
extension Then.Rejection: Hashable where First.Rejection: Hashable, Second.Rejection: Hashable {}
