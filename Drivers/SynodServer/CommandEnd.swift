import KeyValue

/// How a whole command ended.
enum CommandEnd {
  case outcome(KeyValueOutcome)
  /// The command itself is at fault: the text of the error reply.
  case refused(String)
  /// Nothing happened and never will, and why.
  case notApplied(String)
  /// It may have happened, or may yet, and why.
  case unknown(String)

  /// What a client is told where there is no outcome.
  func failure(_ claim: Claim) -> Answer.Failure? {
    switch self {
    case .outcome: nil
    case .refused(let text): .refused(text)
    case .notApplied(let why): claim == .retry ? .retried(why) : .notApplied(why)
    case .unknown(let why):
      switch claim {
      case .readOnly: .notApplied(why)
      case .writes: .unknown(why)
      case .once, .retry: .unknownOnce(why)
      }
    }
  }
}
