/// Durations of recent syncs, in microseconds. Adding is cheap; the quantiles are worked out when
/// someone asks.
struct SyncMeter {
  private static let kept = 512
  private var recent: [UInt32] = []
  private var next = 0

  mutating func add(_ microseconds: UInt64) {
    let value = UInt32(clamping: microseconds)
    if recent.count < Self.kept {
      recent.append(value)
    } else {
      recent[next] = value
      next = (next + 1) % Self.kept
    }
  }

  func quantiles() -> (median: UInt64, p99: UInt64) {
    guard !recent.isEmpty else { return (0, 0) }
    let sorted = recent.sorted()
    return (UInt64(sorted[sorted.count / 2]), UInt64(sorted[(sorted.count * 99) / 100]))
  }
}
