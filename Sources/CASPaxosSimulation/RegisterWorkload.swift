public import CASPaxos
public import Synod

/// What clients do to registers in a simulated world.
public protocol RegisterWorkload: Sendable {
  /// The changes that they propose. A change must be deterministic to be judged.
  associatedtype C: Change where C.Output: Hashable, C.Rejection: Hashable

  /// Draws its mix of operations.
  init(random: inout SplitMix)

  /// The next operation of a client on a register.
  /// - Parameters:
  ///   - number: of the operation in the run, from 1; unique.
  ///   - key: the register's number, from 0.
  ///   - random: what may be drawn from: nothing else, or a run could not be repeated.
  mutating func operation(
    number: UInt64, on key: Int, random: inout SplitMix
  ) -> CASPaxos.Operation<C>

  /// A client was told of a register's state, so that what comes can be built on it.
  mutating func saw(_ register: Register, on key: Int)
}

extension RegisterWorkload {
  /// Takes no notice.
  @inlinable public mutating func saw(_ register: Register, on key: Int) {}
}
