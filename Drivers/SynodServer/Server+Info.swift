import Glibc
import Synod
import SynodRuntime
import UV

/// What `INFO` shows.
extension KeyServer {
  /// - Parameter isNarrow: without what tells of all keys and of other nodes.
  func info(_ sections: [String], isNarrow: Bool = false) -> String {
    let all =
      sections.isEmpty || sections.contains { ["all", "default", "everything"].contains($0) }
    var parts: [String] = []
    for (name, body) in infoSections where all || sections.contains(name) {
      if isNarrow, Self.wideSections.contains(name) { continue }
      var part = "# " + name.prefix(1).uppercased() + name.dropFirst() + "\r\n"
      for (field, value) in body() { part += "\(field):\(value)\r\n" }
      parts.append(part)
    }
    return parts.joined(separator: "\r\n")
  }

  private static var wideSections: [String] { ["replication", "peers", "consensus", "keyspace"] }

  private typealias Fields = [(String, String)]

  private var infoSections: [(String, () -> Fields)] {
    [
      ("server", serverFields), ("clients", clientFields), ("replication", replicationFields),
      ("peers", peerFields), ("consensus", { self.replica.consensusFields }),
      ("persistence", persistenceFields), ("stats", statsFields),
      ("keyspace", { self.replica.keyspaceFields }),
    ]
  }

  private func serverFields() -> Fields {
    [
      ("redis_version", Release.redisVersion), ("synod_version", Release.version),
      ("redis_mode", "standalone"), ("process_id", "\(getpid())"),
      ("tcp_port", "\(port)"), ("tls", encryption == nil ? "off" : "on"),
      ("tls_clients", encryption?.settings.clients.rawValue ?? "off"),
      ("tls_certificate_ends_at", encryption.map { "\($0.end)" } ?? "-"),
      ("uptime_in_seconds", "\((node.loop.now - startedAt) / 1000)"),
    ]
  }

  private func clientFields() -> Fields {
    [
      ("connected_clients", "\(census.count)"), ("maxclients", "\(configuration.maxClients)"),
      ("command_bytes_under_way", "\(costUnderWay)"), ("reply_bytes_held", "\(repliesHeld)"),
      ("total_connections_received", "\(counters.connectionsAccepted)"),
      ("rejected_connections", "\(counters.connectionsRefused)"),
      ("closed_for_not_reading", "\(counters.closedForNotReading)"),
      ("closed_for_not_sending", "\(counters.closedForNotSending)"),
      ("closed_for_not_logging_in", "\(counters.closedForNotLoggingIn)"),
      ("closed_for_bad_tls", "\(counters.closedForTLS)"),
      ("logins_granted", "\(counters.loginsGranted)"),
      ("logins_refused", "\(counters.loginsRefused)"),
      ("protocol_errors", "\(counters.protocolErrors)"),
    ]
  }

  private func replicationFields() -> Fields {
    let connected = node.transport.peers.count { $0.state == .connected }
    return [("protocol", Backend.protocolName), ("node_id", "\(identity.voter)")]
      + replica.replicationFields + [("connected_peers", "\(connected)"), ("state", state)]
  }

  private var state: String {
    if node.storageFailure != nil { return "storage_failed" }
    let state = replica.state
    return state == "ok" && node.storage.isLowOnSpace ? "low_on_space" : state
  }

  private func peerFields() -> Fields {
    node.transport.peers.map { peer in
      let state =
        switch peer.state {
        case .connected: "connected"
        case .connecting: "connecting"
        case .down(let why): "down (\(plain(why)))"
        }
      let roundTrip = peer.roundTripMicroseconds.map { "\($0)" } ?? "-"
      return (
        "peer\(peer.voter)",
        "addr=\(peer.address),state=\(state),queued=\(peer.queuedBytes),sent=\(peer.sentBytes),"
          + "received=\(peer.receivedBytes),dropped=\(peer.dropped),rtt_us=\(roundTrip)"
      )
    }
  }

  private func persistenceFields() -> Fields {
    let storage = node.storage.statistics
    return [
      ("batches", "\(storage.batches)"), ("syncs", "\(storage.syncs)"),
      ("bytes_written", "\(storage.bytesWritten)"), ("queued_bytes", "\(storage.queuedBytes)"),
      ("sync_last_us", "\(storage.lastSyncMicroseconds)"),
      ("sync_median_us", "\(storage.medianSyncMicroseconds)"),
      ("sync_p99_us", "\(storage.p99SyncMicroseconds)"),
      ("sync_max_us", "\(storage.maxSyncMicroseconds)"),
      ("checkpoints", "\(storage.checkpoints)"),
      ("checkpoint_under_way", storage.isCheckpointing ? "1" : "0"),
      ("checkpoint_last_ms", "\(storage.lastCheckpointMilliseconds)"),
      ("checkpoint_failure", plain(storage.checkpointFailure ?? "-")),
      ("storage_failure", plain(node.storageFailure ?? "-")),
    ]
  }

  private func statsFields() -> Fields {
    let done = node.counters
    return [
      ("total_commands_processed", "\(counters.commands)"),
      ("total_net_input_bytes", "\(counters.bytesReceived)"),
      ("total_net_output_bytes", "\(counters.bytesSent)"),
      ("not_applied", "\(counters.notApplied)"), ("unknown", "\(counters.unknown)"),
      ("refused", "\(counters.refused)"), ("turns", "\(done.turns)"),
      ("longest_turn_ms", "\(node.loop.longestTurn)"),
      ("longest_work_ms", "\(node.loop.longestWork)"),
      ("longest_stall_ms", "\(node.loop.longestStall)"),
      ("messages_sent", "\(done.messagesSent)"), ("messages_received", "\(done.messagesReceived)"),
      ("payloads_refused", "\(done.payloadsRefused)"),
      ("messages_too_large", "\(done.messagesTooLarge)"),
    ]
  }

  private func plain(_ text: String) -> String {
    String(text.map { $0.isNewline ? " " : $0 })
  }
}
