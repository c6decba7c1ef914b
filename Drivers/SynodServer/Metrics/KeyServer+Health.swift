import Synod
import SynodRuntime
import UV

/// What scrapers and probes are told.
extension KeyServer {
  /// - Returns: nil where there is nothing at this path.
  func page(_ path: String) -> HealthListener.Page? {
    switch path {
    case "/metrics":
      HealthListener.Page(
        type: "text/plain; version=0.0.4; charset=utf-8", body: MetricsPage(self).text)
    // Whoever gets an answer knows that the loop turns.
    case "/livez": HealthListener.Page(body: "alive\n")
    case "/readyz":
      if let obstacle {
        HealthListener.Page(refusal: "503 Service Unavailable", body: "not ready: \(obstacle)\n")
      } else {
        HealthListener.Page(body: "ready\n")
      }
    default: nil
    }
  }

  /// Why commands of clients cannot be done here now; nil where they can, as far as this node knows.
  var obstacle: String? {
    if isDraining { return "this node is stopping" }
    if let why = node.storageFailure { return "the storage failed: \(why)" }
    let state = replica.state
    if state != "ok" { return "the node's state is \(state)" }
    if node.storage.isLowOnSpace { return "the disk is almost full" }
    return replica.obstacle(reachable: reachable)
  }
}

extension Configuration {
  /// Why there is no quorum among `reachable`; nil where there is one.
  func obstacle(reachable: Set<VoterID>) -> String? {
    for component in [component] + (incoming.map { [$0] } ?? []) {
      let found = component.voters.count { reachable.contains($0) }
      let needed = component.quorums.needed
      if found < needed {
        return "\(found) of \(component.voters.count) voters can be reached, \(needed) are needed"
      }
    }
    return nil
  }
}
