import Synod
import SynodSimulation
import Testing

/// What the world itself promises, over a toy.
@Suite struct WorldTests {
  static func plan(_ seed: UInt64, voters: Int = 3, faults: FaultPlan? = FaultPlan()) -> RunPlan {
    var plan = RunPlan(seed: seed)
    plan.voters = voters
    if let faults { plan.faults = faults }
    plan.isOverBudget = false
    return plan
  }

  @Test func withoutFaultsEverythingIsAnswered() {
    // All of two are the core, so that nobody stays broken.
    var plan = Self.plan(1, voters: 2)
    plan.linkLimit = 1000
    plan.cancelPercent = 0
    plan.clientPatience = 60_000_000
    var world = World<ToySubject>(plan)
    let report = world.run()
    #expect(report.outcome == .passed)
    // Fifty more are asked while it settles, and two last.
    #expect(report.operations == UInt64(plan.operations) + 50)
    #expect(report.completions == UInt64(plan.operations) + 52)
    #expect(world.subject.lostCalls == 0)
    #expect(world.subject.closingAsked)
    #expect(report.injected.allSatisfy { $0.count == 0 })
  }

  @Test func theSameSeedGivesTheSameRun() {
    var hashes: Set<UInt64> = []
    for seed in 0..<30 as Range<UInt64> {
      var first = World<ToySubject>(RunPlan(seed: seed))
      var second = World<ToySubject>(RunPlan(seed: seed))
      let report = first.run()
      #expect(report == second.run())
      hashes.insert(report.hash)
    }
    #expect(hashes.count == 30)
  }

  @Test(arguments: ToySubject.givingUp.keys.sorted())
  func whatNobodyGaveUpIsNotGivenUp(_ keys: Int) {
    var plan = Self.plan(1)
    plan.keys = keys
    var world = World<ToySubject>(plan)
    guard case .failed(let what, _) = world.run().outcome else {
      Issue.record("nothing is seen")
      return
    }
    #expect(what.contains("nobody cancelled it") || what.contains("by its deadline"), "\(what)")
  }

  @Test func aTraceDoesNotChangeTheRun() {
    let plan = RunPlan(seed: 7)
    var plain = World<ToySubject>(plan)
    var traced = World<ToySubject>(plan)
    var events: [TraceEvent] = []
    traced.record = { events.append($0) }
    #expect(plain.run() == traced.run())
    #expect(events.count > 100)
    #expect(zip(events, events.dropFirst()).allSatisfy { $0.time <= $1.time })
  }

  @Test func aRunCanBeCutAtAnyEvent() {
    let plan = RunPlan(seed: 11)
    var whole = World<ToySubject>(plan)
    let all = whole.run()
    var part = World<ToySubject>(plan)
    let report = part.run(limit: all.events / 2)
    #expect(report.events == all.events / 2)
    #expect(part.run() == all)
  }

  @Test func underAllFaultsEverythingAtTheCoreEnds() {
    for seed in 0..<60 as Range<UInt64> {
      var world = World<ToySubject>(RunPlan(seed: seed))
      let report = world.run()
      #expect(report.outcome == .passed, "seed \(seed): \(world.plan)")
    }
  }

  @Test func aMachineThatAcknowledgesTooEarlyIsCaught() {
    var plan = Self.plan(1)
    plan.keys = ToySubject.hastyKeys
    var world = World<ToySubject>(plan)
    guard case .failed = world.run().outcome else {
      Issue.record("not caught")
      return
    }
  }

  @Test func aMachineThatNeverRestsIsCaught() {
    var plan = Self.plan(1)
    plan.keys = ToySubject.restlessKeys
    plan.turnTime = 0
    var world = World<ToySubject>(plan)
    guard case .failed(let what, let event) = world.run().outcome else {
      Issue.record("not caught")
      return
    }
    #expect(what.contains("time stood still") && event < 200_000)
  }

  @Test func aMachineThatForgetsToAskAgainDoesNotEnd() {
    var plan = Self.plan(1)
    plan.keys = ToySubject.forgetfulKeys
    plan.faults.lossPerMille = 500
    plan.clients = 10
    var world = World<ToySubject>(plan)
    guard case .failed(let what, _) = world.run().outcome else {
      Issue.record("not caught")
      return
    }
    #expect(what.contains("does not end"))
  }
}
