import Synod
import SynodSimulation
import Testing

@testable import SynodJournal

/// The journal as a value: what it asks for, in which order, and what it makes of the answers.
@Suite struct JournalTests {
  let disk = SimulatedDisk()

  static let settings = JournalSettings(
    logBytes: 32 << 10, maxPayload: 4 << 10, checkpointAfter: 64 << 10, ballastBytes: 32 << 10,
    choreBytes: 8 << 10)

  func count() throws -> Int {
    var count = 0
    try Survey(disk).forEachPayload(disk) { _, _ in count += 1 }
    return count
  }

  static let noSpace = FileFailure(.noSpace, "No space left on device")

  @Test func aCommitIsOneWriteAndANote() throws {
    let life = try Life(disk)
    for size in [10, 20, 30] { life.append(size) }
    let job = try #require(life.nextCommit())
    guard job.operations.count == 2, case .commit(.log(1), at: 0, let block) = job.operations[0],
      case .note(.watermark, _, _) = job.operations[1]
    else {
      Issue.record("\(job.operations)")
      return
    }
    #expect(block.count == 4096 && UInt(bitPattern: block.start) % 4096 == 0)
    #expect(life.nextCommit() == nil, "one at a time")
    life.append(40)
    #expect(life.nextCommit() == nil)
    #expect(life.finishedCommit(job) == PersistBatch(3))
    #expect(life.nextCommit() != nil)
  }

  @Test func theNextLogIsPreparedBeforeThePresentOneIsHalfFull() throws {
    let life = try Life(disk)
    for _ in 0..<3 {
      life.append(1000)
      life.run()
    }
    let isPrepared = life.journal.next != nil
    let segment = life.journal.segment
    #expect(isPrepared && segment.used < segment.size / 2)
  }

  @Test func theTwoLanesNeverTouchOneFileAtOnce() throws {
    let life = try Life(disk)
    var random = SplitMix(seed: 5)
    var commit: FileJob?
    var chore: FileJob?
    var pieces = 0
    for turn in 0..<4000 {
      if turn % 3 == 0 { life.append(Int.random(in: 0...9000, using: &random)) }
      if life.journal.wantsCheckpoint {
        life.journal.beginCheckpoint()
        pieces = 5
      }
      if pieces > 0, life.journal.isReadyForPiece {
        life.journal.appendPiece { for _ in 0..<6000 { $0.write(UInt8(3)) } }
        pieces -= 1
        if pieces == 0 { life.journal.endCheckpoint() }
      }
      commit = commit ?? life.journal.nextCommit()
      chore = chore ?? life.journal.nextChore()
      let inCommit = Set(commit?.operations.flatMap(\.files) ?? [])
      let inChore = Set(chore?.operations.flatMap(\.files) ?? [])
      #expect(inCommit.isDisjoint(with: inChore))
      if let job = commit, Bool.random(using: &random) {
        _ = life.journal.finishedCommit(disk.perform(job))
        commit = nil
      } else if let job = chore {
        life.journal.finishedChore(disk.perform(job))
        chore = nil
      }
    }
    if let commit { _ = life.finishedCommit(commit) }
    if let chore { life.journal.finishedChore(disk.perform(chore)) }
    life.run()
    for _ in 0..<4 {
      life.journal.endCheckpoint()
      life.run()
      life.journal.beginCheckpoint()
    }
    let names = try disk.files().keys
    #expect(life.superblock.checkpoint > 5)
    // Older files went: two checkpoints, and the logs that the older of them needs.
    #expect(names.filter { if case .checkpoint = $0 { true } else { false } }.count == 2)
    #expect(names.filter { if case .log = $0 { true } else { false } }.count <= 3)
  }

  @Test func closingWaitsForTheLogThatIsBeingPrepared() throws {
    let life = try Life(disk)
    for _ in 0..<40 { life.append(3000) }
    life.journal.close()
    life.run()
    #expect(life.acknowledged.last == 40 && life.events.last == .closed)
    #expect(try count() == 40)
    #expect(try Survey(disk).superblock.isClean)
  }

