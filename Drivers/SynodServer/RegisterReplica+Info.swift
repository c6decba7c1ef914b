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

  func obstacle(reachable: Set<VoterID>) -> String? {
    node.machine.configuration.obstacle(reachable: reachable)
  }

  func writeMetrics(into page: inout PrometheusText) {
    let done = node.machine.statistics
    page.gauge("synod_open_proposals", "Proposals under way.", node.machine.openProposals)
    page.gauge(
      "synod_epoch", "Of the members' configuration.", node.machine.configuration.epoch.rawValue)
    page.gauge("synod_registers", "Registers, tombstones included.", node.machine.registerCount)
    page.counter("synod_rounds_chosen_total", "Rounds whose value was chosen.", done.chosen)
    page.counter(
      "synod_rounds_in_one_trip_total", "Of them, those of one round trip.", done.oneRoundTrip)
    page.counter("synod_prepares_total", "Ballots that were prepared.", done.prepares)
    page.counter("synod_changes_total", "Changes that were applied.", done.changes)
    page.counter("synod_fast_reads_total", "Reads of one round trip.", done.fastReads)
    page.counter(
      "synod_read_fallbacks_total", "Reads that had to settle a value.", done.readFallbacks)
    page.counter("synod_conflicts_total", "Rounds lost to another proposer.", done.conflicts)
    page.counter(
      "synod_retransmissions_total", "Requests that were sent again.", done.retransmissions)
    page.counter("synod_registers_erased_total", "Tombstones that were given back.", done.erased)
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
