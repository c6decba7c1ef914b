/// How `synod bench` measures.
struct BenchPlan {
  /// Of each row, in microseconds.
  var microseconds: UInt64
  /// Commands under way through each node.
  var depth: Int
  /// Bytes of a value.
  var valueBytes: Int
}

/// What was measured once.
struct BenchRow {
  enum Kind: String {
    /// The machines alone, all in one thread.
    case machines
    /// Processes with disks and a network, on this computer.
    case cluster
  }

  var protocolName: String
  var kind: Kind
  var nodes: Int
  /// Of a hundred commands, how many write one key.
  var conflicts: Int
  var commandsPerSecond: Double
  /// Of machines only.
  var messagesPerCommand: Double?
  /// How long a client waited, at the median and at the ninety-ninth of a hundred; of a cluster only.
  var milliseconds: (median: Double, late: Double)?
}

extension BenchRow {
  /// For programs: one object.
  var json: String {
    var fields = [
      "\"protocol\": \"\(protocolName)\"", "\"what\": \"\(kind.rawValue)\"", "\"nodes\": \(nodes)",
      "\"conflicts_percent\": \(conflicts)",
      "\"commands_per_second\": \(Int(commandsPerSecond.rounded()))",
    ]
    if let messagesPerCommand {
      fields.append("\"messages_per_command\": \(Self.decimal(messagesPerCommand, 100))")
    }
    if let milliseconds {
      fields.append("\"median_ms\": \(Self.decimal(milliseconds.median, 1000))")
      fields.append("\"p99_ms\": \(Self.decimal(milliseconds.late, 1000))")
    }
    return "{\(fields.joined(separator: ", "))}"
  }

  /// A row of the table.
  var line: String {
    func right(_ text: String, _ width: Int) -> String {
      String(repeating: " ", count: max(0, width - text.count)) + text
    }
    func left(_ text: String, _ width: Int) -> String {
      text + String(repeating: " ", count: max(0, width - text.count))
    }
    let cells = [
      left(kind.rawValue, 9), left(protocolName, 11), right("\(nodes)", 5),
      right("\(conflicts) %", 9),
      right("\(Int(commandsPerSecond.rounded()))", 11),
      right(messagesPerCommand.map { "\(Self.decimal($0, 100))" } ?? "-", 8),
      right(milliseconds.map { "\(Self.decimal($0.median, 1000))" } ?? "-", 10),
      right(milliseconds.map { "\(Self.decimal($0.late, 1000))" } ?? "-", 10),
    ]
    return cells.joined(separator: " ")
  }

  static let heading =
    "what      protocol    nodes conflicts  commands/s messages  median ms     p99 ms"

  private static func decimal(_ number: Double, _ parts: Double) -> Double {
    (number * parts).rounded() / parts
  }
}
