import Glibc

/// One line that changes, on a terminal; elsewhere a line whenever it says something new.
struct ProgressLine {
  private let isTerminal: Bool
  private let write: (String) -> Void
  private var shown = ""

  /// - Parameter write: takes what is to be shown, ends of lines and all.
  init(
    isTerminal: Bool = isatty(STDOUT_FILENO) == 1,
    write: @escaping (String) -> Void = {
      print($0, terminator: "")
      fflush(nil)
    }
  ) {
    self.isTerminal = isTerminal
    self.write = write
  }

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
    write(isTerminal ? "\r\u{1b}[K\(line)" : "\(line)\n")
  }

  /// Leaves the line to others.
  mutating func clear() {
    if isTerminal, !shown.isEmpty { write("\r\u{1b}[K") }
    shown = ""
  }
}
