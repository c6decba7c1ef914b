public import Synod

/// What a machine asks of whoever drives it, beside what is in every `Ready`. One with an identity is
/// to be answered by `finished` with that.
public enum Effect: Hashable, Sendable {
  /// Tell a watcher of this.
  case observed(Observation)
  /// These are the members now: decided, and durable here. Peers come and go with it.
  case membership(Membership)
}

extension Effect {
  /// What `finished` is to be called with; nil where no answer is waited for.
  public var id: EffectID? {
    switch self {
    case .observed(let observation): observation.id
    case .membership: nil
    }
  }
}
