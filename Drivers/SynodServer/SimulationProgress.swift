import Glibc

/// How far the runs are: one line that changes, on a terminal; else a line now and then.
struct SimulationProgress {
  private let count: Int
  private let isTerminal: Bool
  private let start = SimulationProgress.now()
  private var shown: UInt64
  private var isDirty = false

  init(count: Int, isTerminal: Bool) {
    self.count = count
    self.isTerminal = isTerminal
    shown = Self.now()
  }

  mutating func show(_ summary: SimulationSummary, busy: UInt64, failed: Int) {
    let now = Self.now()
    guard count > 1, now - shown >= (isTerminal ? 200 : 10_000) else { return }
    shown = now
    let seconds = Double(now - start) / 1000
    let rate = busy == 0 ? 0 : UInt64(Double(summary.eventsRun) * 1e9 / Double(busy))
    let runs = Double(summary.runs) / max(seconds, 0.001)
    var line =
      "\(summary.runs) of \(count) seeds · \(Int(runs)) a second · \(grouped(rate)) events a second "
      + "and core"
    if summary.runs > 0 {
      line += " · \(Int(Double(count - summary.runs) / max(runs, 0.001))) s left"
    }
    if failed > 0 { line += " · \(failed) failed" }
    guard isTerminal else {
      print(line)
      fflush(nil)
      return
    }
    print("\r\u{1b}[K\(line)", terminator: "")
    fflush(nil)
    isDirty = true
  }

  /// Leaves the line to others.
  mutating func clear() {
    if isDirty { print("\r\u{1b}[K", terminator: "") }
    isDirty = false
  }

  /// Milliseconds of a clock that only goes forward.
  private static func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1000 + UInt64(time.tv_nsec) / 1_000_000
  }
}
