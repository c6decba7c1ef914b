internal import CMemoryHints

/// Memory of what was deleted: the allocator would keep it, and here it is given back to the system, a
/// little at a time, since the process stands still meanwhile.
struct SpareMemory {
  /// Entries that must be gone: some 6 MiB, if they are small.
  static let worthwhile = 16_384
  /// Where more are gone at once, it waits for a second without a command: it may take longer than a
  /// client should notice.
  static let noticed = 65_536

  /// The most entries that there were since it was last given back.
  private var most = 0
  /// Commands that had been taken a second ago.
  private var commands: UInt64 = 0

  /// Called once a second.
  /// - Parameters:
  ///   - entries: registers or keys that are held now.
  ///   - commands: taken from clients so far.
  /// - Returns: whether it is time to give memory back.
  mutating func isDue(entries: Int, commands: UInt64) -> Bool {
    let isIdle = commands == self.commands
    self.commands = commands
    most = max(most, entries)
    let gone = most - entries
    guard gone >= Self.worthwhile, isIdle || gone < Self.noticed else { return false }
    most = entries
    return true
  }

  /// Stands still for it.
  static func giveBack() { synod_give_back_memory() }
}
