import KeyValue
import MultiPaxos
import Synod
import SynodRuntime

/// What a client is told of how its command ended.
extension LogReplica {
  func end(_ outcome: MultiPaxos.Outcome<KeyValueState>) -> CommandEnd {
    switch outcome {
    case .applied(let outcome, _): .outcome(outcome)
    case .answered(let outcome?, _): .outcome(outcome)
    case .answered(nil, _): .refused("ERR a command that writes was taken for one that reads")
    case .passed, .membership, .lease, .transferred: .outcome(.one(.ok))
    case .notApplied(let why): end(why)
    case .unknown(let why): .unknown(reason(why))
    }
  }

  private func end(_ why: MultiPaxos.NotApplied) -> CommandEnd {
    switch why {
    case .overloaded: .notApplied("too many commands are waiting on this node")
    case .tooLarge(let size, let limit):
      .refused(
        "ERR the command is \(size) bytes long, over the limit of \(limit); nothing was changed")
    case .notLeader: .notApplied("this node does not lead: \(leaderHint)")
    case .noLease: .notApplied("the leader has no lease at the moment")
    case .refused(let why): .refused("ERR \(why)")
    case .notAVoter(let voter): .refused("ERR \(voter) is no voter")
    case .malformed:
      .refused("ERR the command was not understood by the nodes: their versions differ")
    case .outdated: .refused("ERR a later command of this client was made since")
    case .outsideSlots: .notApplied("it came to stand elsewhere in the log than was asked")
    case .abandoned(let why): .notApplied(reason(why))
    }
  }

  private func reason(_ why: MultiPaxos.Abandoned) -> String {
    switch why {
    case .deadline:
      "no leader with a quorum answered within the time limit (--request-timeout): \(leaderHint)"
    case .cancelled: "the command was cancelled"
    case .leadershipLost: "this node led, and leads no more: \(leaderHint)"
    case .notAMember: "this node is no member of the cluster, use another node"
    case .forgotten:
      "it is not known any more what became of it: a snapshot was taken over meanwhile"
    case .countersExhausted: "no number is left for another command: check the peers"
    case .cannotStart(let problem): "\(problem)"
    case .rolledBack: "the store of this node was rolled back, use another node"
    case .shutDown, .ejected: "this node was stopped, use another node"
    case .diverged: "this node's state is not that of the others, use another node"
    case .storageFailed: "the storage of this node failed, use another node"
    case .machineStopped: "this node stopped for its own safety, use another node"
    }
  }

  /// Who leads, for people and for clients that can go there.
  var leaderHint: String {
    guard let leader else { return "no leader is known" }
    guard leader != identity.voter else { return "this node leads" }
    let address = members.first { $0.voter == leader }?.address
    let place = address.map {
      " (its peers reach it at \(String(decoding: $0.array, as: UTF8.self)))"
    }
    return "node \(leader) leads\(place ?? "")"
  }

  var members: [MultiPaxos.Member] { node.machine.schedule.newest.membership.members }
}
