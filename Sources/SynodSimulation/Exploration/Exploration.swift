/// Walks every run of a world, breadth first: whatever is wrong is found by a shortest way to it.
public struct Exploration<World: ExplorableWorld> {
  /// The world that is walked.
  public private(set) var world: World
  private let limits: ExplorationLimits
  private let seen = FingerprintSet()
  private var frontier = Frontier<World.State>()
  private var report = ExplorationReport()
  /// Of the successors that are looked at.
  private var fingerprints: [Fingerprint] = []
  /// In the debugging mode, the states themselves.
  private var exact: Set<World.State>?

  /// - Parameters:
  ///   - world: what is walked.
  ///   - limits: where to stop.
  ///   - isExact: tells states apart by all that they are, not by their fingerprints.
  public init(
    _ world: World, limits: ExplorationLimits = ExplorationLimits(), isExact: Bool = false
  ) {
    self.world = world
    self.limits = limits
    if isExact { exact = [] }
  }

  /// Walks to the end, a violation, or a limit.
  /// - Parameter progress: called every 65,536 states; false stops it.
  public mutating func run(
    progress: (ExplorationReport) -> Bool = { _ in true }
  ) -> ExplorationReport {
    let start = world.start
    _ = insert(start, world.fingerprint(of: start), from: 0)
    frontier.append(start)
    report.states = 1
    if let violation = world.violation(of: start) { report.violation = violation }
    var found: [World.State] = []
    var leftInLevel = 1
    while report.violation == nil, report.limit == nil, let state = frontier.popFirst() {
      expand(state, &found, progress)
      leftInLevel -= 1
      if leftInLevel == 0, report.violation == nil {
        leftInLevel = frontier.count
        if leftInLevel > 0 { report.depth += 1 }
      }
    }
    report.sights = world.sights
    report.bytes = bytes
    return report
  }

  private var bytes: Int { seen.bytes + frontier.bytes + world.bytes }

  @inline(__always)
  private mutating func insert(
    _ state: World.State, _ fingerprint: Fingerprint, from parent: UInt64
  ) -> Bool {
    let isNew = seen.insert(fingerprint, from: parent)
    guard exact != nil else { return isNew }
    return exact?.insert(state).inserted ?? isNew
  }

  @inline(__always)
  private mutating func expand(
    _ state: World.State, _ found: inout [World.State], _ progress: (ExplorationReport) -> Bool
  ) {
    let parent = FingerprintSet.key(world.fingerprint(of: state))
    found.removeAll(keepingCapacity: true)
    world.successors(of: state, into: &found)
    report.moves += found.count
    // The places of all are fetched from memory at once, not one after the other.
    fingerprints.removeAll(keepingCapacity: true)
    for next in found {
      let fingerprint = world.fingerprint(of: next)
      seen.fetch(fingerprint)
      fingerprints.append(fingerprint)
    }
    for (next, fingerprint) in zip(found, fingerprints) {
      guard insert(next, fingerprint, from: parent) else { continue }
      report.states += 1
      if let violation = world.violation(of: next) {
        report.violation = violation
        report.depth += 1
        report.trace = trace(to: FingerprintSet.key(fingerprint))
        return
      }
      frontier.append(next)
      if report.states >= limits.states { report.limit = .states(limits.states) }
      if report.states & 0xffff == 0 { pause(progress) }
      if report.limit != nil { return }
    }
  }

  private mutating func pause(_ progress: (ExplorationReport) -> Bool) {
    report.bytes = bytes
    if report.bytes > limits.bytes { report.limit = .bytes(limits.bytes) }
    if !progress(report) { report.limit = .stopped }
  }

  /// The states on the way are known by their keys alone: they are found again from the start.
  private mutating func trace(to last: UInt64) -> [String] {
    var keys = [last]
    while let parent = seen.parent(of: keys[keys.count - 1]), parent != 0 { keys.append(parent) }
    var trace: [String] = []
    var state = world.start
    for key in keys.dropLast().reversed() {
      var found: [World.State] = []
      world.successors(of: state, into: &found)
      guard
        let place = found.firstIndex(where: {
          FingerprintSet.key(world.fingerprint(of: $0)) == key
        })
      else { return trace + ["(the way is lost: two states share a fingerprint)"] }
      trace.append(world.describe(move: place, from: state))
      state = found[place]
    }
    return trace
  }
}
