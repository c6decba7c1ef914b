/// The smallest run found that fails: without the faults, operations, clients, keys and voters that
/// it does not need, and of that the shortest prefix of events.
public struct SmallestFailure: Hashable, Sendable {
  /// Its plan.
  public fileprivate(set) var plan: RunPlan
  /// After how many events it is cut. Cut one event before that, it passes, unless the search for it
  /// took too many events.
  public fileprivate(set) var events: UInt64
  /// What it came to.
  public fileprivate(set) var report: RunReport
  /// How often something was run to find it.
  public fileprivate(set) var runs = 1
  /// Events of all these runs.
  private var spent: UInt64

  /// Makes a run smaller that fails.
  /// - Parameters:
  ///   - plan: of the run that failed.
  ///   - limit: events after which it is cut at the latest.
  ///   - most: runs of smaller plans to try; finding the prefix takes about 20 more.
  ///   - mostEvents: no further run is tried once all of them had so many events.
  ///   - run: runs a plan up to a number of events. The same gives the same, always.
  /// - Returns: nil where the run does not fail.
  public init?(
    of plan: RunPlan, events limit: UInt64 = .max, most: Int = 150,
    mostEvents: UInt64 = 30_000_000,
    run: (RunPlan, UInt64) -> RunReport
  ) {
    let report = run(plan, limit)
    guard report.hasFailed else { return nil }
    self.plan = plan
    self.report = report
    events = report.events
    spent = min(report.events, mostEvents)
    while leaveOut(limit, (most, mostEvents), run) {}
    shortenPrefix(mostEvents, run)
  }

  /// One pass over all that could be less.
  /// - Returns: whether something was left out, so that another pass is worth it.
  private mutating func leaveOut(
    _ limit: UInt64, _ most: (runs: Int, events: UInt64), _ run: (RunPlan, UInt64) -> RunReport
  ) -> Bool {
    let before = plan
    func attempt(_ change: (inout RunPlan) -> Void) -> Bool {
      var smaller = plan
      change(&smaller)
      guard runs < most.runs, spent < most.events, smaller != plan else { return false }
      runs += 1
      let report = run(smaller, limit)
      spent += min(report.events, most.events)
      guard report.hasFailed else { return false }
      plan = smaller
      self.report = report
      events = report.events
      return true
    }
    for fault in plan.faults.parts { _ = attempt { $0.faults.leaveOut(fault) } }
    let mayBeNone: [WritableKeyPath<RunPlan, Int>] = [\.spares, \.watchers, \.oncePercent]
    for number in mayBeNone where plan[keyPath: number] > 0 {
      _ = attempt { $0[keyPath: number] = 0 }
    }
    for number in [\.operations, \.clients, \.keys, \.voters, \.spares, \.watchers]
      as [WritableKeyPath<RunPlan, Int>]
    {
      while plan[keyPath: number] > 1, attempt({ $0[keyPath: number] /= 2 }) {}
      while plan[keyPath: number] > 1, attempt({ $0[keyPath: number] -= 1 }) {}
    }
    return plan != before
  }

  /// Halves the distance between a prefix that fails and one that does not.
  private mutating func shortenPrefix(
    _ mostEvents: UInt64, _ run: (RunPlan, UInt64) -> RunReport
  ) {
    var passing: UInt64 = 0
    while passing + 1 < events, spent < mostEvents {
      let middle = passing + (events - passing) / 2
      runs += 1
      let cut = run(plan, middle)
      spent += min(cut.events, mostEvents)
      if cut.hasFailed {
        events = min(middle, cut.events)
        report = cut
      } else {
        passing = middle
      }
    }
  }
}

extension RunReport {
  /// Whether something is wrong. A check that ran out of its budget is not that, nor is it a pass.
  public var hasFailed: Bool {
    switch outcome {
    case .failed: true
    case .passed, .undecided: false
    }
  }
}
