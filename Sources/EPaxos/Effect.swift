public import Synod

/// What every node tells its application. None is to be answered. After a restart, what was executed
/// before is not told again; what a snapshot leaps over is not told at all, and neither is what was decided
/// durably before a crash and is executed when the store is read: for all of that the state speaks.
public enum Effect<State: ReplicatedState>: Sendable {
  /// A command was applied at this position: on every node, in an order that is the same for commands
  /// that interfere.
  case event(State.Event, at: UInt64)
  /// The members are these from now on.
  case members(Membership)
  /// The state is that of another node's snapshot. What it does not hold is told again behind this, also
  /// where it was told before.
  case installed
}

extension Effect: Equatable where State.Event: Equatable {}
extension Effect: Hashable where State.Event: Hashable {}
