public import Synod

/// What every node tells its application. None is to be answered. After a restart, what was applied
/// before is not told again; what a snapshot leaps over is not told at all.
public enum Effect<App: ReplicatedState>: Sendable {
  /// A command was applied in this slot.
  case event(App.Event, at: Slot)
  /// Who leads, as far as this node knows; nobody where it misses its leader.
  case leader(VoterID?)
  /// These are the members from this slot on: told when that stands in the log, and again when all slots
  /// before are applied. Whom a node has to do with meanwhile says `Machine.peers`.
  case membership(Membership, from: Slot)
  /// The lease of this name is over, or was given back.
  case leaseEnded(Bytes, Lease)
  /// The state is that of another node's snapshot, after this slot.
  case installed(Slot)
  /// After this slot this node's state was not that of the others. It answers and votes no more: its
  /// store is to be given up, and to be replaced by a new one (`StartMode.recover`).
  case diverged(Slot)
  /// This node is a member no more, and as many of those who are know durably all that it took part in,
  /// up to this slot, as whoever leads from now on cannot pass by (rule 21). It may be stopped for
  /// ever, and its store deleted.
  case retired(Slot)
  /// This node's store does not hold what another node heard it acknowledge: it was rolled back, or it
  /// is another one. The node answers and votes no more, and is to be replaced by a new one
  /// (`StartMode.recover`).
  case rolledBack
}

extension Effect: Equatable where App.Event: Equatable {}
extension Effect: Hashable where App.Event: Hashable {}
