import EPaxos
import KeyValue
import Synod
import SynodRuntime

/// What `INFO` and `SYNOD.MEMBERS` show.
extension LeaderlessReplica {
  /// All nodes are alike.
  var replicationFields: Fields {
    let membership = node.machine.membership
    let configuration = membership.configuration
    let names = membership.members.map {
      "\($0.voter)=\(String(decoding: $0.address.array, as: UTF8.self))"
    }
    let role = node.machine.isVoter ? "voter" : node.machine.hasState ? "learner" : "joining"
    let thresholds = Thresholds(voters: configuration.voters.count)
    return [
      ("role", "master"), ("consensus_role", role),
      ("cluster_size", "\(configuration.voters.count)"), ("fast_quorum", "\(thresholds.fast)"),
      ("slow_quorum", "\(thresholds.slow)"), ("epoch", "\(configuration.epoch)"),
      ("members", names.joined(separator: ",")),
    ]
  }

  var consensusFields: Fields {
    let done = node.machine.statistics
    let status = node.machine.status
    return [
      ("open_proposals", "\(status.open)"), ("open_recoveries", "\(status.recoveries)"),
      ("instances_executed", "\(status.executed)"), ("void", "\(done.nops)"),
      ("fast_path", "\(done.fast)"), ("slow_path", "\(done.slow)"),
      ("resubmitted", "\(done.resubmitted)"), ("recoveries", "\(done.recoveries)"),
      ("retransmissions", "\(done.retransmissions)"), ("fetched", "\(done.fetched)"),
      ("snapshots_installed", "\(done.installed)"), ("instances_forgotten", "\(done.truncated)"),
    ]
  }

  var keyspaceFields: Fields { node.machine.app.infoFields }

  var state: String {
    switch node.machine.stopped {
    case .storageFailed: "storage_failed"
    case .machineStopped, .deadline, .cancelled, .forgotten, .notAMember, .countersExhausted,
      .blankStore:
      "stopped"
    case nil: "ok"
    }
  }

  func obstacle(reachable: Set<VoterID>) -> String? {
    node.machine.membership.configuration.obstacle(reachable: reachable)
  }

  func writeMetrics(into page: inout PrometheusText) {
    let done = node.machine.statistics
    let status = node.machine.status
    page.gauge("synod_open_proposals", "Proposals under way.", status.open)
    page.gauge("synod_open_recoveries", "Recoveries under way.", status.recoveries)
    node.machine.app.writeMetrics(into: &page)
    page.counter(
      "synod_instances_executed_total", "Instances that were executed.", done.executed)
    page.counter("synod_instances_void_total", "Of those, void ones.", done.nops)
    page.counter(
      "synod_fast_path_total", "Own instances that were decided in one round trip.", done.fast)
    page.counter("synod_slow_path_total", "Own instances that took two.", done.slow)
    page.counter(
      "synod_resubmitted_total", "Proposals whose instance became void, and that began anew.",
      done.resubmitted)
    page.counter("synod_recoveries_total", "Recoveries that were begun.", done.recoveries)
    page.counter(
      "synod_retransmissions_total", "Requests that were sent again.", done.retransmissions)
    page.counter("synod_instances_fetched_total", "Decisions that others gave.", done.fetched)
    page.counter(
      "synod_snapshots_installed_total", "Snapshots that were taken over.", done.installed)
    page.counter("synod_instances_forgotten_total", "Instances forgotten.", done.truncated)
  }
}
