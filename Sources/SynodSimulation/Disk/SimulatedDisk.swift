internal import Synod
public import SynodJournal

/// The disk of one store: it does what a journal asks for, and everything that disks do wrong.
///
/// What was written is seen at once, as through a page cache; a power cut takes back what was not
/// synced, contents in any subset of sectors, names from some change on. A kill takes back nothing.
/// The same seed and the same calls give the same disk.
public final class SimulatedDisk: JournalSource {
  struct Entry {
    var name: JournalFile
    var file: SimulatedFile
  }

  enum NameChange {
    case set(JournalFile, SimulatedFile)
    case rename(JournalFile, to: JournalFile)
    case remove(JournalFile)
  }

  /// A commit that was acknowledged and did not land where it should have.
  struct Astray {
    var kind: DiskFault
    var file: SimulatedFile
    var offset: Int
    var bytes: [UInt8]
    /// Where it landed, and what was there.
    var victim: (file: SimulatedFile, offset: Int, before: [UInt8])?
  }

  /// How often it fails by itself. May be changed at any time.
  public var faults: DiskFaults
  /// Whether faults may damage what is durable. A world allows it on no more disks than the protocol
  /// tolerates, or asks for safety only.
  public var mayBeDamaged = false
  /// Whether something durable was damaged for good: a store on it may have to refuse.
  public internal(set) var isDamaged = false
  /// What happened to it so far.
  public internal(set) var counts = DiskFaultCounts()
  /// Bytes that all files together may take; nil for no limit. Space comes back where it is raised.
  public var capacity: Int?
  /// Whether space is looked for when a file is synced, and not when it is written.
  public var allocatesLate = false

  /// Asked before every operation; what it gives is that operation's failure. Nothing of it is done.
  public var fault: ((FileOperation) -> FileFailure?)?
  /// A disk that lies: syncs and commits return, and nothing is durable. **No store survives it**: it
  /// shows that a check sees such a loss.
  public var ignoresSyncs = false
  /// Operations begun so far.
  public private(set) var operations: UInt64 = 0

  var random: SplitMix
  var entries: [Entry] = []
  private var durableEntries: [Entry] = []
  private var nameChanges: [NameChange] = []
  /// The newest commit that landed: nothing proves yet that it was acknowledged.
  var newest: (file: SimulatedFile, range: Range<Int>)?
  var astray: Astray?
  /// Damage since the store was last opened: to logs, and to superblocks.
  var damagedSinceOpened: (log: Bool, superblock: Bool) = (false, false)

  /// A blank disk.
  public init(seed: UInt64 = 0, faults: DiskFaults = DiskFaults()) {
    random = SplitMix(seed: seed)
    self.faults = faults
  }

  // MARK: Operations

  /// Does one operation; nil where all of it was done.
  public func perform(_ operation: FileOperation) -> FileFailure? {
    do throws(FileFailure) {
      try carryOut(operation)
    } catch {
      if case .note = operation { return nil }
      return error.of(operation)
    }
    return nil
  }

  /// Does a job, to the first operation that fails.
  public func perform(_ job: FileJob) -> FileFailure? {
    for operation in job.operations {
      if let failure = perform(operation) { return failure }
    }
    return nil
  }

  private func carryOut(_ operation: FileOperation) throws(FileFailure) {
    operations += 1
    if let failure = fault?(operation) ?? drawFailure(of: operation) { throw failure }
    switch operation {
    case .create(let name): change(.set(name, SimulatedFile()))
    case .fill(let name, let offset, let count):
      let file = try file(name)
      try demandSpace(file, to: Int(offset) + count)
      file.fill(at: Int(offset), count: count)
    case .commit(let name, let offset, let block):
      let file = try file(name)
      try demandSpace(file, to: Int(offset) + block.count)
      if !leadAstray(file, at: Int(offset), block) { land(file, at: Int(offset), block) }
    case .write(let name, let offset, let block), .note(let name, let offset, let block):
      let file = try file(name)
      if case .superblock = name, losesSuperblock(file, at: Int(offset)) { return }
      try demandSpace(file, to: Int(offset) + block.count)
      file.write(block.bytes, at: Int(offset))
      withExtendedLifetime(block) {}
    case .copy(let name, let offset, let count, let target):
      try copy(name, at: Int(offset), count: Int(count), to: target)
    case .truncate(let name, let size): try file(name).truncate(to: Int(size))
    case .sync(let name):
      let file = try file(name)
      if !ignoresSyncs { try sync(file) }
    case .syncDirectory: if !ignoresSyncs { syncNames() }
    case .rename(let name, let target):
      _ = try file(name)
      change(.rename(name, to: target))
    case .unlink(let name): if find(name) != nil { change(.remove(name)) }
    case .verify(let name, let offset, let count, let checksum):
      try verify(name, at: Int(offset), count: count, checksum: checksum)
    }
  }

  private func land(_ file: SimulatedFile, at offset: Int, _ block: BlockBuffer) {
    if ignoresSyncs {
      file.write(block.bytes, at: offset)
    } else {
      file.commit(block.bytes, at: offset)
    }
    withExtendedLifetime(block) {}
    // It says that all before it was acknowledged.
    if astray != nil { proveAstray() }
    newest = (file, offset..<(offset + block.count))
  }

