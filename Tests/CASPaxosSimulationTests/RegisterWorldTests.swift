import CASPaxosSimulation
import Synod
import SynodSimulation
import Testing

/// The machine that ships, in the world that attacks it.
@Suite struct RegisterWorldTests {
  @Test(arguments: 0..<30)
  func appendsHold(_ seed: UInt64) {
    var world = World<RegisterSubject<AppendWorkload>>(RunPlan(seed: seed))
    #expect(world.run().outcome == .passed, "seed \(seed)")
  }

  @Test(arguments: 0..<30)
  func keysAndValuesHold(_ seed: UInt64) {
    var world = World<RegisterSubject<KeyValueWorkload>>(RunPlan(seed: seed))
    #expect(world.run().outcome == .passed, "seed \(seed)")
  }

  /// Seeds that found something: replies held over the bound that the subject then gave (120), writes
  /// that nobody was told of in rounds of many changes (31, 123, 458, 784, 796), two voters in step that
  /// duelled without a backoff (1465), and old answers that a blank store took for its own (200421);
  /// one write tried twice from states that look alike (700073, 700484), many open rounds (701806).
  @Test(
    arguments: [
      31, 120, 123, 458, 784, 796, 1465, 200421, 700073, 700484, 701806,
      // Answers that came within the call.
      723_081_217_334,
      // Late answers after which rivals left a register to each other for seconds.
      723_081_217_444,
      // More asked than can end in time.
      887_445_927_546,
      // Pages that are held.
      887_445_927_570,
      // Ballots reserved two at a time, all spent on reads that voters who differ never settle.
      507_880_101_276,
      // A deletion that a later round may or may not have begun from.
      899_157_655_883,
      // Fifty rounds that one partition held up, counted as fifty slow round trips.
      173_451_202_192,
      // One promise and six acceptances, whose trips are not alike.
      180_582_497_082,
      // Stores that hold one reply, where every round waits to be asked again.
      776_556_306_224,
      // As many lists open as may be, and few other proposals.
      752_952_241_866,
      // A watch that went on behind what it knew, told of an absence that was read before it began.
      668_841_197_348,
    ] as [UInt64])
  func whatOnceFailedHolds(_ seed: UInt64) {
    var appends = World<RegisterSubject<AppendWorkload>>(RunPlan(seed: seed))
    #expect(appends.run().outcome == .passed, "seed \(seed)")
    var numbers = World<RegisterSubject<KeyValueWorkload>>(RunPlan(seed: seed))
    #expect(numbers.run().outcome == .passed, "seed \(seed)")
  }

  /// Voters change in these: a state of a joint epoch that one component held, and that went on alone
  /// (122, 233, 277); the members' register settled before it was ever written (40); stores that hold
  /// one answer at a time, so that what is asked last takes long (68); a voter that alone was left to
  /// decide, and whose store failed before it held the epoch in which it may (876376962550).
  @Test(arguments: [40, 68, 122, 233, 277, 876_376_962_550] as [UInt64])
  func votersChangeWithoutLoss(_ seed: UInt64) {
    var appends = World<RegisterSubject<AppendWorkload>>(RunPlan(seed: seed))
    #expect(appends.run().outcome == .passed, "seed \(seed)")
    var numbers = World<RegisterSubject<KeyValueWorkload>>(RunPlan(seed: seed))
    #expect(numbers.run().outcome == .passed, "seed \(seed)")
  }

  /// The new voters' quorum to accept is one of four: one that held a state of the members that later
  /// rounds of the old voters never met.
  @Test func whatOneOfTheNewVotersHoldsOfTheMembersIsNotChosen() {
    var plan = RunPlan(seed: 7_000_025)
    plan.spares = 12
    plan.memberPercent = 40
    plan.thinkTime = 100_000
    plan.delay = 5_000
    plan.faults.exilePercent = 80
    #expect(Simulation<RegisterSubject<KeyValueWorkload>>.run(plan).outcome == .passed)
  }

  /// More voters wrote, one after the other, than a lineage names.
  @Test func whatALineageDroppedIsNotMissed() {
    var plan = RunPlan(seed: 879_130_921_168)
    (plan.isCalm, plan.thinkTime, plan.memberPercent, plan.spares) = (true, 10_000, 20, 12)
    plan.faults.most = 200
    #expect(Simulation<RegisterSubject<AppendWorkload>>.run(plan).outcome == .passed)
  }

  /// A node that is no member refuses at once what it is asked: it was asked 79,332 times in a second.
  @Test func whoeverIsRefusedAtOnceWaitsBeforeAskingAgain() {
    let report = Simulation<RegisterSubject<AppendWorkload>>.run(RunPlan(seed: 755_082_485_618))
    #expect(report.outcome == .passed)
    let again = report.reached.first { $0.name == "what was asked last was asked again" }
    #expect(again.map { (1...1_000).contains($0.count) } == true)
  }

  /// Watches of a node that is voted out, which waited for ever (100013, 100145, 100508, 100630); rounds
  /// that may have begun from one of two states, of which one was fenced off or came of an attempt at
  /// the same (100024, 100372); a watch that is ended as it tells (100068); pages of an epoch that is
  /// over when they leave (100008); watches of prefixes that had forgotten what they told of a register
  /// that was gone, and said that its next state followed (300021, 300073, 300406, 300471, 300527).
  @Test(
    arguments: [
      // Long keys in small blocks on slow disks: nothing was wrong but the time that all was given.
      79_660_160_026,
      // Whoever left while the node stood still was forgotten, and its watch took another's place.
      79_660_155_227,
      // Told what an earlier attempt had come to, whose round may have begun from one of two states.
      5_000_048,
      // The same, where the register forgot that in the round that told it.
      879_130_917_188,
      // The same, of a register that was gone by then.
      879_130_919_682,
      100008, 100013, 100024, 100068, 100145, 100372, 100508, 100630, 300_021, 300_073, 300_406,
      300_471, 300_527,
    ] as [UInt64])
  func whoWatchesAndRetriesIsToldTheTruth(_ seed: UInt64) {
    let plan = RunPlan(seed: seed)
    let outcome =
      seed % 2 == 0
      ? Simulation<RegisterSubject<AppendWorkload>>.run(plan).outcome
      : Simulation<RegisterSubject<KeyValueWorkload>>.run(plan).outcome
    #expect(outcome == .passed, "seed \(seed)")
  }
}
