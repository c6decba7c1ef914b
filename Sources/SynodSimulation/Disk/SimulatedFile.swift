internal import Synod
internal import SynodJournal

/// The bytes of one file: as its process sees them, and what must be put back where the power goes
/// before they are synced.
///
/// Only what an unsynced write overwrote is kept aside, sector by sector; a commit keeps nothing.
final class SimulatedFile {
  private static var sector: Int { Block.sectorSize }

  private var start: UnsafeMutableRawPointer
  /// Whole pages. Bytes behind `count` are zero.
  private var capacity: Int
  /// Bytes of the file.
  private(set) var count = 0
  /// The size that is durable.
  private(set) var durableCount = 0
  /// Sectors below `durableCount` that were overwritten since the last sync, in that order. All
  /// behind it are as little durable.
  private var overwritten: [Int] = []
  /// What stood in each of them.
  private var before: [UInt8] = []
  /// A bit for each sector: whether it is in `overwritten`.
  private var isOverwritten: [UInt64] = []
  /// Sectors that the device cannot read, until they are written again.
  private(set) var unreadable: [Int] = []

  init() {
    capacity = Block.pageSize
    start = .allocate(byteCount: capacity, alignment: Block.pageSize)
    start.initializeMemory(as: UInt8.self, repeating: 0, count: capacity)
  }

  deinit { start.deallocate() }

  /// Bytes that it takes on the disk.
  var allocated: Int { (count + Block.pageSize - 1) / Block.pageSize * Block.pageSize }

  /// Whether a power cut changes nothing.
  var isDurable: Bool { overwritten.isEmpty && count == durableCount }

