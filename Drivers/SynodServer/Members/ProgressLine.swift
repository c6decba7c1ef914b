import Glibc

/// One line that changes, on a terminal; elsewhere a line whenever it says something new.
struct ProgressLine {
  private let isTerminal = isatty(STDOUT_FILENO) == 1
  private var shown = ""

  /// - Parameter percent: drawn as a bar; none where nil.
  mutating func show(_ text: String, percent: Int?) {
    var line = text
    if let percent {
      let filled = min(max(percent, 0), 100) / 5
      let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 20 - filled)
      line = "\(bar) \(percent) % · \(text)"
    }
    guard line != shown else { return }
    shown = line
    if isTerminal { print("\r\u{1b}[K\(line)", terminator: "") } else { print(line) }
    fflush(nil)
  }

  /// Leaves the line to others.
  mutating func clear() {
    if isTerminal, !shown.isEmpty { print("\r\u{1b}[K", terminator: "") }
    shown = ""
  }
}
