internal import Synod
public import SynodJournal

/// How the life of a process ends where it does not end well.
public enum Crash: Hashable, Sendable {
  /// Whatever was written stays, synced or not.
  case kill
  /// What was not synced survives in any subset.
  case powerCut
}

extension SimulatedDisk {
  /// The end of a process, in the middle of these operations: each was done, or not, or a part of it.
  public func crash(_ crash: Crash, during operations: [FileOperation] = []) {
    // Nothing on the disk would prove that it was acknowledged: it was only late.
    landAstray()
    for operation in operations {
      counts[.interruptedOperation] += 1
      interrupt(operation)
    }
    switch crash {
    case .kill: counts[.kill] += 1
    case .powerCut:
      counts[.powerCut] += 1
      // What a name brings back is cut too.
      let before = entries
      cutNames()
      for entry in before { counts[.lostSector] += UInt64(entry.file.cutPower(&random)) }
      for entry in entries { counts[.lostSector] += UInt64(entry.file.cutPower(&random)) }
    }
    for operation in operations where isTorn(operation) { counts[.tornBlock] += 1 }
  }

  /// Whether a part of what a commit says is there, and a part is not.
  private func isTorn(_ operation: FileOperation) -> Bool {
    guard case .commit(let name, let offset, let block) = operation, let file = find(name) else {
      return false
    }
    defer { withExtendedLifetime(block) {} }
    var (landed, lost) = (0, 0)
    for start in stride(from: 0, to: block.count, by: Block.sectorSize) {
      let end = min(start + Block.sectorSize, block.count)
      let wanted = block.bytes[start..<end]
      if wanted.allSatisfy({ $0 == 0 }) { continue }
      let place = Int(offset) + start
      let isThere =
        place + wanted.count <= file.count
        && file.bytes[place..<(place + wanted.count)].elementsEqual(wanted)
      if isThere { landed += 1 } else { lost += 1 }
    }
    return landed > 0 && lost > 0
  }

  /// A store was opened on it: its superblock, and the note, name every block that it found.
  func opened() {
    newest = nil
    damagedSinceOpened = (false, false)
  }

  /// A store ended well: its superblock names its last block.
  func closed() { proveAstray() }

  private func interrupt(_ operation: FileOperation) {
    switch operation {
    case .fill, .commit, .write, .note, .copy: partly(operation)
    case .create, .truncate, .sync, .syncDirectory, .rename, .unlink:
      guard random.next() & 1 == 0 else { return }
      let quiet = faults
      faults = DiskFaults()
      _ = perform(operation)
      faults = quiet
    case .verify: break
    }
  }

  /// Does a part of a write, some of its sectors, none of it synced.
  func partly(_ operation: FileOperation) {
    var survival = Survival(&random)
    switch operation {
    case .commit(let name, let offset, let block), .write(let name, let offset, let block),
      .note(let name, let offset, let block):
      guard let file = find(name) else { return }
      for start in stride(from: 0, to: block.count, by: Block.sectorSize) {
        guard survival.draw(&random) else { continue }
        let end = min(start + Block.sectorSize, block.count)
        guard hasSpace(file, to: Int(offset) + end) else { return }
        file.write(
          UnsafeRawBufferPointer(rebasing: block.bytes[start..<end]), at: Int(offset) + start)
      }
      withExtendedLifetime(block) {}
    case .fill(let name, let offset, let count):
      guard let file = find(name), count > 0 else { return }
      let done = survival.draw(&random) ? count : drawSectors(of: count)
      if hasSpace(file, to: Int(offset) + done) { file.fill(at: Int(offset), count: done) }
    case .copy(let name, let offset, let count, let target):
      guard let source = find(name), let file = find(target) else { return }
      let start = min(Int(offset), source.count)
      let end = min(Int(offset) + Int(count), source.count)
      let done = survival.draw(&random) ? end - start : drawSectors(of: end - start)
      guard hasSpace(file, to: done) else { return }
      file.write(UnsafeRawBufferPointer(rebasing: source.bytes[start..<(start + done)]), at: 0)
    case .create, .truncate, .sync, .syncDirectory, .rename, .unlink, .verify: break
    }
  }

  /// Less than `count` bytes, whole sectors.
  private func drawSectors(of count: Int) -> Int {
    let drawn = Int(random.next() % UInt64(max(count, 1)))
    return drawn / Block.sectorSize * Block.sectorSize
  }

  private func hasSpace(_ file: SimulatedFile, to size: Int) -> Bool {
    allocatesLate || size <= file.allocated || size - file.allocated <= freeBytes
  }
}
