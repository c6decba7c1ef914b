public import Synod

/// What is under way in the lane of chores.
enum Chore {
  /// A superblock: these pins, whether it marks the end, and the checkpoint that it makes count.
  case superblock(tokens: [UInt64], marksEnd: Bool, checkpoint: UInt32?)
  case space(SpaceStep)
  case checkpoint(CheckpointStep)
  /// Files that are needed no more.
  case removal
}

extension Journal {
  /// The next chore; nil where one is under way or nothing is to be done.
  public mutating func nextChore() -> FileJob? {
    guard chore == nil, failure == nil else { return nil }
    switch closing {
    case .closed, .marking: return nil
    case .wanted:
      // What waits may need a log that is still being prepared.
      if waitsForLog, !space.isShort, let job = spaceJob() { return job }
      return endJob()
    case .open: break
    }
    if let job = superblockJob() { return job }
    // Files go before new ones come, or a busy disk fills up; unless commits are about to wait.
    let isPressing = next == nil && segment.used >= segment.size / 2
    if isPressing, let job = spaceJob() { return job }
    return removalJob() ?? spaceJob() ?? checkpointJob()
  }

  /// Says how the chore under way ended.
  public mutating func finishedChore(_ failed: FileFailure?) {
    guard let done = chore else { preconditionFailure("a chore is under way") }
    chore = nil
    #if PlantedBugs
      let failed =
        PlantedBug.has(.retriedSync) && failed?.isFinal == true ? nil : failed
    #endif
    if let failed, failed.isFinal { fail("\(failed)") }
    switch done {
    case .superblock(let tokens, let marksEnd, let checkpoint):
      finishedSuperblock(failed, tokens: tokens, marksEnd: marksEnd, checkpoint: checkpoint)
    case .space(let step):
      finishedSpace(step, failed)
    case .checkpoint(let step):
      finishedCheckpoint(step, failed)
    case .removal:
      // What could not be removed is found by the next opening.
      break
    }
    finishClosingAfterFailure()
  }

  // MARK: Superblocks

  /// Pins a voter to a store, and the life (incarnation) in which it was met; a higher one that is known
  /// stays. `JournalEvent.pinned` with this token says when it is durable.
  public mutating func pin(_ voter: VoterID, _ store: StoreID, life: UInt64 = 0, token: UInt64) {
    guard failure == nil, closing == .open else {
      events.append(.pinned(token: token, false))
      return
    }
    pinRequests.append((Superblock.Pin(voter: voter, store: store, life: life), token))
  }

  /// Makes room for other pins: those of voters that never come back go with the next superblock. A
  /// crash before brings them back, and does no harm.
  public mutating func unpin(_ voters: Set<VoterID>) {
    superblock.pins.removeAll { voters.contains($0.voter) }
  }

  /// Adds the pins that were asked for; one that contradicts an earlier one, or finds no room, is
  /// answered at once.
  private mutating func takePins() -> [UInt64] {
    var tokens: [UInt64] = []
    for (pin, token) in pinRequests {
      if let place = superblock.pins.firstIndex(where: { $0.voter == pin.voter }) {
        if superblock.pins[place].store == pin.store {
          superblock.pins[place].life = max(superblock.pins[place].life, pin.life)
          tokens.append(token)
        } else {
          events.append(.pinned(token: token, false))
        }
      } else if superblock.pins.count < Superblock.maxPins {
        superblock.pins.append(pin)
        superblock.pins.sort { $0.voter < $1.voter }
        tokens.append(token)
      } else {
        events.append(.pinned(token: token, false))
      }
    }
    pinRequests.removeAll()
    return tokens
  }

  private mutating func superblockJob() -> FileJob? {
    let checkpoint = draft?.awaitsSuperblock
    // A log that is begun is named at once, with its size: one that is cut short is noticed.
    let isNewLog = durable.generation > superblock.durableGeneration
    guard !pinRequests.isEmpty || checkpoint != nil || isNewLog else { return nil }
    let tokens = takePins()
    if let checkpoint { superblock.checkpoint = checkpoint }
    return superblockJob(
      .superblock(tokens: tokens, marksEnd: false, checkpoint: checkpoint))
  }

  private mutating func superblockJob(_ chore: Chore) -> FileJob {
    superblock.durableBlock = max(superblock.durableBlock, durable.block)
    if durable.generation >= superblock.durableGeneration {
      superblock.durableGeneration = durable.generation
      superblock.durableLogBytes = durable.logBytes
    }
    self.chore = chore
    return FileJob(superblock.operations())
  }

  private mutating func finishedSuperblock(
    _ failed: FileFailure?, tokens: [UInt64], marksEnd: Bool, checkpoint: UInt32?
  ) {
    if let failed {
      for token in tokens { events.append(.pinned(token: token, false)) }
      fail("\(failed)")
      return
    }
    for token in tokens { events.append(.pinned(token: token, true)) }
    if let checkpoint { checkpointCounts(checkpoint) }
    if marksEnd {
      closing = .closed
      events.append(.closed)
    }
  }

  // MARK: Removal

  private mutating func removalJob() -> FileJob? {
    guard let file = files.obsolete.first else { return nil }
    files.obsolete.removeFirst()
    chore = .removal
    return FileJob(
      [.unlink(file)] + (files.obsolete.isEmpty ? [FileOperation.syncDirectory] : []))
  }

  // MARK: The end

  /// Ends the journal: what waits is committed, the clean end is marked where there was no failure,
  /// then comes `JournalEvent.closed`.
  public mutating func close() {
    guard closing == .open else { return }
    closing = .wanted
    draft = nil
    finishClosingAfterFailure()
  }

  /// Where nothing can be marked any more, the end comes as soon as nothing is under way.
  mutating func finishClosingAfterFailure() {
    guard failure != nil, closing != .open, closing != .closed, commit == nil, chore == nil else {
      return
    }
    closing = .closed
    events.append(.closed)
  }

  private mutating func endJob() -> FileJob? {
    guard commit == nil, queue.isEmpty || (waitsForLog && space.isShort) else { return nil }
    closing = .marking
    superblock.isClean = true
    return superblockJob(.superblock(tokens: takePins(), marksEnd: true, checkpoint: nil))
  }
}
