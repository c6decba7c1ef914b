import SynodSimulation
import Testing

@Suite struct SmallestFailureTests {
  private func report(_ outcome: RunReport.Outcome, _ events: UInt64) -> RunReport {
    var report = RunReport()
    report.outcome = outcome
    report.events = events
    return report
  }

  /// A plan with every fault, and more of everything than is needed.
  private var large: RunPlan {
    var plan = RunPlan(seed: 1)
    (plan.voters, plan.clients, plan.operations, plan.keys) = (7, 10, 400, 50)
    (plan.faults.lossPerMille, plan.faults.duplicationPerMille) = (10, 10)
    for kind in FaultKind.allCases { plan.faults[kind] = 1_000 }
    return plan
  }

  @Test func whatIsNotNeededForAFailureIsLeftOut() throws {
    let small = try #require(
      SmallestFailure(of: large) { plan, limit in
        let isBroken =
          plan.faults[.powerCut] > 0 && plan.operations >= 9 && plan.voters >= 3
          && limit >= 1_234
        let events = min(limit, 5_000)
        return isBroken
          ? report(.failed("broken", event: events), events) : report(.passed, events)
      })
    #expect(small.plan.faults.parts == ["power-cut"])
    #expect(
      [small.plan.operations, small.plan.voters, small.plan.clients, small.plan.keys]
        == [9, 3, 1, 1])
    #expect(small.events == 1_234)
    #expect(small.report.outcome == .failed("broken", event: 1_234))
  }

  @Test func whoWatchesRetriesAndJoinsIsLeftOutWhereNobodyNeedsIt() throws {
    var plan = large
    (plan.spares, plan.watchers, plan.oncePercent) = (12, 3, 60)
    let small = try #require(
      SmallestFailure(of: plan) { plan, limit in
        plan.spares >= 2
          ? report(.failed("broken", event: 1), 2) : report(.passed, min(limit, 100))
      })
    #expect([small.plan.spares, small.plan.watchers, small.plan.oncePercent] == [2, 0, 0])
  }

  @Test func aFailureThatOnlyTheWholeRunHasIsNotCut() throws {
    let small = try #require(
      SmallestFailure(of: large) { _, limit in
        limit >= 777 ? report(.failed("does not end", event: 776), 777) : report(.passed, limit)
      })
    #expect(small.events == 777)
  }

  @Test func aRunThatPassesHasNoSmallestFailure() {
    for outcome in [.passed, .undecided("budget")] as [RunReport.Outcome] {
      #expect(SmallestFailure(of: large) { _, _ in report(outcome, 10) } == nil)
    }
  }

  @Test func theSearchForSmallerPlansIsBounded() throws {
    var runs = 0
    let small = try #require(
      SmallestFailure(of: large, most: 5) { _, _ in
        runs += 1
        return report(.failed("always", event: 0), 1)
      })
    #expect(runs == small.runs && runs <= 5)
  }

  @Test func theSearchEndsWhereItsRunsAreLong() throws {
    var runs = 0
    let small = try #require(
      SmallestFailure(of: large, mostEvents: 3_000) { _, _ in
        runs += 1
        return report(.failed("does not end", event: 999), 1_000)
      })
    #expect(runs == 3 && small.runs == 3 && small.report.hasFailed)
  }

  @Test func everyFaultOfAPlanHasANameByWhichItIsLeftOut() {
    var plan = large.faults
    #expect(Set(FaultPlan.allParts).isSuperset(of: plan.parts))
    for part in FaultPlan.allParts {
      #expect(!part.contains(" "))
      let isKnown = plan.leaveOut(part)
      #expect(isKnown)
      #expect(!plan.parts.contains(part))
    }
    #expect(plan.parts.isEmpty)
    for seed in 0..<50 as Range<UInt64> {
      var drawn = RunPlan(seed: seed).faults
      for part in FaultPlan.allParts { drawn.leaveOut(part) }
      // How many there may be says nothing where there are none.
      drawn.most = FaultPlan().most
      #expect(drawn == FaultPlan())
    }
    let isKnown = plan.leaveOut("nothing")
    #expect(!isKnown)
  }
}
