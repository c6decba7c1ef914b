import CASPaxos
import Synod
import SynodRuntime

/// What `INFO` shows of registers.
extension RegisterReplica {
  /// Every node takes reads and writes: to a Redis client, each is a master.
  var replicationFields: Fields {
    let configuration = node.machine.configuration
    let quorums = configuration.component.quorums
    return [
      ("role", "master"), ("cluster_size", "\(quorums.voters)"),
      ("prepare_quorum", "\(quorums.prepare)"), ("accept_quorum", "\(quorums.accept)"),
      ("epoch", "\(configuration.epoch)"), ("members", members),
    ]
  }

  private var members: String {
    node.machine.membership.members.map {
      "\($0.voter)=\(String(decoding: $0.address.array, as: UTF8.self))"
    }.joined(separator: ",")
  }

  var state: String {
    switch node.machine.stopped {
    case .storageFailed: "storage_failed"
    case .machineStopped, .deadline, .cancelled, .ballotsExhausted, .forgotten, .otherChange,
      .notAMember:
      "stopped"
    case nil: "ok"
    }
  }

  var consensusFields: Fields {
    let done = node.machine.statistics
    return [
      ("open_proposals", "\(node.machine.openProposals)"), ("rounds_chosen", "\(done.chosen)"),
      ("rounds_in_one_trip", "\(done.oneRoundTrip)"), ("prepares", "\(done.prepares)"),
      ("changes", "\(done.changes)"), ("fast_reads", "\(done.fastReads)"),
      ("read_fallbacks", "\(done.readFallbacks)"), ("conflicts", "\(done.conflicts)"),
      ("resolutions", "\(done.resolutions)"), ("retransmissions", "\(done.retransmissions)"),
    ]
  }

  /// Registers, not keys: a deleted key leaves a tombstone for a while.
  var keyspaceFields: Fields {
    let done = node.machine.statistics
    return [
      ("registers", "\(node.machine.registerCount)"), ("collected", "\(done.collected)"),
      ("erased", "\(done.erased)"), ("floor", "\(node.machine.floor)"),
    ]
  }
}
