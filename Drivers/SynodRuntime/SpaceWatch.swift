/// When to look for space again: at every turn of the clock while there is none; less and less often
/// where there seems to be some and the attempts fail all the same, as they do over a quota.
struct SpaceWatch {
  private static let longestPause = 64
  private var pause = 1
  private var left = 0
  private var isLooking = false

  mutating func isDue() -> Bool {
    if isLooking { return false }
    left -= 1
    guard left <= 0 else { return false }
    isLooking = true
    return true
  }

  mutating func looked(andTries: Bool) {
    isLooking = false
    guard andTries else { return }
    left = pause
    pause = min(2 * pause, Self.longestPause)
  }
}
