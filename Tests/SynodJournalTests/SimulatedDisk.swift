import Synod

@testable import SynodJournal

/// A directory whose unsynced changes survive a crash in any subset: contents sector by sector, names
/// in order up to some point.
final class SimulatedDisk: JournalSource {
  final class Content {
    var now: [UInt8] = []
    var durable: [UInt8] = []
    /// Sectors written since the last sync.
    var pending: Set<Int> = []
  }

  enum NameChange {
    case set(JournalFile, Content)
    case remove(JournalFile)
  }

  private var names: [JournalFile: Content] = [:]
  private var durableNames: [JournalFile: Content] = [:]
  private var nameChanges: [NameChange] = []
  /// Operations done so far; the one of this number does not happen, nor any after it.
  private(set) var operations = 0
  var stopsAt = Int.max
  var isStopped: Bool { operations >= stopsAt }
  /// Asked before each operation.
  var fault: (FileOperation) -> FileFailure? = { _ in nil }

  /// A planted bug: syncs do nothing.
  var ignoresSyncs = false

  private static let stopped = FileFailure(.other, "the power is gone")

  func perform(_ job: FileJob) -> FileFailure? {
    for operation in job.operations {
      if isStopped { return Self.stopped }
      if let failure = fault(operation) {
        if case .note = operation { continue }
        return failure.of(operation)
      }
      do throws(FileFailure) { try perform(operation) } catch { return error.of(operation) }
      operations += 1
    }
    return nil
  }

  private func content(_ file: JournalFile) throws(FileFailure) -> Content {
    guard let content = names[file] else { throw FileFailure(.other, "\(file): no such file") }
    return content
  }

  private func change(_ change: NameChange) {
    nameChanges.append(change)
    Self.apply(change, to: &names)
  }

  private static func apply(_ change: NameChange, to names: inout [JournalFile: Content]) {
    switch change {
    case .set(let file, let content): names[file] = content
    case .remove(let file): names[file] = nil
    }
  }

  private func perform(_ operation: FileOperation) throws(FileFailure) {
    switch operation {
    case .create(let file): change(.set(file, Content()))
    case .fill(let file, let offset, let count):
      put([UInt8](repeating: 0, count: count), try content(file), at: offset)
    case .commit(let file, let offset, let block):
      let content = try content(file)
      put(Array(block.bytes), content, at: offset)
      if isStopping { return }
      sync(content)
    case .write(let file, let offset, let block), .note(let file, let offset, let block):
      put(Array(block.bytes), try content(file), at: offset)
    case .copy(let file, let offset, let count, let target):
      let from = try content(file).now
      let end = min(from.count, Int(offset + count))
      put(Array(from[min(Int(offset), end)..<end]), try content(target), at: 0)
    case .truncate(let file, let size):
      let content = try content(file)
      content.now.removeLast(max(0, content.now.count - Int(size)))
      content.pending.insert(Int(size) / 512)
    case .sync(let file): sync(try content(file))
    case .syncDirectory:
      durableNames = names
      nameChanges = []
    case .rename(let file, let target):
      let content = try content(file)
      nameChanges += [.set(target, content), .remove(file)]
      names[target] = content
      names[file] = nil
    case .unlink(let file): change(.remove(file))
    case .verify(let file, let offset, let count, let checksum):
      let bytes = try content(file).now
      let sum = bytes[Int(offset)..<min(bytes.count, Int(offset) + count)].withUnsafeBytes {
        CRC32C.checksum($0)
      }
      if sum != checksum { throw FileFailure(.mismatch, "\(operation)") }
    }
  }

  /// Whether this is the operation in the middle of which the power goes.
  private var isStopping: Bool { operations + 1 >= stopsAt }

  private func put(_ bytes: [UInt8], _ content: Content, at offset: UInt64) {
    let offset = Int(offset)
    if content.now.count < offset + bytes.count {
      content.now += [UInt8](repeating: 0, count: offset + bytes.count - content.now.count)
    }
    content.now.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
    content.pending.formUnion(offset / 512..<(offset + bytes.count + 511) / 512)
  }

  private func sync(_ content: Content) {
    if ignoresSyncs { return }
    content.durable = content.now
    content.pending = []
  }

  /// The process is killed: what was written stays, and is as little synced as before.
  func kill() {
    operations = 0
    stopsAt = .max
  }

  /// The power goes: what was not synced survives as chance has it.
  func crash(_ random: inout SplitMix) {
    let kept = nameChanges.isEmpty ? 0 : Int.random(in: 0...nameChanges.count, using: &random)
    for change in nameChanges.prefix(kept) { Self.apply(change, to: &durableNames) }
    names = durableNames
    nameChanges = []
    let style = Int.random(in: 0..<3, using: &random)
    for file in names.keys.sorted(by: { $0.name < $1.name }) {
      guard let content = names[file] else { continue }
      var survived = content.durable
      let grows = Bool.random(using: &random)
      if content.now.count < survived.count, grows {
        survived.removeLast(survived.count - content.now.count)
      }
      if content.now.count > survived.count, grows {
        survived += [UInt8](repeating: 0, count: content.now.count - survived.count)
      }
      for sector in content.pending.sorted() {
        let start = min(sector * 512, survived.count, content.now.count)
        let range = start..<max(start, min((sector + 1) * 512, survived.count, content.now.count))
        guard style == 0 || (style == 2 && Bool.random(using: &random)), !range.isEmpty else {
          continue
        }
        survived.replaceSubrange(range, with: content.now[range])
      }
      content.durable = survived
      content.now = survived
      content.pending = []
    }
    operations = 0
    stopsAt = .max
  }

  /// Puts bytes into a file, as rot or a test may.
  func overwrite(_ file: JournalFile, at offset: Int, _ bytes: [UInt8]) {
    guard let content = names[file] else { return }
    put(bytes, content, at: UInt64(offset))
    sync(content)
  }

  // MARK: JournalSource

  func files() throws(FileFailure) -> [JournalFile: UInt64] {
    names.mapValues { UInt64($0.now.count) }
  }

  func read(
    _ file: JournalFile, at offset: UInt64, into target: UnsafeMutableRawBufferPointer
  ) throws(FileFailure) -> Int {
    let bytes = try content(file).now
    guard Int(offset) < bytes.count else { return 0 }
    let count = min(target.count, bytes.count - Int(offset))
    target.copyBytes(from: bytes[Int(offset)..<(Int(offset) + count)])
    return count
  }
}
