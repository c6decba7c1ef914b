import SynodRuntime

/// Writes figures in Prometheus's text format, version 0.0.4.
struct PrometheusText {
  typealias Labels = [(name: String, value: String)]

  private(set) var text = ""

  /// What only rises. Its name ends with `_total`.
  mutating func counter(_ name: String, _ help: String, _ value: UInt64) {
    counters(name, help, [([], value)])
  }

  mutating func counters(_ name: String, _ help: String, _ samples: [(Labels, UInt64)]) {
    head(name, help, "counter")
    for (labels, value) in samples { sample(name, labels, "\(value)") }
  }

  /// What rises and falls.
  mutating func gauge(_ name: String, _ help: String, _ value: some BinaryInteger) {
    head(name, help, "gauge")
    sample(name, [], "\(value)")
  }

  mutating func gauges(_ name: String, _ help: String, _ samples: [(Labels, Int)]) {
    head(name, help, "gauge")
    for (labels, value) in samples { sample(name, labels, "\(value)") }
  }

  /// What is counted in microseconds and told in seconds.
  mutating func seconds(counter name: String, _ help: String, microseconds: UInt64) {
    head(name, help, "counter")
    sample(name, [], Self.seconds(microseconds))
  }

  /// Durations. Its name ends with `_seconds`.
  mutating func histogram(
    _ name: String, _ help: String, _ samples: [(Labels, LatencyHistogram)]
  ) {
    head(name, help, "histogram")
    for (labels, times) in samples {
      for exponent in Self.exponents {
        let bound = Self.seconds(1 << exponent)
        sample(
          name + "_bucket", labels + [("le", bound)], "\(times.count(throughPower: exponent))")
      }
      sample(name + "_bucket", labels + [("le", "+Inf")], "\(times.count)")
      sample(name + "_sum", labels, Self.seconds(times.sum))
      sample(name + "_count", labels, "\(times.count)")
    }
  }

  /// From 16 microseconds to 16 seconds.
  private static let exponents = 4...24

  private mutating func head(_ name: String, _ help: String, _ kind: String) {
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n"
  }

  private mutating func sample(_ name: String, _ labels: Labels, _ value: String) {
    text += name
    if !labels.isEmpty {
      let list = labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }
      text += "{\(list.joined(separator: ","))}"
    }
    text += " \(value)\n"
  }

  private static func escaped(_ value: String) -> String {
    var escaped = ""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\\": escaped += "\\\\"
      case "\"": escaped += "\\\""
      case "\n": escaped += "\\n"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }

  static func seconds(_ microseconds: UInt64) -> String {
    let fraction = "\(microseconds % 1_000_000)"
    return "\(microseconds / 1_000_000)." + String(repeating: "0", count: 6 - fraction.utf8.count)
      + fraction
  }
}
