internal import CASPaxos
internal import Synod
public import SynodSimulation

extension RegisterSubject {
  /// A state that a client was told of.
  struct Sight {
    let call: Int
    let register: Register
  }

  /// Judges the versions that were told: each has one value and one writer, and follows from the one
  /// before by the writer's change.
  public mutating func verdict(budget: Int) -> HistoryVerdict {
    var sights = [[Sight]](repeating: [], count: ledger.keys.count)
    for (place, call) in calls.enumerated() {
      guard let outcome = call.outcome, let register = outcome.register else { continue }
      sights[call.key].append(Sight(call: place, register: register))
    }
    for key in sights.indices {
      sights[key].sort {
        $0.register.version != $1.register.version
          ? $0.register.version < $1.register.version : $0.call < $1.call
      }
      if let wrong = chainViolation(sights[key]) { return .violation(wrong) }
    }
    return .good
  }

  private func chainViolation(_ sights: [Sight]) -> String? {
    var previous: Sight?
    var writer: Sight?
    for sight in sights {
      let version = sight.register.version
      let id = calls[sight.call].id
      if let before = previous, before.register.version == version {
        if before.register.value != sight.register.value {
          return "proposals \(calls[before.call].id) and \(id) saw two values of \(version)"
        }
      } else {
        writer = nil
      }
      if wroteForCertain(sight) {
        if let other = writer {
          return "proposals \(calls[other.call].id) and \(id) both wrote \(version)"
        }
        writer = sight
        if let wrong = stepViolation(sight, after: previous) { return wrong }
      }
      previous = sight
    }
    return nil
  }

  private func wroteForCertain(_ sight: Sight) -> Bool {
    guard case .applied(let output, let left) = calls[sight.call].outcome,
      case .change(let change) = calls[sight.call].operation
    else { return false }
    return !change.keeps(left, with: output)
  }

  /// The change, run on the state before, gives what its client was told; where it is known what was
  /// before.
  private func stepViolation(_ sight: Sight, after previous: Sight?) -> String? {
    guard case .applied(let output, let left) = calls[sight.call].outcome,
      case .change(let change) = calls[sight.call].operation
    else { return nil }
    let wanted = ComparableDecision<C.Output, C.Rejection>.write(left.value, output)
    let version = left.version
    if version.step > 1 {
      guard let before = previous?.register, before.version.ballot == version.ballot,
        before.version.step == version.step - 1
      else { return nil }
      if change.decision(on: before) == wanted { return nil }
    } else {
      let bases = ledger.bases(of: version.ballot)
      if bases.contains(where: { change.decision(on: $0) == wanted }) { return nil }
    }
    return "proposal \(calls[sight.call].id) does not give \(version) on what was before it"
  }
}

extension Outcome {
  /// The state that the client was told of.
  var register: Register? {
    switch self {
    case .applied(_, let register), .read(let register),
      .notApplied(.rejected(_, let register)):
      register
    case .notApplied, .unknown: nil
    }
  }
}
