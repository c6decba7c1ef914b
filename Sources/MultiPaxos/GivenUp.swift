internal import Synod

/// Why a store was given up.
public enum GivenUp: UInt8, Sendable {
  /// Its state was not that of the others (rule 47).
  case diverged = 1
  /// It did not hold what its voter had acknowledged (rule 34).
  case rolledBack = 2

  var abandoned: Abandoned {
    switch self {
    case .diverged: .diverged
    case .rolledBack: .rolledBack
    }
  }
}

extension Core {
  /// Stops for good: also when it is started again from this store.
  mutating func giveUp(_ reason: GivenUp) {
    guard stopped == nil else { return }
    stop(reason.abandoned)
    gaveUp = reason
    outbox.record(.gaveUp(reason))
  }
}