  @Test func afterAFailureNoJobFollows() throws {
    let life = try Life(disk)
    disk.fault = { if case .commit = $0 { FileFailure(.other, "EIO") } else { nil } }
    life.append(10)
    life.journal.pin(VoterID(2), StoreID(Identity128(high: 1, low: 1)), token: 5)
    life.run()
    #expect(life.events.contains(.failed("EIO")) && life.acknowledged.isEmpty)
    disk.fault = nil
    life.append(10)
    life.journal.retrySpace()
    life.journal.pin(VoterID(3), StoreID(Identity128(high: 1, low: 1)), token: 6)
    #expect(!life.step() || !life.step())
    #expect(life.events.contains(.pinned(token: 6, false)))
    #expect(!life.wantsCheckpoint)
    // A checkpoint that is begun all the same is taken and dropped.
    life.journal.beginCheckpoint()
    #expect(life.isReadyForPiece)
    life.journal.appendPiece { $0.write(UInt8(1)) }
    life.journal.endCheckpoint()
    life.journal.close()
    life.run()
    #expect(life.events.last == .closed)
    #expect(try !Survey(disk).superblock.isClean)
  }

  /// Batches that were taken into a block and are not yet durable hold it up.
  @Test func aCheckpointDoesNotCountWhileACommitIsUnderWay() throws {
    let life = try Life(disk)
    life.append(10)
    life.run()
    life.journal.beginCheckpoint()
    life.append(20)
    let commit = try #require(life.nextCommit())
    life.journal.appendPiece { $0.write(UInt8(9)) }
    life.journal.endCheckpoint()
    func runChores() -> [FileOperation] {
      var operations: [FileOperation] = []
      while let job = life.journal.nextChore() {
        operations += job.operations
        life.journal.finishedChore(disk.perform(job))
      }
      return operations
    }
    let early = runChores()
    #expect(!early.contains { $0.isRenaming(.checkpointDraft(1)) })
    #expect(life.superblock.checkpoint == 0)
    #expect(try Survey(disk).superblock.checkpoint == 0)
    #expect(life.finishedCommit(commit) == PersistBatch(2))
    let late = runChores()
    #expect(late.contains { $0.isRenaming(.checkpointDraft(1)) })
    #expect(try Survey(disk).superblock.checkpoint == 1)
  }

  /// Its place in META comes with its first block that is durable.
  @Test func aLogThatIsBegunIsNamedWithItsSize() throws {
    let life = try Life(disk)
    for _ in 0..<12 {
      life.append(3000)
      life.run()
    }
    #expect(life.journal.segment.generation == 2)
    let found = try Survey(disk).superblock
    #expect(found.durableGeneration == 2 && found.durableLogBytes == 32 << 10)
  }

  @Test func aCheckpointThatFoundNoSpaceIsTriedAgainWhenThereIsSome() throws {
    let life = try Life(disk)
    while !life.wantsCheckpoint {
      life.append(3000)
      life.run()
    }
    disk.fault = { operation in operation.mayFindNoSpace ? Self.noSpace : nil }
    while !life.isLowOnSpace {
      life.append(3000)
      life.run()
    }
    life.journal.beginCheckpoint()
    life.journal.appendPiece { $0.write(UInt8(9)) }
    life.journal.endCheckpoint()
    life.run()
    #expect(!life.wantsCheckpoint)
    disk.fault = nil
    life.journal.retrySpace()
    life.run()
    #expect(!life.isLowOnSpace && life.wantsCheckpoint)
  }

  /// Recovery needs one whole checkpoint; the one before it is read when the newest is not.
  @Test func ofACheckpointThatIsNotNeededOnlyTheFooterIsRead() throws {
    let life = try Life(disk)
    for number in 1...2 as ClosedRange<UInt8> {
      life.append(3000)
      life.journal.beginCheckpoint()
      life.journal.appendPiece { $0.write(number) }
      life.journal.endCheckpoint()
      life.run()
    }
    let whole = try Survey(disk)
    #expect(whole.checkpoints.map(\.number) == [1, 2] && whole.chosen?.number == 2)
    #expect(try Survey(disk, readsAll: false).checkpoints == whole.checkpoints)
    let damage = [UInt8](repeating: 0xa5, count: 8)
    disk.overwrite(.checkpoint(1), at: BlockHeader.size, damage)
    #expect(try Survey(disk).checkpoints[0].footer == nil)
    let quick = try Survey(disk, readsAll: false)
    #expect(quick.checkpoints == whole.checkpoints && quick.chosen == whole.chosen)
    disk.overwrite(.checkpoint(2), at: BlockHeader.size, damage)
    #expect(try Survey(disk, readsAll: false).checkpoints.allSatisfy { $0.footer == nil })
  }

