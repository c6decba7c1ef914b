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

  /// What happened in many runs.
  struct Sum {
    var (violations, refused, repairs, restored, crashed) = ([String](), 0, 0, 0, 0)
    var counts = DiskFaultCounts()

    mutating func add(_ lives: DiskLives, seed: UInt64) {
      violations += lives.violations.map { "seed \(seed): \($0)" }
      if lives.refusal != nil { refused += 1 }
      repairs += lives.repairs
      restored += lives.restoredCheckpoints
      crashed += lives.crashedOpenings
      counts.add(lives.disk.counts)
    }
  }

  static func sum(_ seeds: Range<UInt64>, _ run: (UInt64) -> DiskLives) -> Sum {
    var sum = Sum()
    for seed in seeds { sum.add(run(seed), seed: seed) }
    return sum
  }

  @Test func whatWasAcknowledgedIsReadBackAfterAnyCrash() {
    let sum = Self.sum(0..<60) { Self.run(seed: $0) }
    #expect(sum.violations == [])
    #expect(sum.refused == 0)
    #expect(sum.repairs > 3 && sum.restored > 3 && sum.crashed > 3)
  }

  @Test func whereWritesAndSyncsFailNothingAcknowledgedIsLost() {
    var faults = DiskFaults()
    faults.failedSyncs = 8000
    faults.failedWrites = 4000
    let sum = Self.sum(1000..<1060) { Self.run(seed: $0, faults: faults) }
    #expect(sum.violations == [])
    #expect(sum.refused == 0)
    #expect(sum.counts[.failedSync] > 5 && sum.counts[.failedWrite] > 5)
  }

  @Test func aFullDiskLosesNothingAndOpensWhenSpaceComesBack() {
    let sum = Self.sum(2000..<2060) { Self.run(seed: $0, isFull: true) }
    #expect(sum.violations == [])
    #expect(sum.refused == 0)
    #expect(sum.counts[.noSpace] > 20)
  }

  @Test func aDamagedStoreRefusesOrKnowsAllThatWasAcknowledged() {
    var faults = DiskFaults()
    (faults.lostWrites, faults.misdirectedWrites) = (8000, 8000)
    (faults.rot, faults.zeroedSectors, faults.unreadableSectors, faults.rolledBack) = (1, 1, 1, 1)
    let sum = Self.sum(3000..<3120) { Self.run(seed: $0, faults: faults, damages: true) }
    #expect(sum.violations == [])
    #expect(sum.refused > 20)
    for kind in [
      DiskFault.lostWrite, .misdirectedWrite, .rot, .zeroedSector, .unreadableSector, .rolledBack,
    ] {
      #expect(sum.counts[kind] > 0, "\(kind.name)")
    }
  }

  /// Cuts a life in the middle of one operation, and its repair in the middle of another.
  static func cut(at stop: Int, seed: UInt64, ignoringSyncs: Bool = false) -> (Bool, DiskLives) {
    let lives = DiskLives(seed: seed &* 1000 &+ UInt64(stop))
    lives.disk.ignoresSyncs = ignoringSyncs
    // A life before, so that there is something to lose.
    if lives.draw(0...1) == 0 { _ = lives.live() }
    let isWhole = lives.live(cutAt: stop)
    if isWhole { lives.crash(.powerCut) }
    _ = lives.live(cutAt: lives.draw(1...40), by: lives.drawCrash())
    let isWell = lives.live() && lives.refusal == nil
    if !isWell, lives.violations.isEmpty { lives.fail("with power, a life comes to its end") }
    return (isWhole, lives)
  }

  @Test(arguments: 0..<4) func aCrashInTheMiddleOfAnyOperationLosesNothingAcknowledged(
    seed: UInt64
  ) {
    var (stop, interrupted) = (0, UInt64(0))
    while true {
      let (isWhole, lives) = Self.cut(at: stop, seed: seed)
      #expect(lives.violations == [], "stopped at \(stop)")
      interrupted += lives.disk.counts[.interruptedOperation]
      if isWhole { break }
      stop += 1
    }
    #expect(stop > 60 && interrupted > 60, "\(stop) operations, \(interrupted) interrupted")
  }

  /// The rig sees what it is there to see.
  @Test func onADiskThatLiesSomethingIsLost() {
    let seen = (1..<60).filter {
      !Self.cut(at: 2 * $0, seed: 3, ignoringSyncs: true).1.violations.isEmpty
    }
    #expect(seen.count > 20)
  }

  /// What recovery gave is durable by then, not just readable.
  @Test func whatWasReadAfterAKillSurvivesAPowerCut() {
    var recovered = 0
    for stop in 20..<140 {
      let lives = DiskLives(seed: UInt64(stop))
      _ = lives.live(cutAt: stop, by: .kill)
      let before = lives.acknowledged
      // Recovery reads it, and acknowledges it by that; then power goes, before anything else.
      lives.open()
      if lives.acknowledged > before { recovered += 1 }
      lives.crash(.powerCut)
      lives.open()
      #expect(lives.violations == [], "stopped at \(stop)")
    }
    #expect(recovered > 5)
  }

  @Test func theSameSeedGivesTheSameLives() {
    var faults = DiskFaults()
    (faults.failedSyncs, faults.failedWrites, faults.stalls) = (2000, 2000, 2000)
    for seed in 0..<10 as Range<UInt64> {
      let (a, b) = (Self.run(seed: seed, faults: faults), Self.run(seed: seed, faults: faults))
      #expect(a.disk.counts == b.disk.counts && a.disk.operations == b.disk.operations)
      #expect(a.acknowledged == b.acknowledged && a.issued == b.issued)
    }
  }
}
