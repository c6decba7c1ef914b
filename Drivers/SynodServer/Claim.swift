import KeyValue
import Synod

/// What a command may have done, and so what its failure means.
enum Claim {
  /// It never writes: however it ended, it had no effect.
  case readOnly
  case writes
  /// It writes, and is made once however often it is sent (`SYNOD.ONCE`).
  case once
  /// As `once`, and an earlier attempt may have written.
  case retry

  init(_ change: KeyValueChange, _ once: Once? = nil) {
    guard !change.isReadOnly else {
      self = .readOnly
      return
    }
    self = once.map { $0.isRetry ? .retry : .once } ?? .writes
  }

  init(_ operation: KeyOperation) {
    switch operation {
    case .change(let change): self.init(change)
    case .forget: self = .writes
    // What it writes is what was there.
    case .settle: self = .readOnly
    case .list: self = .readOnly
    }
  }
}
