import KeyValue
import MultiPaxos
import Synod
import SynodRuntime

/// What `INFO` and `SYNOD.MEMBERS` show of a log.
extension LogReplica {
  /// Every node takes reads and writes; but who leads is said, too.
  var replicationFields: Fields {
    let membership = node.machine.schedule.newest.membership
    let quorums = membership.configuration.component.quorums
    let names = membership.members.map {
      "\($0.voter)=\(String(decoding: $0.address.array, as: UTF8.self))"
    }
    return [
      ("role", "master"), ("consensus_role", isLeading ? "leader" : "follower"),
      ("leader", leader.map { "\($0)" } ?? "-"), ("cluster_size", "\(quorums.voters)"),
      ("prepare_quorum", "\(quorums.prepare)"), ("accept_quorum", "\(quorums.accept)"),
      ("epoch", "\(membership.configuration.epoch)"),
      ("members", names.joined(separator: ",")),
    ]
  }

  var consensusFields: Fields {
    let done = node.machine.statistics
    let status = node.machine.status
    return [
      ("open_proposals", "\(node.machine.openProposals)"), ("ballot", "\(status.promised)"),
      ("applied_slot", "\(status.applied.rawValue)"), ("chosen_slot", "\(status.chosen.rawValue)"),
      ("first_retained_slot", "\(status.firstRetained.rawValue)"),
      ("entries_applied", "\(done.applied)"), ("fillers", "\(done.fillers)"),
      ("repeated", "\(done.repeated)"), ("candidacies", "\(done.candidacies)"),
      ("elections", "\(done.elections)"), ("heartbeats", "\(done.heartbeats)"),
      ("retransmissions", "\(done.retransmissions)"), ("fetched", "\(done.fetched)"),
      ("snapshots_installed", "\(done.installed)"),
    ]
  }

  func obstacle(reachable: Set<VoterID>) -> String? {
    guard let leader else { return "no leader is known" }
    guard reachable.contains(leader) else { return "the leader, node \(leader), cannot be reached" }
    guard isLeading else { return nil }
    return node.machine.schedule.newest.membership.configuration.obstacle(reachable: reachable)
  }

  func writeMetrics(into page: inout PrometheusText) {
    let done = node.machine.statistics
    let status = node.machine.status
    page.gauge("synod_open_proposals", "Proposals under way.", node.machine.openProposals)
    page.gauge("synod_leading", "Whether this node leads.", isLeading ? 1 : 0)
    page.gauge("synod_slot_applied", "The last slot that was applied.", status.applied.rawValue)
    page.gauge(
      "synod_slot_chosen", "The last slot that is known to be chosen.", status.chosen.rawValue)
    page.gauge("synod_slot_retained", "The first slot that is kept.", status.firstRetained.rawValue)
    node.machine.app.writeMetrics(into: &page)
    page.counter("synod_entries_applied_total", "Entries that were applied.", done.applied)
    page.counter(
      "synod_candidacies_total", "Times that this node would have led.", done.candidacies)
    page.counter("synod_elections_total", "Times that this node was elected.", done.elections)
    page.counter("synod_heartbeats_total", "Heartbeats of this node.", done.heartbeats)
    page.counter(
      "synod_retransmissions_total", "Requests that were sent again.", done.retransmissions)
    page.counter("synod_entries_fetched_total", "Entries that others gave.", done.fetched)
    page.counter(
      "synod_snapshots_installed_total", "Snapshots that were taken over.", done.installed)
  }

  var keyspaceFields: Fields { node.machine.app.infoFields }

  var state: String {
    switch node.machine.stopped {
    case .storageFailed: "storage_failed"
    case .diverged: "diverged"
    case .rolledBack: "rolled_back"
    case .machineStopped, .deadline, .cancelled, .leadershipLost, .notAMember, .forgotten,
      .countersExhausted, .cannotStart, .shutDown, .ejected:
      "stopped"
    case nil: "ok"
    }
  }
}
