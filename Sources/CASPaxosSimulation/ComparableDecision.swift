internal import CASPaxos
internal import Synod

extension Change where Output: Hashable, Rejection: Hashable {
  func decision(on register: Register) -> ComparableDecision<Output, Rejection> {
    switch apply(to: register.seen) {
    case .write(let value, let output): .write(value, output)
    case .keep(let output): .keep(output)
    case .reject(let why): .reject(why)
    }
  }

  /// Whether it can have left this state because it found and kept it.
  func keeps(_ left: Register, with output: Output) -> Bool {
    if case .keep(output) = decision(on: left) { return true }
    return false
  }
}

extension Register {
  /// As changes and readers see it: one that was deleted is as one that was never written.
  var seen: Register { value == nil ? Register() : self }
}

extension Outcome {
  /// The same with another register in it.
  func telling(of register: Register) -> Outcome {
    switch self {
    case .applied(let output, _): .applied(output, register)
    case .read: .read(register)
    case .notApplied(.rejected(let why, _)): .notApplied(.rejected(why, register))
    case .listed, .membership, .notApplied, .unknown: self
    }
  }
}

/// A decision that can be compared.
enum ComparableDecision<Output: Hashable, Rejection: Hashable>: Hashable {
  case write(Bytes?, Output)
  case keep(Output)
  case reject(Rejection)
}
