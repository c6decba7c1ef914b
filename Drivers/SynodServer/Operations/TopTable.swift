/// What `synod top` shows: a line for each node, from what `INFO` said there, now and a while ago.
struct TopTable {
  /// What one node said at one moment.
  struct Sample {
    /// Microseconds of a clock that never goes back.
    var moment: UInt64
    var fields: [String: String]

    init(moment: UInt64, info: String) {
      self.moment = moment
      fields = [:]
      for line in info.split(whereSeparator: \.isNewline) {
        let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2 { fields[String(parts[0])] = String(parts[1]) }
      }
    }

    func number(_ field: String) -> UInt64? { fields[field].flatMap { UInt64($0) } }
  }

  struct Row {
    var address: String
    var newest: Sample?
    var earlier: Sample?
    /// Why there is no sample.
    var failure: String?
  }

  private static let head = [
    "NODE", "ADDRESS", "STATE", "ROLE", "CLIENTS", "COMMANDS/S", "IN B/S", "OUT B/S", "OPEN",
    "SYNC p50", "SYNC p99", "PEERS", "ROUND TRIP", "KEYS", "LAG",
  ]

  static func lines(_ rows: [Row]) -> [String] {
    let furthest = rows.compactMap { $0.newest?.number("chosen_slot") }.max()
    let table = [head] + rows.map { cells($0, furthest) }
    let widths = head.indices.map { column in table.map { $0[column].count }.max() ?? 0 }
    var lines = table.map { row in
      var line = ""
      for (cell, width) in zip(row, widths) {
        line += cell + String(repeating: " ", count: width - cell.count + 2)
      }
      while line.last == " " { line.removeLast() }
      return line
    }
    for row in rows {
      if let failure = row.failure { lines.append("\(row.address): \(failure)") }
    }
    return lines
  }

  private static func cells(_ row: Row, _ furthest: UInt64?) -> [String] {
    guard let now = row.newest else {
      return ["-", row.address, "down"] + [String](repeating: "-", count: head.count - 3)
    }
    let lag = furthest.flatMap { furthest in
      now.number("applied_slot").map { furthest > $0 ? furthest - $0 : 0 }
    }
    return [
      now.fields["node_id"] ?? "-", row.address, now.fields["state"] ?? "-",
      now.fields["consensus_role"] ?? now.fields["role"] ?? "-",
      now.fields["connected_clients"] ?? "-", rate("total_commands_processed", row),
      rate("total_net_input_bytes", row), rate("total_net_output_bytes", row),
      now.fields["open_proposals"] ?? "-", time(now.number("sync_median_us")),
      time(now.number("sync_p99_us")), now.fields["connected_peers"] ?? "-", roundTrips(now),
      now.fields["registers"] ?? now.fields["keys"] ?? "-", lag.map { "\($0)" } ?? "-",
    ]
  }

  /// How much a field has grown in a second; nothing where the node was started anew in between.
  private static func rate(_ field: String, _ row: Row) -> String {
    guard let newest = row.newest, let earlier = row.earlier, newest.moment > earlier.moment,
      let now = newest.number(field), let before = earlier.number(field), now >= before
    else { return "-" }
    let time = newest.moment - earlier.moment
    return short((now - before).multipliedFullWidth(by: 1_000_000), dividedBy: time)
  }

  private static func short(_ value: (high: UInt64, low: UInt64), dividedBy time: UInt64) -> String
  {
    guard value.high < time else { return "-" }
    return short(time.dividingFullWidth(value).quotient)
  }

  /// Three digits or so.
  static func short(_ number: UInt64) -> String {
    switch number {
    case ..<10_000: "\(number)"
    case ..<10_000_000: "\(number / 1000)k"
    case ..<10_000_000_000: "\(number / 1_000_000)M"
    default: "\(number / 1_000_000_000)G"
    }
  }

  /// - Parameter microseconds: nil where it is not known.
  static func time(_ microseconds: UInt64?) -> String {
    guard let microseconds else { return "-" }
    return switch microseconds {
    case ..<1000: "\(microseconds) µs"
    case ..<10_000: "\(microseconds / 1000).\(microseconds / 100 % 10) ms"
    case ..<10_000_000: "\(microseconds / 1000) ms"
    default: "\(microseconds / 1_000_000) s"
    }
  }

  /// The shortest and the longest to a peer.
  private static func roundTrips(_ sample: Sample) -> String {
    var times: [UInt64] = []
    for (field, value) in sample.fields where field.hasPrefix("peer") {
      guard let part = value.split(separator: ",").first(where: { $0.hasPrefix("rtt_us=") }),
        let time = UInt64(part.dropFirst("rtt_us=".count))
      else { continue }
      times.append(time)
    }
    guard let shortest = times.min(), let longest = times.max() else { return "-" }
    return shortest == longest ? time(longest) : "\(time(shortest)) … \(time(longest))"
  }
}
