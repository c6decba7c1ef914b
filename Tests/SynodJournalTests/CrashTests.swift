import Synod
import Testing

@testable import SynodJournal

/// The power goes before every single operation of a life full of commits, checkpoints, pins and
/// new logs, and what was not synced survives in any subset. What was acknowledged is always there.
@Suite struct CrashTests {
  static let settings = JournalSettings(
    logBytes: 40 << 10, maxPayload: 6 << 10, checkpointAfter: 1 << 30, ballastBytes: 16 << 10,
    choreBytes: 8 << 10)

  /// What the machine above would be: the numbers it has seen, restated by checkpoints.
  final class World {
    let disk = SimulatedDisk()
    var issued: UInt64 = 0
    var acknowledged: UInt64 = 0
    var pinned: Set<UInt32> = []
    var lives = 0
    var repairs = 0
    /// What should not have happened.
    var violations: [String] = []

    /// Opens, and checks what is found. Nil where the power goes meanwhile.
    func open() throws -> TestJournal? {
      if let failure = disk.perform(.syncing(try disk.files().keys)) {
        if !disk.isStopped { violations.append("\(failure)") }
        return nil
      }
      let survey: Survey?
      do {
        survey = try Survey(disk)
      } catch {
        guard case .blank = error else { throw error }
        survey = nil
      }
      let opening: Opening
      if let survey {
        if case .torn = survey.verdict { repairs += 1 }
        do {
          opening = try Opening(survey, settings: CrashTests.settings)
        } catch {
          violations.append("refused: \(error)")
          return nil
        }
      } else {
        demand(acknowledged == 0 && pinned.isEmpty, "a store that was used is blank")
        opening = Opening(
          creating: Superblock(
            cluster: ClusterID(token: "", voters: [VoterID(1)]), voter: VoterID(1),
            store: StoreID(Identity128(high: 7, low: UInt64(lives)))),
          settings: CrashTests.settings)
      }
      lives += 1
      for job in opening.jobs {
        guard let failure = disk.perform(job) else { continue }
        if !disk.isStopped { violations.append("\(failure)") }
        return nil
      }
      try check(survey)
      for pin in pinned {
        demand(opening.identity.pinned(VoterID(pin)) != nil, "pin \(pin) is lost")
      }
      return TestJournal(world: self, opening)
    }

    private func demand(_ holds: Bool, _ what: @autoclosure () -> String) {
      if !holds { violations.append(what()) }
    }

    /// What comes back is all that was acknowledged, then perhaps more, in order, once each.
    private func check(_ survey: Survey?) throws {
      var found: UInt64 = 0
      try survey?.forEachPayload(disk) { origin, bytes in
        if case .checkpoint = origin {
          // A piece says up to where it stands for everything.
          found = max(found, bytes.loadUnaligned(as: UInt64.self))
        } else {
          let number = bytes.loadUnaligned(as: UInt64.self)
          demand(number == found + 1, "batch \(number) comes behind \(found)")
          found = number
        }
      }
      demand(found >= acknowledged && found <= issued, "\(acknowledged)…\(issued): \(found)")
      issued = found
      acknowledged = found
    }
  }

  /// A life of the store; batches and pieces carry a number first.
  final class TestJournal {
    let world: World
    var journal: Journal
    private var batch = PersistBatch.none
    private var numbers: [UInt64: UInt64] = [:]

    init(world: World, _ opening: Opening) {
      self.world = world
      journal = Journal(opening)
    }

    func append(_ count: Int) {
      world.issued += 1
      let number = world.issued
      batch = batch.next
      numbers[batch.rawValue] = number
      journal.append(batch) { writer in
        writer.write(number)
        for i in 0..<count { writer.write(UInt8(truncatingIfNeeded: i % 200 + 1)) }
      }
    }

    /// Turns both lanes until they rest; true while there is power.
    func run() -> Bool {
      while true {
        let commit = journal.nextCommit()
        let chore = journal.nextChore()
        if let commit {
          let failure = world.disk.perform(commit)
          if let done = journal.finishedCommit(failure) {
            world.acknowledged = numbers[done.rawValue] ?? 0
          }
        }
        if let chore { journal.finishedChore(world.disk.perform(chore)) }
        for event in journal.events {
          if case .pinned(let token, true) = event { world.pinned.insert(UInt32(token)) }
        }
        journal.events.removeAll()
        if world.disk.isStopped { return false }
        if commit == nil && chore == nil { return true }
      }
    }

    func checkpoint() -> Bool {
      append(10)
      journal.beginCheckpoint()
      let covered = world.issued
      for size in [10, 20_000, 3000] {
        journal.appendPiece { writer in
          writer.write(covered)
          for _ in 0..<size { writer.write(UInt8(9)) }
        }
        append(50)
        guard run() else { return false }
      }
      append(10)
      journal.endCheckpoint()
      return run()
    }
  }

  /// A life in which everything happens; false where it was cut short.
  static func fullLife(_ world: World) throws -> Bool {
    guard let life = try world.open() else { return false }
    for size in [10, 4000, 100, 15_000] {
      life.append(size)
      guard life.run() else { return false }
    }
    let pin = UInt32(world.pinned.count + 2)
    life.journal.pin(
      VoterID(pin), StoreID(Identity128(high: 1, low: UInt64(pin))), token: UInt64(pin))
    guard life.checkpoint() else { return false }
    life.append(7000)
    guard life.checkpoint() else { return false }
    life.append(30)
    life.journal.close()
    return life.run()
  }

  /// Cuts a life at one operation, and its repair at another.
  /// - Returns: whether the life came to its end before.
  static func cut(at stop: Int, seed: UInt64, ignoringSyncs: Bool = false) throws -> (Bool, World) {
    var random = SplitMix(seed: seed &+ UInt64(stop))
    let world = World()
    world.disk.ignoresSyncs = ignoringSyncs
    // A life before, so that there is something to lose.
    if Bool.random(using: &random) { _ = try fullLife(world) }
    world.disk.stopsAt = world.disk.operations + stop
    let isWhole = try fullLife(world)
    world.disk.crash(&random)
    world.disk.stopsAt = Int.random(in: 1...40, using: &random)
    _ = try fullLife(world)
    world.disk.crash(&random)
    if try !fullLife(world) { world.violations.append("with power, a life comes to its end") }
    return (isWhole, world)
  }

  @Test(arguments: 0..<8) func aCrashBeforeAnyOperationLosesNothingAcknowledged(
    seed: UInt64
  ) throws {
    var repairs = 0
    var stop = 1
    while true {
      let (isWhole, world) = try Self.cut(at: stop, seed: seed)
      #expect(world.violations == [], "stopped at \(stop)")
      repairs += world.repairs
      if isWhole { break }
      stop += 1
    }
    #expect(stop > 100 && repairs > 0, "\(stop) operations, \(repairs) repairs")
  }

  /// The rig sees what it is there to see.
  @Test func withoutSyncsSomethingIsLost() throws {
    let seen = (1..<60).filter { stop in
      do {
        return try !Self.cut(at: 2 * stop, seed: 3, ignoringSyncs: true).1.violations.isEmpty
      } catch {
        return true
      }
    }
    #expect(seen.count > 20)
  }
}
