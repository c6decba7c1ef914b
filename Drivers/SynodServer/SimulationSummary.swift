import SynodSimulation

/// What many runs came to, all together.
struct SimulationSummary {
  private(set) var runs = 0
  private(set) var repeated = 0
  /// Of all events, those of repetitions too.
  private(set) var eventsRun: UInt64 = 0
  private(set) var events: UInt64 = 0
  private(set) var operations: UInt64 = 0
  private(set) var completions: UInt64 = 0
  private(set) var microseconds: UInt64 = 0
  private(set) var undecided = 0
  private var settlings = Settlings()
  private(set) var hash = RunHash()
  private var injected = Marks()
  private var reached = Marks()

  mutating func add(_ report: RunReport, isRepeated: Bool) {
    runs += 1
    if isRepeated { repeated += 1 }
    eventsRun += isRepeated ? 2 * report.events : report.events
    events += report.events
    operations += report.operations
    completions += report.completions
    microseconds += report.microseconds
    if let settling = report.settling { settlings.add(settling) }
    if case .undecided = report.outcome { undecided += 1 }
    hash.add(report.hash)
    injected.add(report.injected)
    reached.add(report.reached)
  }

  var faults: UInt64 { injected.total }

  /// For people, line by line.
  func lines(busy: UInt64) -> [String] {
    let rate = busy == 0 ? 0 : UInt64(Double(eventsRun) / (Double(busy) / 1e9))
    var lines = [
      "runs          \(grouped(UInt64(runs))), \(grouped(UInt64(repeated))) of them twice with the "
        + "same hash",
      "events        \(grouped(events)), \(grouped(rate)) a second and core",
      "operations    \(grouped(operations)), \(grouped(completions)) answered",
      "virtual time  \(grouped(microseconds / 1_000)) ms",
    ]
    if let settling = settlings.line { lines.append("settling      \(settling)") }
    lines += Self.list("faults", injected.summary)
    lines += Self.list("reached", reached.summary)
    // Of one run that says nothing.
    if runs > 1 { lines += Self.list("NEVER REACHED", injected.never + reached.never) }
    lines.append("hash          \(hash) of all runs")
    return lines
  }

  /// How long runs took, from the end of their faults until all that was asked had ended: counted by
  /// milliseconds.
  private struct Settlings {
    private var counts: [Int] = []
    private var total = 0

    mutating func add(_ microseconds: UInt64) {
      let time = Int(microseconds / 1_000)
      while counts.count <= time { counts.append(0) }
      counts[time] += 1
      total += 1
    }

    var line: String? {
      guard total > 0 else { return nil }
      var before = 0
      let median = counts.indices.first { time in
        before += counts[time]
        return 2 * before >= total
      }
      return
        "all had ended within \(grouped(UInt64(counts.count))) ms of virtual time after the faults, "
        + "the median \(grouped(UInt64(median ?? 0))) ms"
    }
  }

  /// Counts by name, in the order in which the names came.
  private struct Marks {
    private var names: [String] = []
    private var counts: [String: UInt64] = [:]

    mutating func add(_ marks: [RunReport.Mark]) {
      for mark in marks {
        if counts[mark.name] == nil { names.append(mark.name) }
        counts[mark.name, default: 0] += mark.count
      }
    }

    var total: UInt64 { counts.values.reduce(0, +) }
    var never: [String] { names.filter { counts[$0] == 0 } }

    var summary: [String] {
      names.compactMap { name in
        counts[name].flatMap { $0 > 0 ? "\(name): \(grouped($0))" : nil }
      }
    }
  }

  /// In lines of a hundred characters, under one another.
  private static func list(_ title: String, _ parts: [String]) -> [String] {
    let indent = String(repeating: " ", count: 14)
    var lines: [String] = []
    var line = title + indent.dropFirst(title.count)
    var isFollowing = false
    for (place, part) in parts.enumerated() {
      let part = place == parts.count - 1 ? part : part + ";"
      if isFollowing, line.count + part.count >= 100 {
        lines.append(line)
        line = indent
        isFollowing = false
      }
      line += isFollowing ? " " + part : part
      isFollowing = true
    }
    if parts.isEmpty { return title == "NEVER REACHED" ? [] : [line + "nothing"] }
    return lines + [line]
  }
}

/// With a comma at every thousand.
func grouped(_ number: UInt64) -> String {
  let digits = Array("\(number)")
  var text = ""
  for (place, digit) in digits.enumerated() {
    if place > 0, (digits.count - place) % 3 == 0 { text += "," }
    text.append(digit)
  }
  return text
}
