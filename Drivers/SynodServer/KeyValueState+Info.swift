import KeyValue

/// What `INFO` and the metrics show of a state that every node holds.
extension KeyValueState {
  var infoFields: [(String, String)] {
    [
      ("keys", "\(count)"), ("leases", "\(leaseCount)"), ("bytes", "\(bytes)"),
      ("digest", String(digest, radix: 16)),
    ]
  }

  func writeMetrics(into page: inout PrometheusText) {
    page.gauge("synod_keys", "Keys.", count)
    page.gauge("synod_leases", "Leases that are held.", leaseCount)
    page.gauge("synod_state_bytes", "Bytes of keys and values.", bytes)
  }
}
