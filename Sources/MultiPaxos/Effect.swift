public import Synod

/// What every node tells its application. None is to be answered. After a restart, what was applied
/// before is not told again; what a snapshot leaps over is not told at all.
public enum Effect<App: ReplicatedState>: Sendable {
  /// A command was applied in this slot.
  case event(App.Event, at: Slot)
  /// Who leads, as far as this node knows; nobody where it misses its leader.
  case leader(VoterID?)
  /// These are the members from this slot on: peers come and go with it.
  case membership(Membership, from: Slot)
  /// The lease of this name is over, or was given back.
  case leaseEnded(Bytes, Lease)
  /// The state is that of another node's snapshot, after this slot.
  case installed(Slot)
  /// After this slot this node's state was not that of the others. It answers and votes no more: its
  /// store is to be given up, and to be replaced by a new one (`StartMode.recover`).
  case diverged(Slot)
}

extension Effect: Equatable where App.Event: Equatable {}
extension Effect: Hashable where App.Event: Hashable {}
