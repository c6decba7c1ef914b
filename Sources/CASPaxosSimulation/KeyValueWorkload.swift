public import CASPaxos
public import Synod

/// What clients of a key-value store do: set, claim, increment, compare and set by version, get,
/// delete, and reads of both kinds.
public struct KeyValueWorkload: RegisterWorkload {
  /// Numbers.
  public typealias C = KeyValueChange

  /// Of a hundred operations, how many read.
  private let reads: UInt64
  /// Of a hundred of the others, how many increment, compare, claim and delete.
  private let increments: UInt64
  private let compares: UInt64
  private let claims: UInt64
  private let deletes: UInt64
  /// The version that a client was last told of, by register.
  private var versions: [Version] = []

  /// Draws how much is done of each.
  public init(random: inout SplitMix) {
    reads = [10, 40, 80][Int(random.next() % 3)]
    increments = [10, 40][Int(random.next() % 2)]
    compares = [0, 20, 40][Int(random.next() % 3)]
    // What is claimed must be free now and then.
    (claims, deletes) = [(0, 2), (10, 2), (15, 20), (5, 40)][Int(random.next() % 4)]
  }

  /// The next operation. Numbers that are set lie far enough apart for increments to tell them.
  public mutating func operation(
    number: UInt64, on key: Int, random: inout SplitMix
  ) -> CASPaxos.Operation<KeyValueChange> {
    func draw(_ count: UInt64) -> UInt64 { random.next() % count }
    if draw(100) < reads {
      switch draw(5) {
      case 0: return .barrierRead
      case 1: return .change(.get)
      default: return .read
      }
    }
    let kind = draw(100)
    if kind < increments { return .change(.increment) }
    if kind < increments + compares {
      let version = key < versions.count ? versions[key] : .zero
      return .change(.compareAndSet(version, number << 20))
    }
    if kind >= 100 - deletes { return .change(.delete) }
    // Few numbers, so that several claim the same.
    if kind >= 100 - deletes - claims { return .change(.claim((1 + number % 3) << 10)) }
    return .change(.set(number << 20))
  }

  /// Keeps the version for the next compare.
  public mutating func saw(_ register: Register, on key: Int) {
    while versions.count <= key { versions.append(.zero) }
    versions[key] = register.version
  }
}
