public import Synod

/// Changes that are to be made once, however often they are asked for.
extension Fold {
  @usableFromInline
  static func run(
    _ change: C, once: Once, on state: inout RegisterState, at ballot: Ballot, step: inout UInt32,
    within settings: Settings
  ) -> Result {
    switch state.memory(of: once) {
    case .none: break
    case .forgotten: return Result(.unknown(.forgotten))
    case .result(let bytes):
      // What another change told may mean nothing to this one.
      guard let output = change.recall(bytes) else { return Result(.unknown(.forgotten)) }
      return Result(.applied(output, state.register))
    }
    switch change.apply(to: state.register) {
    case .keep(let output): return Result(.applied(output, state.register))
    case .reject(let why): return Result(.notApplied(.rejected(why, state.register)))
    case .write(let value, let output):
      let size = value?.count ?? 0
      guard size <= settings.maxValue else {
        return Result(.notApplied(.tooLarge(size: size, limit: settings.maxValue)))
      }
      guard let result = change.remember(output), result.count <= RegisterState.Session.maxResult
      else { return Result(.notApplied(.cannotRemember)) }
      step += 1
      state = state.written(value, at: ballot, step: step)
      state.remember(result, of: once, limit: settings.maxSessions)
      return Result(.applied(output, state.written), wrote: true)
    }
  }
}
