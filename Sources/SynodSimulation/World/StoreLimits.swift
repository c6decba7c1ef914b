internal import Synod
internal import SynodJournal

/// How much a store and what waits for it may hold, in bytes.
@usableFromInline
struct StoreLimits {
  let journal: JournalSettings
  /// With more that waits to be written, proposals are refused and peers' requests dropped.
  @usableFromInline let mostQueued: Int
  /// Of one piece of a checkpoint.
  @usableFromInline let piece: Int

  /// Syncs that a record of so many bytes takes, about: one for each of its blocks, and a few for each
  /// log that they fill.
  @usableFromInline
  func syncs(forRecordOf bytes: Int) -> UInt64 {
    let blocks = 1 + bytes / journal.maxPayload
    let pages = blocks * (1 + journal.maxPayload / Block.pageSize)
    let logs = pages * Block.pageSize / journal.logBytes
    return UInt64(blocks + 6 * logs)
  }

  init(_ plan: RunPlan, random: SplitMix) {
    var random = random
    func one(of choices: [Int]) -> Int { choices[random.below(choices.count)] }
    guard plan.isTiny else {
      journal = JournalSettings(
        logBytes: 256 << 10, maxPayload: 64 << 10, checkpointAfter: 512 << 10,
        ballastBytes: 200 << 10, choreBytes: 64 << 10, maxWaiting: 8 << 20)
      mostQueued = 4 << 20
      piece = 64 << 10
      return
    }
    journal = JournalSettings(
      logBytes: one(of: [16 << 10, 32 << 10, 64 << 10]),
      maxPayload: one(of: [256, 1024, 4096]),
      checkpointAfter: UInt64(one(of: [16 << 10, 48 << 10, 200 << 10])),
      ballastBytes: one(of: [0, 1, 32 << 10]), choreBytes: one(of: [4 << 10, 16 << 10]),
      maxWaiting: one(of: [4 << 10, 64 << 10]))
    mostQueued = one(of: [512, 4 << 10, 1 << 20])
    piece = one(of: [64, 500, 4096])
  }
}
