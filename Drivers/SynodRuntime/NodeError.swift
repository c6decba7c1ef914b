/// Why a node does not start, or does not take or answer a proposal.
public enum NodeError: Error, Sendable {
  /// The storage could not be read back.
  case storage(any Error)
  /// A record was read back whole and is none of this machine's, or contradicts those before it.
  case record(any Error)
  /// The transport could not begin to listen.
  case transport(any Error)
  /// The system gave no thread, no timer or no descriptor.
  case system(any Error)
  /// The node has stopped. The proposal had no effect and never will.
  case stopped
  /// The node stopped while the proposal was open: it may have had its effect, or may yet.
  case stoppedMeanwhile
  /// The space that is left is kept for votes. The proposal had no effect and never will.
  case lowOnSpace
  /// The store does not keep up, and too much waits to be written. The proposal had no effect and
  /// never will.
  case storeBehind
}

extension NodeError: CustomStringConvertible {
  /// The whole sentence, for people.
  public var description: String {
    switch self {
    case .storage(let error): "the store could not be read: \(error)"
    case .record(let error): "the store holds a record that is not this machine's: \(error)"
    case .transport(let error): "the transport could not start: \(error)"
    case .system(let error): "the node could not start: \(error)"
    case .stopped: "the node has stopped; the proposal had no effect"
    case .stoppedMeanwhile: "the node stopped meanwhile; the proposal may have had its effect"
    case .lowOnSpace: "the store is low on space; the proposal had no effect"
    case .storeBehind: "the store does not keep up; the proposal had no effect"
    }
  }
}
