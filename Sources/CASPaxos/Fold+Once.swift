public import Synod

/// Changes that are to be made once, however often they are asked for.
extension Fold {
  /// What is known of the change without running it; nil where it was not made.
  @usableFromInline
  static func recall(_ change: C, _ once: Once, from state: RegisterState) -> Result? {
    switch state.memory(of: once) {
    case .none: return nil
    case .forgotten: return Result(.unknown(.forgotten))
    case .result(let bytes):
      guard let output = change.recall(bytes) else { return Result(.unknown(.otherChange)) }
      return Result(.applied(output, state.register))
    }
  }

  /// What is kept of the output; nil where it has no form to be kept in, or one that is too long.
  @usableFromInline
  static func keep(_ change: C, _ output: C.Output) -> Bytes? {
    guard let kept = change.remember(output), kept.count <= RegisterState.Session.maxResult else {
      return nil
    }
    return kept
  }
}
