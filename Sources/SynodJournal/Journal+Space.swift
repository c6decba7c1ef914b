/// What the journal knows of the room that is left.
struct Space {
  /// Whether the last attempt to allocate found none.
  var isShort = false
  /// Whether an attempt is worth while again.
  var mayRetry = false
  var hasBallast: Bool
  /// Whether the ballast was given up for the next log.
  var isEmergency = false
  /// A log, or the ballast, that is being filled with zeros.
  var filling: Filling?
  /// What could not be filled, until it is removed.
  var discarded: JournalFile?

  struct Filling {
    var file: JournalFile
    var generation: UInt32?
    var size: Int
    var done = 0
  }

  init(hasBallast: Bool) { self.hasBallast = hasBallast }
}

enum SpaceStep {
  case fill(Int)
  /// The last step: sync, and where it is a log, rename.
  case finish
  /// Removes what could not be filled.
  case discard
  case releaseBallast
}

extension Journal {
  /// Whether the space left is kept for votes.
  public var isLowOnSpace: Bool { space.isShort }

  /// Says that time has passed: where space was short, there may be some again. Worth calling about
  /// once a second while `isLowOnSpace`.
  public mutating func retrySpace() {
    if space.isShort { space.mayRetry = true }
  }

  private var wantsLog: Bool {
    next == nil && (segment.used >= segment.size / 8 || waitsForLog)
  }

  private var nextLogBytes: Int {
    let isLast = space.isEmergency || (space.isShort && !space.hasBallast && waitsForLog)
    return isLast && settings.ballastBytes > 0 ? settings.emergencyLogBytes : settings.logBytes
  }

  /// How much the next attempt after `retrySpace()` would write, in bytes: with less than that left,
  /// it is in vain.
  public var bytesToRetry: Int {
    if wantsLog { return nextLogBytes }
    return space.hasBallast ? 0 : settings.ballastBytes
  }

  /// Prepares the next log well before the present one is half full, and keeps the ballast.
  mutating func spaceJob() -> FileJob? {
    if let file = space.discarded {
      space.discarded = nil
      chore = .space(.discard)
      return FileJob([.unlink(file)])
    }
    if let filling = space.filling { return continueFilling(filling) }
    let mayAllocate = !space.isShort || space.mayRetry
    if wantsLog, mayAllocate || space.isEmergency {
      let generation = max(segment.generation, superblock.highestGeneration) + 1
      return startFilling(.logDraft(generation), generation, nextLogBytes)
    }
    let isPressing = segment.used >= segment.size / 2 || waitsForLog
    if wantsLog, isPressing, space.hasBallast, settings.ballastBytes > 0 {
      space.hasBallast = false
      space.isEmergency = true
      chore = .space(.releaseBallast)
      return FileJob([.unlink(.ballast), .syncDirectory])
    }
    if !space.hasBallast, settings.ballastBytes > 0, mayAllocate, !wantsLog {
      return startFilling(.ballast, nil, settings.ballastBytes)
    }
    if space.isShort, space.mayRetry, !wantsLog {
      spaceCameBack()
    }
    return nil
  }

  private mutating func startFilling(
    _ file: JournalFile, _ generation: UInt32?, _ size: Int
  ) -> FileJob {
    space.isEmergency = false
    space.filling = Space.Filling(file: file, generation: generation, size: size)
    let count = min(settings.choreBytes, size)
    chore = .space(.fill(count))
    return FileJob([.create(file), .fill(file, at: 0, count: count)])
  }

  private mutating func continueFilling(_ filling: Space.Filling) -> FileJob {
    if filling.done < filling.size {
      let count = min(settings.choreBytes, filling.size - filling.done)
      chore = .space(.fill(count))
      return FileJob([.fill(filling.file, at: UInt64(filling.done), count: count)])
    }
    chore = .space(.finish)
    var operations: [FileOperation] = [.sync(filling.file)]
    if let generation = filling.generation {
      operations.append(.rename(filling.file, to: .log(generation)))
    }
    return FileJob(operations + [.syncDirectory])
  }

  mutating func finishedSpace(_ step: SpaceStep, _ failed: FileFailure?) {
    if let failed {
      shortOfSpace(step, failed)
      return
    }
    switch step {
    case .fill(let count): space.filling?.done += count
    case .finish: finishedFilling()
    case .discard, .releaseBallast: break
    }
  }

  private mutating func finishedFilling() {
    guard let filling = space.filling else { return }
    space.filling = nil
    if let generation = filling.generation {
      next = Segment(generation: generation, size: UInt64(filling.size))
    } else {
      space.hasBallast = true
    }
    let isWhole = space.hasBallast || settings.ballastBytes == 0
    if space.isShort, isWhole { spaceCameBack() }
  }

  private mutating func spaceCameBack() {
    space.isShort = false
    space.mayRetry = false
    checkpointPause = 0
    events.append(.ready)
  }

  /// No acknowledged byte was in a file that is being filled: it is removed, and tried again later.
  private mutating func shortOfSpace(_ step: SpaceStep, _ failed: FileFailure) {
    switch step {
    case .discard, .releaseBallast:
      // The directory could not be changed: an attempt to fill will tell.
      return
    case .fill, .finish: break
    }
    guard let filling = space.filling, failed.kind == .noSpace, !failed.isFinal else {
      fail("\(failed)")
      return
    }
    space.filling = nil
    space.isShort = true
    space.mayRetry = false
    space.discarded = filling.file
  }
}
