import SynodSimulation

/// What `synod simulate` was asked for, checked.
struct SimulateOptions {
  var subject: SimulatedProtocol
  /// The first seed, and how many follow it.
  var base: UInt64
  var count: Int
  /// The base was drawn, so it must be printed to be of use.
  var isDrawn: Bool
  /// Events after which each run is cut.
  var steps: UInt64 = .max
  var overrides = PlanOverrides()
  var jobs: Int
  var trace: String?
  var traceEvents = 5_000
  var allowsUndecided = false
  var keepsGoing = false
  var explains = false
  #if PlantedBugs
    var planted: String?
  #endif

  /// The plan of the run at this place, from zero.
  func plan(_ place: Int) -> RunPlan {
    overrides.applied(to: RunPlan(seed: base &+ UInt64(place)))
  }

  /// What to type to see a run again.
  func command(for plan: RunPlan, events: UInt64?) -> String {
    var words = ["synod simulate --protocol \(subject.name) --seed \(plan.seed)"]
    words += PlanOverrides(from: RunPlan(seed: plan.seed), to: plan).arguments
    if let events { words.append("--steps \(events)") }
    #if PlantedBugs
      if let planted { words.append("--plant \(planted)") }
    #endif
    return words.joined(separator: " ")
  }
}

/// What is not drawn from the seed but said.
struct PlanOverrides: Equatable {
  var nodes: Int?
  var clients: Int?
  var operations: Int?
  var keys: Int?
  var spares: Int?
  var watchers: Int?
  var once: Int?
  var without: [String] = []

  init() {}

  /// What makes one plan the other.
  init(from drawn: RunPlan, to plan: RunPlan) {
    func changed(_ number: KeyPath<RunPlan, Int>) -> Int? {
      drawn[keyPath: number] == plan[keyPath: number] ? nil : plan[keyPath: number]
    }
    nodes = changed(\.voters)
    clients = changed(\.clients)
    operations = changed(\.operations)
    keys = changed(\.keys)
    spares = changed(\.spares)
    watchers = changed(\.watchers)
    once = changed(\.oncePercent)
    let left = plan.faults.parts
    let gone = drawn.faults.parts.filter { !left.contains($0) }
    without = left.isEmpty && !gone.isEmpty ? ["all"] : gone
  }

  func applied(to drawn: RunPlan) -> RunPlan {
    var plan = drawn
    if let nodes { plan.voters = nodes }
    if let clients { plan.clients = clients }
    if let operations { plan.operations = operations }
    if let keys { plan.keys = keys }
    if let spares { plan.spares = spares }
    if let watchers { plan.watchers = watchers }
    if let once { plan.oncePercent = once }
    for fault in without == ["all"] ? FaultPlan.allParts : without {
      plan.faults.leaveOut(fault)
    }
    return plan
  }

  /// As one types them.
  var arguments: [String] {
    var words: [String] = []
    for (flag, value) in [
      ("nodes", nodes), ("clients", clients), ("operations", operations), ("keys", keys),
      ("spares", spares), ("watchers", watchers), ("once", once),
    ] {
      if let value { words.append("--\(flag) \(value)") }
    }
    if !without.isEmpty { words.append("--without \(without.joined(separator: ","))") }
    return words
  }
}
