public import Synod

/// Puts bytes behind the value; a register without one counts as empty. It gives the new length.
public struct Append: Change, Hashable {
  /// What comes behind.
  public var suffix: Bytes

  /// One made of its parts.
  @inlinable public init(_ suffix: Bytes) { self.suffix = suffix }

  /// Gives the length of the value that it leaves, in bytes.
  public func apply(to current: Register) -> Decision<Int, Never> {
    guard let value = current.value else { return .write(suffix, suffix.count) }
    var joined = ByteWriter(capacity: value.count + suffix.count)
    joined.write(raw: value)
    joined.write(raw: suffix)
    return .write(joined.finish(), value.count + suffix.count)
  }

  /// Eight bytes.
  public func remember(_ output: Int) -> Bytes? { Kept.bytes(Int64(output)) }
  /// Eight bytes.
  public func recall(_ result: Bytes) -> Int? { Kept.number(result).flatMap { Int(exactly: $0) } }
}
