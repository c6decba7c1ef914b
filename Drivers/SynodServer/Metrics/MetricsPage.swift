import Glibc
import Synod
import SynodRuntime
import UV

/// The figures of a server, as Prometheus reads them.
struct MetricsPage<Backend: Replica> {
  private let server: KeyServer<Backend>
  private var page = PrometheusText()

  init(_ server: KeyServer<Backend>) {
    self.server = server
    writeProcess()
    writeClients()
    writeRequests()
    writeStorage()
    writePeers()
    writeNode()
    server.replica.writeMetrics(into: &page)
  }

  var text: String { page.text }

  private mutating func writeProcess() {
    page.gauges(
      "synod_build_info", "Which program this is; always 1.",
      [([("version", Release.version), ("protocol", Backend.protocolName)], 1)])
    page.gauges(
      "synod_node_info", "Which node this is; always 1.",
      [([("node", "\(server.identity.voter)"), ("cluster", "\(server.identity.cluster)")], 1)])
    page.gauge(
      "synod_ready", "Whether commands of clients can be done here, as /readyz says.",
      server.obstacle == nil ? 1 : 0)
    page.gauge(
      "synod_uptime_seconds", "How long the server has run.",
      (server.node.loop.now - server.startedAt) / 1000)
    if let encryption = server.encryption {
      page.gauge(
        "synod_tls_certificate_end_timestamp_seconds",
        "When the time of this node's certificate is over.", encryption.end)
    }
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    let spent = [usage.ru_utime, usage.ru_stime].reduce(UInt64(0)) { sum, time in
      sum + UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_usec)
    }
    page.seconds(
      counter: "process_cpu_seconds_total", "Processor time of the process.", microseconds: spent)
    page.gauge(
      "process_max_resident_memory_bytes", "The most memory that the process has held.",
      usage.ru_maxrss * 1024)
  }

  private mutating func writeClients() {
    let counters = server.counters
    page.gauge("synod_clients", "Clients that are connected.", server.census.count)
    page.gauge(
      "synod_clients_limit", "Clients that may be connected.", server.configuration.maxClients)
    page.counter(
      "synod_client_connections_accepted_total", "Connections of clients that were accepted.",
      counters.connectionsAccepted)
    page.counter(
      "synod_client_connections_refused_total", "Connections of clients above the limit.",
      counters.connectionsRefused)
    page.counters(
      "synod_client_connections_closed_total", "Connections that were closed on their clients.",
      [
        ([("reason", "not_reading")], counters.closedForNotReading),
        ([("reason", "not_sending")], counters.closedForNotSending),
        ([("reason", "not_logging_in")], counters.closedForNotLoggingIn),
        ([("reason", "bad_tls")], counters.closedForTLS),
      ])
    page.counter(
      "synod_client_protocol_errors_total", "Bytes of clients that were no commands.",
      counters.protocolErrors)
    page.counters(
      "synod_client_logins_total", "Passwords that were looked at.",
      [
        ([("result", "granted")], counters.loginsGranted),
        ([("result", "refused")], counters.loginsRefused),
      ])
    page.counter(
      "synod_client_received_bytes_total", "Bytes that clients sent.", counters.bytesReceived)
    page.counter(
      "synod_client_sent_bytes_total", "Bytes that were sent to clients.", counters.bytesSent)
  }

  private mutating func writeRequests() {
    let counters = server.counters
    page.counter("synod_commands_total", "Commands that were understood.", counters.commands)
    page.counters(
      "synod_commands_failed_total",
      "Commands without effect, those of which it is not known, and those refused before a try.",
      [
        ([("result", "not_applied")], counters.notApplied),
        ([("result", "unknown")], counters.unknown), ([("result", "refused")], counters.refused),
      ])
    page.gauge(
      "synod_commands_under_way_bytes", "What commands under way hold.", server.costUnderWay)
    page.histogram(
      "synod_request_duration_seconds",
      "How long commands on keys took, from being read to being answered.",
      [
        ([("kind", "read")], server.meter.reads.pointee),
        ([("kind", "write")], server.meter.writes.pointee),
      ])
  }

  private mutating func writeStorage() {
    let storage = server.node.storage.statistics
    page.histogram(
      "synod_storage_sync_duration_seconds",
      "How long the disk took to make a write of the log durable.", [([], storage.syncTimes)])
    page.counter(
      "synod_storage_batches_total", "Batches of records that became durable.", storage.batches)
    page.counter(
      "synod_storage_written_bytes_total", "Bytes of the log that were written.",
      storage.bytesWritten)
    page.gauge("synod_storage_queued_bytes", "Bytes that wait to be written.", storage.queuedBytes)
    page.counter("synod_storage_checkpoints_total", "Checkpoints that count.", storage.checkpoints)
    page.gauge(
      "synod_storage_low_on_space", "Whether writes are refused, for the disk is almost full.",
      server.node.storage.isLowOnSpace ? 1 : 0)
    page.gauge(
      "synod_storage_failed", "Whether the storage failed: the node votes no more.",
      server.node.storageFailure == nil ? 0 : 1)
  }

  private mutating func writePeers() {
    let peers = server.node.transport.peers.map { peer in
      ([(name: "peer", value: "\(peer.voter)")], peer)
    }
    page.gauges(
      "synod_peer_connected", "Whether the peer is reached.",
      peers.map { ($0, $1.state == .connected ? 1 : 0) })
    page.histogram(
      "synod_peer_round_trip_duration_seconds", "How long pings took to the peer and back.",
      peers.map { ($0, $1.roundTrips) })
    page.gauges(
      "synod_peer_queued_bytes", "Bytes that wait to be sent to the peer.",
      peers.map { ($0, $1.queuedBytes) })
    page.counters(
      "synod_peer_sent_bytes_total", "Bytes that were sent to the peer.",
      peers.map { ($0, $1.sentBytes) })
    page.counters(
      "synod_peer_received_bytes_total", "Bytes that came from the peer.",
      peers.map { ($0, $1.receivedBytes) })
    page.counters(
      "synod_peer_dropped_total", "Payloads to the peer that were dropped.",
      peers.map { ($0, $1.dropped) })
  }

  private mutating func writeNode() {
    let node = server.node.counters
    page.counter("synod_node_turns_total", "Turns that handed something on.", node.turns)
    page.counter("synod_node_records_total", "Records that were to be kept.", node.records)
    page.counter("synod_node_messages_sent_total", "Messages to peers.", node.messagesSent)
    page.counter(
      "synod_node_messages_received_total", "Messages of peers.", node.messagesReceived)
    page.counter(
      "synod_node_messages_too_large_total", "Messages that no frame takes.", node.messagesTooLarge)
    page.counter(
      "synod_node_payloads_refused_total", "Payloads of peers that were no messages.",
      node.payloadsRefused)
    page.counter(
      "synod_node_requests_dropped_total",
      "Requests of peers that were dropped, since too much waited to be written.",
      node.requestsDropped)
  }
}
