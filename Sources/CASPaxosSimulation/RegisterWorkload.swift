public import CASPaxos
public import Synod

/// What clients do to registers in a simulated world.
public protocol RegisterWorkload: Sendable {
  /// The changes that they propose. A change must be deterministic to be judged.
  associatedtype C: Change where C.Output: Hashable, C.Rejection: Hashable

  /// Draws its mix of operations.
  init(random: inout SplitMix)

  /// The next operation of a client, on a register of its choice.
  /// - Parameter number: of the operation in the run, from 1; unique.
  mutating func operation(number: UInt64, random: inout SplitMix) -> CASPaxos.Operation<C>
}
