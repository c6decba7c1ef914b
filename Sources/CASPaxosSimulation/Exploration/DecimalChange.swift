public import CASPaxos
internal import Synod

/// Changes of a decimal number; a register without a value counts as zero. Where every addition of a
/// world adds its own power of ten, a digit says how often it took effect.
public enum DecimalChange: Change, Hashable {
  case add(Int)
  /// Refuses unless the number is the first; makes it the second.
  case swap(Int, for: Int)
  case get
  case delete

  /// What was there instead.
  public struct Refusal: Hashable, Sendable {
    /// The number found.
    public var found: Int
  }

  /// Runs it.
  public func apply(to current: Register) -> Decision<Int, Refusal> {
    let number = current.number
    switch self {
    case .add(let amount): return .write(Bytes(String(number + amount)), number + amount)
    case .swap(let old, let new):
      return number == old ? .write(Bytes(String(new)), new) : .reject(Refusal(found: number))
    case .get: return .keep(number)
    case .delete: return .write(nil, 0)
    }
  }

  /// Only `get`.
  public var isReadOnly: Bool { self == .get }
}

extension Register {
  /// The decimal number that it holds; -1 where it holds something else.
  var number: Int { value.map { Int(String(decoding: $0.array, as: UTF8.self)) ?? -1 } ?? 0 }
}
