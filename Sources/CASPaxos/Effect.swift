public import Synod

/// What a machine asks of whoever drives it, beside what is in every `Ready`. Each is to be answered
/// by `finished` with its identity.
public enum Effect: Hashable, Sendable {
  /// Tell a watcher of this.
  case observed(Observation)
}

extension Effect {
  /// What `finished` is to be called with.
  public var id: EffectID {
    switch self {
    case .observed(let observation): observation.id
    }
  }
}
