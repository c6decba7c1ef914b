public import SynodJournal

// What a world does to a whole disk.
extension SimulatedDisk {
  /// All of it is gone. Its peers notice, by their pins; nobody else can: never more disks than the
  /// protocol tolerates.
  public func lose() {
    clearNames()
    newest = nil
    astray = nil
    damagedSinceOpened = (false, false)
    counts[.lostDisk] += 1
    isDamaged = true
  }

  /// Puts bytes into a file at once, as rot does; they are durable.
  public func overwrite(_ name: JournalFile, at offset: Int, _ bytes: [UInt8]) {
    find(name)?.overwrite(bytes, at: offset)
  }

  /// What the disk holds, durable or not.
  public func snapshot() -> DiskSnapshot {
    DiskSnapshot(entries: entries.map { Entry(name: $0.name, file: $0.file.copy()) })
  }

  /// The whole disk goes back to what it was. **No store can notice that alone**: for tests that show
  /// so, never in a run that asks for more.
  public func restore(_ snapshot: DiskSnapshot) {
    replaceFiles(snapshot.entries.map { Entry(name: $0.name, file: $0.file.copy()) })
    newest = nil
    astray = nil
    counts[.rolledBack] += 1
    isDamaged = true
  }
}

/// A disk as it was.
public struct DiskSnapshot {
  let entries: [SimulatedDisk.Entry]
}
