/// One key of a backup on its way into a cluster.
///
/// It is set once, however often that is asked for (`SYNOD.ONCE`): else an attempt of which nothing was
/// known might take effect behind the end of it all, and undo what a client has written since. Then the
/// key is told that nobody will ask again.
struct RestoreChange {
  let entry: BackupFile.Entry
  /// What this run calls itself.
  let run: String
  private var number = 1
  private var isRetry = false

  init(_ entry: BackupFile.Entry, run: String) {
    self.entry = entry
    self.run = run
  }

  /// What to ask next.
  var command: [[UInt8]] {
    let retry = isRetry ? ["RETRY"] : []
    let words = ["SYNOD.ONCE", run, "\(number)"] + retry + ["SET"]
    return words.map { Array($0.utf8) } + [entry.key, entry.value]
  }

  /// What to say when it was made.
  var farewell: [[UInt8]] {
    ["SYNOD.FORGET", run, "\(number)"].map { Array($0.utf8) } + [entry.key]
  }

  /// The attempt failed, and another may be made.
  mutating func fail(_ error: String) {
    isRetry = true
    // Nobody knows whether it was made; but behind the next number it will not be any more.
    if error.hasPrefix("UNKNOWN \(Self.forgotten)") {
      number += 1
      isRetry = false
    }
  }

  /// How an answer begins that no retry of the same number changes.
  private static let forgotten = "the key no longer knows"
}
