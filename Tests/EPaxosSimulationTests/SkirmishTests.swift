import EPaxosSimulation
import Synod
import Testing

/// Short runs in which recoveries meet: more of them are for `synod simulate`.
@Suite struct SkirmishTests {
  @Test(arguments: 0..<8 as Range<UInt64>)
  func recoveriesThatMeetAgree(_ block: UInt64) {
    for seed in block * 12..<(block + 1) * 12 {
      var run = Skirmish(Skirmish.Plan(seed: seed))
      let wrong = run.run()
      #expect(wrong == nil, "\(seed)")
    }
  }

  @Test func theSameSeedGivesTheSameRun() {
    var runs = [Skirmish(Skirmish.Plan(seed: 7)), Skirmish(Skirmish.Plan(seed: 7))]
    for place in runs.indices { #expect(runs[place].run() == nil) }
    #expect(runs[0].rows == runs[1].rows && runs[0].rows.recovery.reduce(0, +) > 0)
  }
}
