internal import Glibc

/// How long the turns of a loop take, and what of: its thread worked, it waited for a processor that
/// others had, or the system held it up (a page of memory, a lock, a disk).
///
/// What is cheap is read in each turn, the rest in one turn of each millisecond.
struct TurnMeter {
  /// Each the most of any turn, in milliseconds, up to one too many.
  private(set) var longest: UInt64 = 0
  private(set) var longestWork: UInt64 = 0
  private(set) var longestStall: UInt64 = 0

  /// Of the turn under way, in milliseconds.
  private var began: UInt64?
  /// When the waiting before a turn was read, in milliseconds, and what it was, in microseconds.
  private var waitReadAt: UInt64 = 0
  private var waited: UInt64 = 0
  /// The same of the processor time at the end of a turn.
  private var workReadAt: UInt64 = 0
  private var worked: UInt64 = 0
  private var queue: RunQueue?

  /// Begins to measure the thread that calls.
  mutating func start() {
    queue = RunQueue(of: "/proc/thread-self/schedstat")
    worked = Clock.microseconds(CLOCK_THREAD_CPUTIME_ID)
  }

  /// A turn begins, where none is under way.
  /// - Parameter now: milliseconds of the monotonic clock, when the loop saw what had happened.
  mutating func begin(at now: UInt64) {
    guard began == nil else { return }
    began = now
    guard now != waitReadAt else { return }
    waitReadAt = now
    waited = queue?.waited ?? 0
  }

  /// The turn under way ends.
  mutating func end() {
    guard let began else { return }
    self.began = nil
    let now = Clock.microseconds(CLOCK_MONOTONIC)
    let turn = now / 1000 > began ? now - began * 1000 : 0
    longest = max(longest, turn / 1000)
    guard now / 1000 != workReadAt else { return }
    workReadAt = now / 1000
    let before = worked
    worked = Clock.microseconds(CLOCK_THREAD_CPUTIME_ID)
    let work = worked - before
    longestWork = max(longestWork, work / 1000)
    guard turn / 1000 > longestStall else { return }
    let other = work + (queue?.waited ?? 0) - waited
    if turn > other { longestStall = max(longestStall, (turn - other) / 1000) }
  }

  /// Begins all three anew.
  mutating func forget() { (longest, longestWork, longestStall) = (0, 0, 0) }
}

/// What the system says of how long a thread that could run waited for a processor.
private final class RunQueue {
  private let file: Int32

  /// Nil where the system does not say.
  init?(of path: String) {
    file = open(path, O_RDONLY | O_CLOEXEC)
    if file < 0 { return nil }
  }

  deinit { close(file) }

  /// In microseconds since the thread began.
  var waited: UInt64 {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 96) { line in
      let count = pread(file, line.baseAddress, line.count, 0)
      guard count > 0 else { return 0 }
      // Nanoseconds on a processor, nanoseconds in which it waited for one, how often it got one.
      let fields = UnsafeBufferPointer(rebasing: line[..<count]).split(separator: UInt8(ascii: " "))
      guard fields.count > 1 else { return 0 }
      return fields[1].reduce(0) { $0 &* 10 &+ UInt64($1 &- UInt8(ascii: "0")) } / 1000
    }
  }
}

enum Clock {
  static func nanoseconds(_ id: clockid_t) -> UInt64 {
    var time = timespec()
    clock_gettime(id, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }

  static func microseconds(_ id: clockid_t) -> UInt64 { nanoseconds(id) / 1_000 }
}
