import Synod
import SynodJournal
import SynodSimulation
import Testing

/// Thousands of short lives of a store over the simulated disk.
@Suite struct DiskLivesTests {
  /// Many lives on one disk; ends where the store refuses.
  static func run(
    seed: UInt64, faults: DiskFaults = DiskFaults(), isFull: Bool = false, damages: Bool = false
  ) -> DiskLives {
    let lives = DiskLives(seed: seed, faults: faults)
    lives.disk.mayBeDamaged = damages
    for _ in 0..<lives.draw(3...12) {
      if isFull { lives.disk.capacity = lives.draw(60...400) << 10 }
      lives.liveAtRandom()
      if lives.draw(0...2) == 0 { lives.disk.damageAtRest() }
      if !lives.violations.isEmpty || lives.refusal != nil { return lives }
    }
    // In the end all is well, and it opens, or refuses for good.
    lives.disk.faults = DiskFaults()
    lives.disk.capacity = nil
    lives.open()
    return lives
  }

  @Test func whatWasAcknowledgedIsReadBackAfterCrashesAtAnyOperation() {
    var (repairs, restored, crashed) = (0, 0, 0)
    for seed in UInt64(0)..<60 {
      let lives = Self.run(seed: seed)
      #expect(lives.violations == [], "seed \(seed)")
      #expect(lives.refusal == nil, "seed \(seed)")
      repairs += lives.repairs
      restored += lives.restoredCheckpoints
      crashed += lives.crashedOpenings
    }
    #expect(repairs > 3 && restored > 3 && crashed > 3, "\(repairs) \(restored) \(crashed)")
  }
}
