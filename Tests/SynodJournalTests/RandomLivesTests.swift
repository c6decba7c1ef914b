import Synod
import Testing

@testable import SynodJournal

/// Stores of many short lives: each does this and that, and its end is a clean one, a power cut or a
/// kill. What was acknowledged is always there, and no store is refused.
@Suite struct RandomLivesTests {
  /// One life; it ends where the power goes, at the latest.
  static func live(_ world: CrashTests.World, _ random: inout SplitMix, isFull: Bool) throws {
    let disk = world.disk
    guard let life = try world.open() else { return }
    var weather = SplitMix(seed: random.next())
    if isFull {
      disk.fault = { operation in
        operation.mayFindNoSpace && Int.random(in: 0..<12, using: &weather) == 0
          ? FileFailure(.noSpace, "no space") : nil
      }
    }
    defer { disk.fault = { _ in nil } }
    for _ in 0..<Int.random(in: 1...25, using: &random) {
      switch Int.random(in: 0..<14, using: &random) {
      case 0..<8:
        for _ in 0..<Int.random(in: 1...3, using: &random) {
          life.append(
            Bool.random(using: &random)
              ? Int.random(in: 1...300, using: &random)
              : Int.random(in: 300...14_000, using: &random))
        }
      case 8: life.journal.retrySpace()
      case 9:
        let pin = UInt32(world.pinned.count + 2)
        life.journal.pin(
          VoterID(pin), StoreID(Identity128(high: 1, low: UInt64(pin))), token: UInt64(pin))
      case 10...11:
        if life.journal.draft == nil, !life.checkpoint() { return }
      default: break
      }
      guard life.run() else { return }
    }
    if Int.random(in: 0..<4, using: &random) == 0 {
      life.journal.close()
      _ = life.run()
    }
  }

  static func world(seed: UInt64) throws -> CrashTests.World {
    var random = SplitMix(seed: seed)
    let world = CrashTests.World()
    for _ in 0..<Int.random(in: 2...10, using: &random) {
      let stop =
        switch Int.random(in: 0..<5, using: &random) {
        case 0: Int.max / 2
        case 1: Int.random(in: 1...45, using: &random)
        default: Int.random(in: 1...200, using: &random)
        }
      world.disk.stopsAt = world.disk.operations + stop
      try live(world, &random, isFull: seed % 3 == 0)
      if Int.random(in: 0..<3, using: &random) == 0 {
        world.disk.kill()
      } else {
        world.disk.crash(&random)
      }
      if !world.violations.isEmpty { break }
    }
    return world
  }

  /// What recovery gave is durable by then, not just readable.
  @Test func whatWasReadAfterAKillSurvivesAPowerCut() throws {
    var recovered = 0
    for stop in 20..<140 {
      var random = SplitMix(seed: UInt64(stop))
      let world = CrashTests.World()
      world.disk.stopsAt = stop
      _ = try CrashTests.fullLife(world)
      let before = world.acknowledged
      world.disk.kill()
      // Recovery reads it, and acknowledges it by that; then power goes, before anything else.
      _ = try world.open()
      if world.acknowledged > before { recovered += 1 }
      world.disk.crash(&random)
      _ = try world.open()
      #expect(world.violations == [], "stopped at \(stop)")
    }
    #expect(recovered > 5)
  }

  @Test func manyShortLivesLoseNothingAcknowledged() throws {
    var repairs = 0
    for seed in UInt64(1)...100 {
      let world = try Self.world(seed: seed)
      #expect(world.violations == [], "seed \(seed)")
      repairs += world.repairs
    }
    #expect(repairs > 3)
  }
}

extension FileOperation {
  /// Whether a full disk is no surprise to whoever asked for it.
  var mayFindNoSpace: Bool {
    switch self {
    case .fill, .sync(.logDraft), .sync(.ballast), .sync(.checkpointDraft), .verify,
      .write(.checkpointDraft, _, _), .rename(.checkpointDraft, _):
      true
    default: false
    }
  }
}
