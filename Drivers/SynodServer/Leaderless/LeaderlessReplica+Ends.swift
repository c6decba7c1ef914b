import EPaxos
import KeyValue

/// What a client is told of how its command ended.
extension LeaderlessReplica {
  func end(_ outcome: EPaxos.Outcome<KeyValueState>) -> CommandEnd {
    switch outcome {
    case .applied(let outcome, _): .outcome(outcome)
    case .answered(let outcome?): .outcome(outcome)
    case .answered(nil): .refused("ERR a command that writes was taken for one that reads")
    case .passed, .changed: .outcome(.one(.ok))
    case .notApplied(let why): end(why)
    case .unknown(let why): .unknown(reason(why))
    }
  }

  private func end(_ why: EPaxos.NotApplied) -> CommandEnd {
    switch why {
    case .overloaded: .notApplied("too many commands are waiting on this node")
    case .tooLarge(let size, let limit):
      .refused(
        "ERR the command is \(size) bytes long, over the limit of \(limit); nothing was changed")
    case .malformed:
      .refused("ERR the command was not understood by the nodes: their versions differ")
    case .members(let why): .refused("ERR \(why)")
    case .outdated: .refused("ERR a later command of this client was made since")
    case .abandoned(let why): .notApplied(reason(why))
    }
  }

  private func reason(_ why: EPaxos.Abandoned) -> String {
    switch why {
    case .deadline:
      "no quorum of nodes answered within the time limit (--request-timeout), or what the command "
        + "interferes with is not decided yet"
    case .cancelled: "the command was cancelled"
    case .forgotten: "this node took over a snapshot meanwhile"
    case .countersExhausted: "no number is left for another command: check the peers"
    case .blankStore: "the store of this node was to hold records, and holds none"
    case .notAMember: "this node is no member of the cluster, use another node"
    case .storageFailed: "the storage of this node failed, use another node"
    case .machineStopped: "this node stopped for its own safety, use another node"
    }
  }
}
