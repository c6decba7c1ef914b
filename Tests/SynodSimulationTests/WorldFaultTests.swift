import Synod
import SynodSimulation
import Testing

/// Each kind of fault alone, over a toy: what is seen of it, and that the run survives it.
@Suite struct WorldFaultTests {
  struct Run {
    var report: RunReport
    var events: [TraceEvent]
    var subject: ToySubject

    func injected(_ name: String) -> UInt64 {
      report.injected.first { $0.name == name }?.count ?? 0
    }
    func reached(_ name: String) -> UInt64 {
      report.reached.first { $0.name == name }?.count ?? 0
    }
  }

  static func run(
    _ seed: UInt64 = 1, voters: Int = 3, _ change: (inout RunPlan) -> Void
  ) -> Run {
    var plan = WorldTests.plan(seed, voters: voters)
    plan.isTiny = true
    plan.linkLimit = 1000
    plan.thinkTime = 1000
    plan.operations = 300
    plan.turnTime = 0
    change(&plan)
    var world = World<ToySubject>(plan)
    var events: [TraceEvent] = []
    world.record = { events.append($0) }
    let report = world.run()
    #expect(report.outcome == .passed, "\(plan)")
    return Run(report: report, events: events, subject: world.subject)
  }

  @Test func eachKindOfFaultAloneIsInjectedAndSurvived() {
    for kind in FaultKind.allCases where kind != .damage {
      let run = Self.run(voters: 5) { plan in plan.faults[kind] = 4_000 }
      #expect(run.injected(kind.name) > 0, "\(kind)")
      for other in FaultKind.allCases where other != kind {
        #expect(run.injected(other.name) == 0, "\(kind) brought about \(other)")
      }
    }
  }

  @Test func whatIsCutInOneDirectionIsHeardInTheOther() {
    let run = Self.run(2, voters: 2) {
      $0.faults[.oneWayPartition] = 30_000
      $0.faults.most = 1
    }
    let start = run.events.firstIndex { $0.kind == .fault }!
    let end = run.events.firstIndex { $0.kind == .healed }!
    var heard: [VoterID: Int] = [:]
    // What was on its way is lost too.
    for event in run.events[start..<end] {
      if case .delivered = event.kind { heard[event.voter!, default: 0] += 1 }
    }
    #expect(heard.count == 1)
  }

  @Test func whoeverStandsStillHearsEverythingWhenItGoesOn() {
    let run = Self.run(3) { $0.faults[.pause] = 5_000 }
    var paused: Set<VoterID> = []
    var pauses = 0
    for event in run.events {
      switch event.kind {
      case .paused:
        paused.insert(event.voter!)
        pauses += 1
      case .resumed, .crashed: paused.remove(event.voter!)
      case .delivered, .completed, .sent, .appended:
        #expect(!paused.contains(event.voter!), "\(event)")
      default: break
      }
    }
    #expect(pauses > 3)
  }

  @Test func whoeverIsDownSaysAndHearsNothing() {
    let run = Self.run(4) {
      $0.faults[.kill] = 5_000
      $0.faults[.powerCutOfAll] = 20_000
    }
    var down: Set<VoterID> = []
    var crashes = 0
    for event in run.events {
      switch event.kind {
      case .crashed:
        down.insert(event.voter!)
        crashes += 1
      case .restarted: down.remove(event.voter!)
      case .delivered, .completed, .sent, .appended, .invoked, .durable:
        #expect(!down.contains(event.voter!), "\(event)")
      default: break
      }
    }
    #expect(crashes > 5 && run.reached("a process came back") > 5)
    #expect(run.subject.lostCalls > 0)
  }

  @Test func recoveryCrashesToo() {
    let run = Self.run(5) {
      $0.faults[.powerCut] = 8_000
      $0.faults.crashInRecoveryPercent = 60
    }
    #expect(run.injected("crash in recovery") > 0)
  }

  @Test func aVoterThatLostItsDiskIsAStrangerToItsPeers() {
    let run = Self.run(6) { $0.faults[.lostDisk] = 10_000 }
    #expect(run.injected("lost disk") == 1)
    #expect(run.subject.retiredVoters.count == 1)
    #expect(run.reached("a stranger was not listened to") > 0)
    let lost = run.subject.retiredVoters.first!
    let start = run.events.firstIndex { $0.kind == .fault }!
    var saidSince: Set<UInt64> = []
    var heardSince = 0
    for event in run.events[start...] {
      switch event.kind {
      case .sent(let message, _) where event.voter == lost: saidSince.insert(message)
      case .delivered(let message, from: lost):
        // What the old store said may arrive late.
        #expect(!saidSince.contains(message), "\(event)")
      case .delivered where event.voter == lost: heardSince += 1
      default: break
      }
    }
    #expect(!saidSince.isEmpty && heardSince == 0)
  }

  @Test func noMoreStoresAreDamagedThanTheProtocolTolerates() {
    for seed in 0..<20 as Range<UInt64> {
      let run = Self.run(seed, voters: 3) {
        $0.faults[.damage] = 2_000
        $0.faults[.kill] = 8_000
        $0.faults[.lostDisk] = 30_000
        $0.faults.disk.rot = 1
        $0.faults.disk.zeroedSectors = 1
      }
      #expect(run.subject.retiredVoters.count <= 1)
    }
  }

  @Test func tinyStoresAreCheckpointedAndReadBackFromTheCheckpoint() {
    let run = Self.run(7) { $0.faults[.kill] = 20_000 }
    #expect(run.reached("a checkpoint was written") > 3)
    #expect(run.reached("a checkpoint was used in recovery") > 0)
  }

  @Test func aFullDiskRefusesProposalsAndComesBack() {
    let run = Self.run(8) { $0.faults[.fullDisk] = 10_000 }
    #expect(run.injected("full disk") > 0)
    #expect(run.injected("disk: no space") > 0)
  }

  @Test func aFailedSyncEndsAStoreAndNothingThatWasTold() {
    let run = Self.run(9) { $0.faults.disk.failedSyncs = 20_000 }
    #expect(run.reached("a store failed") > 0)
  }

  @Test func clocksMayBeWrongInEveryWay() {
    let run = Self.run(10) {
      $0.faults.clockDrift = 500
      $0.faults.clockSkew = 1_000_000
      $0.faults.timerDelay = 20_000
      $0.faults[.clockJump] = 5_000
      $0.faults[.clockStall] = 5_000
    }
    #expect(run.injected("clock jump") > 0 && run.injected("clock stall") > 0)
  }

  @Test func overTheBudgetNothingNeedEndAndNothingIsLost() {
    for seed in 0..<10 as Range<UInt64> {
      _ = Self.run(seed) {
        $0.isOverBudget = true
        $0.faults[.damage] = 2_000
        $0.faults[.kill] = 5_000
        $0.faults.disk.unreadableSectors = 1
        $0.faults.disk.rot = 1
      }
    }
  }

  @Test func theSameBrokenMachineIsCaughtInAnyWorld() {
    for seed in 0..<20 as Range<UInt64> {
      var plan = RunPlan(seed: seed)
      plan.keys = ToySubject.hastyKeys
      plan.voters = 3
      var world = World<ToySubject>(plan)
      guard case .failed = world.run().outcome else {
        Issue.record("not caught: \(plan)")
        continue
      }
    }
  }
}