  @Test func aCheckpointWithoutAFooterIsReadWhateverIsNeeded() throws {
    let life = try Life(disk)
    for _ in 1...2 {
      life.append(3000)
      life.journal.beginCheckpoint()
      life.journal.appendPiece { $0.write(UInt8(9)) }
      life.journal.endCheckpoint()
      life.run()
    }
    disk.overwrite(.checkpoint(1), at: 4096 + BlockHeader.size, [0xa5, 0xa5])
    let survey = try Survey(disk, readsAll: false)
    #expect(survey.checkpoints[0].problem != nil && survey.chosen?.number == 2)
  }

  /// Where only the checkpoint found no space, the log has not to grow by as much again as pays.
  @Test func aCheckpointThatFoundNoSpaceIsTriedAgainSoon() throws {
    let life = try Life(disk)
    while !life.wantsCheckpoint {
      life.append(3000)
      life.run()
    }
    disk.fault = { if case .write(.checkpointDraft, _, _) = $0 { Self.noSpace } else { nil } }
    life.journal.beginCheckpoint()
    life.journal.appendPiece { $0.write(UInt8(9)) }
    life.journal.endCheckpoint()
    life.run()
    #expect(!life.isLowOnSpace && !life.wantsCheckpoint)
    for _ in 0..<2 {
      life.append(3000)
      life.run()
    }
    #expect(life.wantsCheckpoint)
  }

  @Test func aCloseEndsThoughTooMuchWaitsOnAFullDisk() throws {
    var settings = Self.settings
    settings.maxWaiting = 20_000
    let life = try Life(disk, settings)
    disk.fault = { if case .fill = $0 { Self.noSpace } else { nil } }
    while life.queuedBytes == 0 {
      life.append(3000)
      life.run()
    }
    #expect(life.failure == nil && life.isLowOnSpace)
    life.append(30_000)
    life.journal.close()
    life.run()
    #expect(life.failure != nil && life.events.last == .closed)
  }

  enum FailedSync: CaseIterable { case checkpoint, checkpointName, log, logName }

  /// After a failed sync a second one may say that all is well, and nothing is.
  @Test(arguments: FailedSync.allCases) func aFailedSyncIsFinal(which: FailedSync) throws {
    let life = try Life(disk)
    var isRenamed = false
    let broken = FileFailure(.other, "Input/output error")
    disk.fault = { operation in
      switch (which, operation) {
      case (.checkpoint, .sync(.checkpointDraft)), (.log, .sync(.logDraft)): return broken
      case (.checkpointName, .rename(.checkpointDraft, _)), (.logName, .rename(.logDraft, _)):
        isRenamed = true
        return nil
      case (_, .syncDirectory): return isRenamed ? broken : nil
      default: return nil
      }
    }
    for _ in 0..<2 {
      life.append(3000)
      life.run()
    }
    if life.failure == nil {
      life.journal.beginCheckpoint()
      life.journal.appendPiece { $0.write(UInt8(9)) }
      life.journal.endCheckpoint()
      life.run()
    }
    #expect(life.failure == "Input/output error")
  }

  @Test func manyShortLivesPayForACheckpoint() throws {
    for _ in 0..<12 {
      let life = try Life(disk)
      life.append(10)
      life.run()
    }
    let life = try Life(disk)
    #expect(life.wantsCheckpoint)
    life.journal.beginCheckpoint()
    life.journal.endCheckpoint()
    life.run()
    #expect(!life.wantsCheckpoint)
    #expect(try count() == 0)
  }

  @Test func aSuperblockHoldsSoManyPinsAndNoMore() throws {
    let life = try Life(disk)
    for voter in 1...UInt32(Superblock.maxPins + 1) {
      life.journal.pin(
        VoterID(voter), StoreID(Identity128(high: 1, low: UInt64(voter))), token: UInt64(voter))
    }
    life.run()
    let answers = life.events.compactMap { event -> Bool? in
      if case .pinned(_, let isDurable) = event { isDurable } else { nil }
    }
    #expect(answers.filter { $0 }.count == Superblock.maxPins && answers.count == 129)
    #expect(try Survey(disk).superblock.pins.count == Superblock.maxPins)
  }
}