  private func copy(
    _ name: JournalFile, at offset: Int, count: Int, to target: JournalFile
  ) throws(FileFailure) {
    let source = try file(name)
    let file = try file(target)
    let range = min(offset, source.count)..<min(offset + count, source.count)
    guard !source.isUnreadable(range) else {
      throw FileFailure(.unreadable, "copy \(name): a sector cannot be read")
    }
    try demandSpace(file, to: range.count)
    file.write(UnsafeRawBufferPointer(rebasing: source.bytes[range]), at: 0)
  }

  private func verify(
    _ name: JournalFile, at offset: Int, count: Int, checksum: UInt32
  ) throws(FileFailure) {
    let file = try file(name)
    let range = min(offset, file.count)..<min(offset + count, file.count)
    guard !file.isUnreadable(range) else {
      throw FileFailure(.unreadable, "verify \(name): a sector cannot be read")
    }
    let found = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: file.bytes[range]))
    guard range.count == count, found == checksum else {
      throw FileFailure(.mismatch, "verify \(name): what was read back is not what was written")
    }
  }

  // MARK: Names

  func find(_ name: JournalFile) -> SimulatedFile? {
    for entry in entries where entry.name == name { return entry.file }
    return nil
  }

  func file(_ name: JournalFile) throws(FileFailure) -> SimulatedFile {
    guard let file = find(name) else { throw FileFailure(.other, "\(name): no such file") }
    return file
  }

  private func change(_ change: NameChange) {
    nameChanges.append(change)
    Self.apply(change, to: &entries)
  }

  private static func apply(_ change: NameChange, to entries: inout [Entry]) {
    switch change {
    case .set(let name, let file):
      if let index = entries.firstIndex(where: { $0.name == name }) {
        entries[index].file = file
      } else {
        entries.append(Entry(name: name, file: file))
      }
    case .rename(let name, let target):
      guard let index = entries.firstIndex(where: { $0.name == name }) else { return }
      let file = entries[index].file
      entries.remove(at: index)
      apply(.set(target, file), to: &entries)
    case .remove(let name): entries.removeAll { $0.name == name }
    }
  }

  private func syncNames() {
    durableEntries = entries
    nameChanges.removeAll(keepingCapacity: true)
  }

  /// The names that a power cut leaves: those that are durable, and some of the changes since.
  func cutNames() {
    if nameChanges.isEmpty { return }
    let kept = Int(random.next() % UInt64(nameChanges.count + 1))
    counts[.lostName] += UInt64(nameChanges.count - kept)
    for change in nameChanges.prefix(kept) { Self.apply(change, to: &durableEntries) }
    entries = durableEntries
    nameChanges.removeAll(keepingCapacity: true)
  }

  /// Forgets every name, durable ones too.
  func clearNames() {
    entries = []
    syncNames()
  }

  /// Takes these files in place of all.
  func replaceFiles(_ files: [Entry]) {
    entries = files
    syncNames()
  }

  // MARK: Space

  /// Bytes that its files take.
  public var usedBytes: Int { entries.reduce(0) { $0 + $1.file.allocated } }

  /// Bytes that are left.
  public var freeBytes: Int { capacity.map { max(0, $0 - usedBytes) } ?? .max }

  private func demandSpace(_ file: SimulatedFile, to size: Int) throws(FileFailure) {
    guard size > file.allocated, capacity != nil, !allocatesLate else { return }
    let pages = (size + Block.pageSize - 1) / Block.pageSize * Block.pageSize
    if pages - file.allocated > freeBytes { throw noSpace() }
  }

  private func sync(_ file: SimulatedFile) throws(FileFailure) {
    if let capacity, file.count > file.durableCount, usedBytes > capacity {
      // What found no room is gone, and the next sync says that all is well.
      file.dropGrowth()
      throw noSpace()
    }
    file.sync()
  }

  private func noSpace() -> FileFailure {
    counts[.noSpace] += 1
    return FileFailure(.noSpace, "no space left on the simulated disk")
  }

  // MARK: JournalSource

  /// The files of the directory, with their sizes.
  public func files() throws(FileFailure) -> [JournalFile: UInt64] {
    var files: [JournalFile: UInt64] = [:]
    for entry in entries { files[entry.name] = UInt64(entry.file.count) }
    return files
  }

  /// Reads what the disk holds; a sector that cannot be read is an error.
  public func read(
    _ name: JournalFile, at offset: UInt64, into target: UnsafeMutableRawBufferPointer
  ) throws(FileFailure) -> Int {
    let file = try file(name)
    guard Int(offset) < file.count else { return 0 }
    let range = Int(offset)..<min(Int(offset) + target.count, file.count)
    guard !file.isUnreadable(range) else {
      throw FileFailure(.unreadable, "read \(name): a sector cannot be read")
    }
    target.copyMemory(from: UnsafeRawBufferPointer(rebasing: file.bytes[range]))
    return range.count
  }
}