  /// All of it. Valid until the file is changed.
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }

  /// A copy that is durable, for a snapshot.
  func copy() -> SimulatedFile {
    let copy = SimulatedFile()
    copy.write(bytes, at: 0)
    copy.sync()
    copy.unreadable = unreadable
    return copy
  }

  // MARK: Changes

  /// Writes; durable only after a `sync`.
  func write(_ source: UnsafeRawBufferPointer, at offset: Int) {
    guard let base = source.baseAddress, source.count > 0 else { return }
    prepare(offset..<(offset + source.count))
    (start + offset).copyMemory(from: base, byteCount: source.count)
  }

  /// Writes zeros; durable only after a `sync`.
  func fill(at offset: Int, count length: Int) {
    guard length > 0 else { return }
    let old = count
    prepare(offset..<(offset + length))
    // Behind the old end all is zero.
    let written = min(offset + length, old) - offset
    if written > 0 {
      (start + offset).initializeMemory(as: UInt8.self, repeating: 0, count: written)
    }
  }

  /// Writes, and these bytes are durable at once; others are as durable as they were.
  func commit(_ source: UnsafeRawBufferPointer, at offset: Int) {
    let end = offset + source.count
    if end <= durableCount, overwritten.isEmpty, unreadable.isEmpty, let base = source.baseAddress {
      (start + offset).copyMemory(from: base, byteCount: source.count)
      return
    }
    let grown = durableCount
    write(source, at: offset)
    if end > durableCount {
      // What was written between the old end and these bytes stays as little durable.
      durableCount = end
      for sector in stride(from: grown / Self.sector, to: offset / Self.sector, by: 1) {
        keep(sector, blank: true)
      }
    }
    forget(from: offset / Self.sector, to: (end + Self.sector - 1) / Self.sector)
  }

  /// Cuts it short; durable only after a `sync`.
  func truncate(to size: Int) {
    guard size < count else { return }
    for sector in stride(from: size / Self.sector, to: sectors(count), by: 1) { keep(sector) }
    (start + size).initializeMemory(as: UInt8.self, repeating: 0, count: count - size)
    count = size
  }

  /// All of it is durable.
  func sync() {
    durableCount = count
    clear()
  }

  /// What was written behind its durable end is gone; the rest is durable.
  func dropGrowth() {
    if count > durableCount {
      (start + durableCount).initializeMemory(
        as: UInt8.self, repeating: 0, count: count - durableCount)
      count = durableCount
    }
    sync()
  }

  /// The power goes: each sector that is not durable survives, or is what it was.
  /// - Returns: how many did not survive.
  func cutPower(_ random: inout SplitMix) -> Int {
    if isDurable { return 0 }
    var survival = Survival(&random)
    var size = count
    if count != durableCount {
      switch random.next() % 3 {
      case 0: size = durableCount
      case 1 where count > durableCount:
        let grown = UInt64(sectors(count) - durableCount / Self.sector)
        size = min(count, durableCount + Int(random.next() % max(grown, 1)) * Self.sector)
      default: break
      }
    }
    var lost = 0
    for (index, sector) in overwritten.enumerated() {
      let isCut = sector * Self.sector >= count
      if !isCut, survival.draw(&random) { continue }
      lost += 1
      before.withUnsafeBytes {
        (start + sector * Self.sector).copyMemory(
          from: $0.baseAddress.unsafelyUnwrapped + index * Self.sector, byteCount: Self.sector)
      }
    }
    for sector in stride(from: sectors(durableCount), to: sectors(min(count, size)), by: 1)
    where !survival.draw(&random) {
      lost += 1
      zero(sector)
    }
    let end = max(count, durableCount)
    if size < end {
      (start + size).initializeMemory(as: UInt8.self, repeating: 0, count: end - size)
      lost += 1
    }
    count = size
    sync()
    return lost
  }

  // MARK: Damage, which is at once what the disk holds

  /// Flips one bit.
  func flip(bit: Int) {
    guard bit / 8 < count else { return }
    let byte = start + bit / 8
    let old = byte.load(as: UInt8.self)
    byte.storeBytes(of: old ^ UInt8(1 << (bit % 8)), as: UInt8.self)
  }

  /// Zeroes a sector.
  func zero(_ sector: Int) {
    let length = min(Self.sector, capacity - sector * Self.sector)
    if length > 0 {
      (start + sector * Self.sector).initializeMemory(as: UInt8.self, repeating: 0, count: length)
    }
  }

  /// The device cannot read a sector until it is written again.
  func lose(_ sector: Int) {
    if !unreadable.contains(sector) { unreadable.append(sector) }
  }

  /// Puts bytes into it, past everything that is remembered.
  func overwrite(_ source: [UInt8], at offset: Int) {
    source.withUnsafeBytes { commit($0, at: offset) }
  }

  /// Whether the device cannot read some of these bytes.
  func isUnreadable(_ range: Range<Int>) -> Bool {
    unreadable.contains {
      ($0 + 1) * Self.sector > range.lowerBound && $0 * Self.sector < range.upperBound
    }
  }

  // MARK: What must be put back

  private func sectors(_ size: Int) -> Int { (size + Self.sector - 1) / Self.sector }

  /// Makes room, and keeps aside what is about to be overwritten.
  private func prepare(_ range: Range<Int>) {
    if range.upperBound > capacity { grow(to: range.upperBound) }
    let end = min(range.upperBound, durableCount)
    if range.lowerBound < end {
      for sector in (range.lowerBound / Self.sector)..<sectors(end) { keep(sector) }
    }
    if !unreadable.isEmpty {
      unreadable.removeAll { range.contains($0 * Self.sector) }
    }
    count = max(count, range.upperBound)
  }

  private func grow(to size: Int) {
    let larger = max(2 * capacity, (size + Block.pageSize - 1) / Block.pageSize * Block.pageSize)
    let target = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: Block.pageSize)
    target.copyMemory(from: start, byteCount: capacity)
    (target + capacity).initializeMemory(as: UInt8.self, repeating: 0, count: larger - capacity)
    start.deallocate()
    start = target
    capacity = larger
  }

  private func keep(_ sector: Int, blank: Bool = false) {
    guard sector * Self.sector < durableCount else { return }
    let word = sector / 64
    while isOverwritten.count <= word { isOverwritten.append(0) }
    let bit = UInt64(1) << UInt64(sector % 64)
    guard isOverwritten[word] & bit == 0 else { return }
    isOverwritten[word] |= bit
    overwritten.append(sector)
    if blank {
      before.append(contentsOf: repeatElement(0, count: Self.sector))
    } else {
      before.append(
        contentsOf: UnsafeRawBufferPointer(start: start + sector * Self.sector, count: Self.sector))
    }
  }

  /// What was written to these sectors is durable.
  private func forget(from first: Int, to end: Int) {
    guard overwritten.contains(where: { $0 >= first && $0 < end }) else { return }
    let old = (overwritten, before)
    clear()
    for (index, sector) in old.0.enumerated() where sector < first || sector >= end {
      let word = sector / 64
      while isOverwritten.count <= word { isOverwritten.append(0) }
      isOverwritten[word] |= UInt64(1) << UInt64(sector % 64)
      overwritten.append(sector)
      before.append(contentsOf: old.1[(index * Self.sector)..<((index + 1) * Self.sector)])
    }
  }

  private func clear() {
    if overwritten.isEmpty { return }
    overwritten.removeAll(keepingCapacity: true)
    before.removeAll(keepingCapacity: true)
    isOverwritten.removeAll(keepingCapacity: true)
  }
}

/// Whether one sector after the other survives: all, none, or as chance has it.
struct Survival {
  private enum Style { case all, none, any }
  private var style: Style
  private var bits: UInt64 = 0
  private var left = 0

  init(_ random: inout SplitMix) {
    switch random.next() % 4 {
    case 0: style = .all
    case 1: style = .none
    default: style = .any
    }
  }

  mutating func draw(_ random: inout SplitMix) -> Bool {
    switch style {
    case .all: return true
    case .none: return false
    case .any:
      if left == 0 {
        bits = random.next()
        left = 64
      }
      defer {
        bits >>= 1
        left -= 1
      }
      return bits & 1 == 1
    }
  }
}
