import Glibc
#if PlantedBugs
  import Synod
#endif
import SynodSimulation

extension SimulateOptions {
  /// Checks what was typed.
  /// - Throws: what is wrong with it, and what is possible.
  init(_ command: SimulateCommand) throws(Failure) {
    guard let subject = SimulatedProtocol.named(command.subject) else {
      let names = SimulatedProtocol.all.map(\.name).joined(separator: ", ")
      throw .usage(
        "--protocol: '\(command.subject)' cannot be simulated; what can be: \(names)")
    }
    if command.seed != nil, command.seeds != nil || command.from != nil {
      throw .usage("--seed runs one seed; for many, say --seeds and, if you like, --from")
    }
    self.subject = subject
    #if PlantedBugs
      if let name = command.plant {
        guard let bug = PlantedBug.named(name) else {
          throw .usage("--plant: there is no mistake '\(name)'; 'synod simulate --help' names them")
        }
        self.subject = subject.planting(bug)
        planted = name
      }
    #endif
    count = command.seed == nil ? command.seeds ?? 100 : 1
    try Self.check("--seeds", count, 1...1_000_000_000, "runs")
    // Short enough to be typed.
    let drawn = UInt64.random(in: 0..<1_000_000_000_000)
    base = command.seed ?? command.from ?? drawn
    isDrawn = command.seed == nil && command.from == nil
    if let steps = command.steps {
      guard steps > 0 else { throw .usage("--steps: 0 is out of range; a run has 1 event or more") }
      self.steps = steps
    }
    jobs = command.jobs ?? max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    try Self.check("--jobs", jobs, 1...256, "threads")
    overrides.nodes = try Self.check("--nodes", command.nodes, 1...7, "nodes")
    overrides.clients = try Self.check("--clients", command.clients, 1...1_000, "clients")
    overrides.operations = try Self.check(
      "--operations", command.operations, 1...1_000_000, "operations")
    overrides.keys = try Self.check("--keys", command.keys, 1...100_000, "keys")
    overrides.spares = try Self.check("--spares", command.spares, 0...20, "nodes")
    overrides.watchers = try Self.check("--watchers", command.watchers, 0...100, "clients")
    overrides.once = try Self.check("--once", command.once, 0...100, "percent")
    overrides.without = try Self.faults(command.without)
    traceEvents = command.traceEvents
    try Self.check("--trace-events", traceEvents, 1...200_000, "events")
    if let file = command.trace {
      guard !file.isEmpty else { throw .usage("--trace: '' is no file") }
      trace = file
    }
    allowsUndecided = command.allowUndecided
    keepsGoing = command.keepGoing
    explains = command.explain
  }

  @discardableResult
  private static func check(
    _ flag: String, _ value: Int?, _ range: ClosedRange<Int>, _ unit: String
  ) throws(Failure) -> Int? {
    if let value, !range.contains(value) {
      throw .usage(
        "\(flag): \(value) is out of range; it must be \(range.lowerBound) to "
          + "\(range.upperBound) \(unit)")
    }
    return value
  }

  private static func faults(_ list: String?) throws(Failure) -> [String] {
    if list == "all" { return ["all"] }
    let names = list?.split(separator: ",").map { String($0) } ?? []
    for name in names where !FaultPlan.allParts.contains(name) {
      throw .usage(
        "--without: '\(name)' is no fault; there are: all, \(FaultPlan.allParts.joined(separator: ", "))"
      )
    }
    return names
  }
}
