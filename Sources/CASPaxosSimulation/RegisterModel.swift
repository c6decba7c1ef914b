internal import CASPaxos
internal import Synod
internal import SynodSimulation

/// A call as a sequential register judges it.
enum RegisterStep<C: Change>: Sendable where C.Output: Hashable, C.Rejection: Hashable {
  /// It saw this and left it as it is.
  case saw(Register)
  /// It was applied to a state of one of the versions `before` (empty where that is not known), gave
  /// the output and left this; or, where that is not known either, it found and kept it.
  case wrote(C, C.Output, Register, before: [Version])
  /// Nobody knows whether it was applied.
  case open(C)
}

/// A register whose versions are told apart from its values: what the witness check walks along.
struct ValueModel<C: Change>: SequentialModel where C.Output: Hashable, C.Rejection: Hashable {
  typealias Operation = RegisterStep<C>

  var initial: Bytes? { nil }

  func after(_ step: RegisterStep<C>, on value: Bytes?) -> Bytes?? {
    switch step {
    case .saw(let register): return register.value == value ? .some(value) : nil
    case .wrote(let change, let output, let left, let before):
      let versions = before.isEmpty ? [Version.zero] : before
      for version in versions {
        let decision = change.decision(on: Register(value: value, version: version))
        if decision == .write(left.value, output) { return .some(left.value) }
      }
      return nil
    case .open(let change):
      switch change.apply(to: Register(value: value, version: .untold).seen) {
      case .write(let next, _): return .some(next)
      case .keep, .reject: return .some(value)
      }
    }
  }
}

/// A register with its versions: what the search for an order tries. A write that nobody was told of
/// leaves a version that nobody knows, until someone sees it.
struct RegisterModel<C: Change>: SequentialModel where C.Output: Hashable, C.Rejection: Hashable {
  typealias Operation = RegisterStep<C>

  var initial: Register { Register() }

  func after(_ step: RegisterStep<C>, on state: Register) -> Register? {
    switch step {
    case .saw(let register): return isIt(state, register) ? register : nil
    case .wrote(let change, let output, let left, _):
      switch change.decision(on: state) {
      case .write(left.value, output): return left
      case .keep(output): return isIt(state, left) ? left : nil
      case .write, .keep, .reject: return nil
      }
    case .open(let change):
      switch change.apply(to: state.seen) {
      case .write(let value, _): return Register(value: value, version: .untold)
      case .keep, .reject: return state
      }
    }
  }

  private func isIt(_ state: Register, _ told: Register) -> Bool {
    state.value == told.value
      && (state.version == told.version || [state.version, told.version].contains(.untold))
  }
}

extension Version {
  /// No change can name it, since nobody was told of it.
  static var untold: Version {
    Version(
      ballot: Ballot(epoch: Epoch(.max), counter: Ballot.counterLimit, voter: VoterID(.max)),
      step: .max)
  }
}

extension Outcome {
  /// The state that the client was told of.
  var register: Register? {
    switch self {
    case .applied(_, let register), .read(let register), .notApplied(.rejected(_, let register)):
      register
    case .listed, .notApplied, .unknown, .membership: nil
    }
  }
}
