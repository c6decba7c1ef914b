import Synod
import SynodRuntime

/// Counts how long the commands of all clients took, from the read that brought them to their reply.
///
/// It costs a look at the clock for each read and each write of a connection, and an addition for each
/// command. Behind pointers, which spares those the run-time check of a class's property.
final class RequestMeter {
  let reads: UnsafeMutablePointer<LatencyHistogram>
  let writes: UnsafeMutablePointer<LatencyHistogram>
  /// What takes longer, in microseconds, is told of in the slow log.
  let slowFrom: UInt32
  /// Microseconds of a clock that never goes back.
  private let clock: () -> UInt64

  /// - Parameter slowFrom: microseconds; nil where nothing is told of.
  init(slowFrom: UInt64? = nil, clock: @escaping () -> UInt64) {
    reads = .allocate(capacity: 1)
    reads.initialize(to: LatencyHistogram())
    writes = .allocate(capacity: 1)
    writes.initialize(to: LatencyHistogram())
    self.slowFrom = slowFrom.map { UInt32(clamping: $0) } ?? .max
    self.clock = clock
  }

  deinit {
    reads.deinitialize(count: 1)
    reads.deallocate()
    writes.deinitialize(count: 1)
    writes.deallocate()
  }

  /// The moment, modulo 71 minutes, for which no command is open.
  var now: UInt32 { UInt32(truncatingIfNeeded: clock()) }

  /// Counts a command.
  /// - Returns: how long it took, where that is to be told of.
  @inline(__always)
  func count(_ claim: Claim, from start: UInt32, to end: UInt32) -> UInt32? {
    let time = end &- start
    if claim == .readOnly {
      reads.pointee.add(UInt64(time))
    } else {
      writes.pointee.add(UInt64(time))
    }
    return time >= slowFrom && slowFrom != .max ? time : nil
  }
}

/// What is kept of a command while it is under way, to tell of it where it takes long: its name, and how
/// its first key begins. Without allocating, and without holding the key.
struct Glimpse: Hashable {
  var command: Command?
  private(set) var keyLength: UInt32 = 0
  private var a: UInt64 = 0
  private var b: UInt64 = 0
  private var c: UInt64 = 0

  /// Bytes of the key that are kept.
  static let kept = 24

  init(_ command: Command? = nil) { self.command = command }

  mutating func see(_ key: UnsafeRawBufferPointer) {
    keyLength = UInt32(clamping: key.count)
    // Words whose last bytes were never written hold zeros: they are not read.
    withUnsafeMutableBytes(of: &a) { $0.copyMemory(from: Self.part(key, 0)) }
    guard key.count > 8 else { return }
    withUnsafeMutableBytes(of: &b) { $0.copyMemory(from: Self.part(key, 8)) }
    guard key.count > 16 else { return }
    withUnsafeMutableBytes(of: &c) { $0.copyMemory(from: Self.part(key, 16)) }
  }

  mutating func see(_ key: Bytes) { key.withUnsafeBytes { see($0) } }

  private static func part(_ key: UnsafeRawBufferPointer, _ start: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: key[start..<min(key.count, start + 8)])
  }

  /// The beginning of the key; nil where there is none.
  var key: [UInt8]? {
    guard keyLength > 0 else { return nil }
    var bytes: [UInt8] = []
    for word in [a, b, c] { withUnsafeBytes(of: word) { bytes.append(contentsOf: $0) } }
    return Array(bytes.prefix(Int(keyLength)))
  }
}

/// A command that took long.
struct SlowCommand {
  var glimpse: Glimpse
  /// Microseconds.
  var time: UInt32
}

/// The last commands that took long.
struct SlowLog {
  struct Entry {
    var id: UInt64
    /// Seconds since 1970.
    var ended: Int64
    var command: SlowCommand
    var client: String
    var clientName: String
  }

  /// Where there are more, the oldest go.
  static let longest = 128

  /// The newest first.
  private(set) var entries: [Entry] = []
  private var lastID: UInt64 = 0

  mutating func add(_ command: SlowCommand, ended: Int64, client: ClientFacts) {
    entries.insert(
      Entry(
        id: lastID, ended: ended, command: command, client: client.address, clientName: client.name),
      at: 0)
    lastID += 1
    if entries.count > Self.longest { entries.removeLast() }
  }

  mutating func reset() { entries = [] }
}
