import ArgumentParser
import Glibc
import Synod
import SynodSimulation

/// `synod check`: whether a recorded history can be explained.
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Judge a recorded history of a key-value store: is it linearizable?",
    discussion: """
      A history is text, one operation a line: 'client called answered key command -> answer', such \
      as '3 1200 1450 a SET 17 -> OK', under a first line 'synod-history 1'. Moments are whole \
      numbers of one clock. What was never answered has '-' as its moment and '?' as its answer. \
      Commands: SET, GET, INCR, CAS, DEL. The answer (nil) is a missing key. Exit codes: 0 it is; \
      1 it is not, and the shortest part that shows it is printed; 2 used wrongly; 3 unknown, \
      because --steps did not suffice.
      """)

  @Argument(help: ArgumentHelp("The history; '-' is standard input.", valueName: "file"))
  var file: String?

  @Option(
    help: ArgumentHelp("Steps that the search may take for one key.", valueName: "number"))
  var steps = 5_000_000

  /// Times the checkers on histories that are made up.
  @Flag(help: .hidden) var measure = false

  func validate() throws {
    if steps < 1 {
      throw ValidationError("--steps: \(steps) is out of range; it must be 1 or more")
    }
    if (file == nil) != measure { throw ValidationError("name a history to check") }
  }

  func run() throws {
    guard let file else { return try CheckerMeasurement().run() }
    let text = try readText(file)
    let history: RecordedHistory
    do throws(HistoryError) {
      history = try RecordedHistory(text)
    } catch {
      throw Failure.usage("\(file): \(error)")
    }
    let judgement = Judgement(history, steps: steps)
    print(judgement.report, terminator: "")
    if judgement.exitCode != 0 {
      var failure = Failure("\(file): \(judgement.verdict)")
      failure.exitCode = judgement.exitCode
      throw failure
    }
  }
}

extension CheckCommand {
  /// A history with what is said of it.
  struct Judgement {
    /// What was checked, what is wrong, and the verdict; ends with a line break.
    private(set) var report: String
    /// In a few words.
    let verdict: String
    let exitCode: Int32

    init(_ history: RecordedHistory, steps: Int) {
      let search = LinearizabilitySearch(KeyValueModel(), budget: steps)
      var wrong: [String] = []
      var undecided: [Bytes] = []
      for key in history.keys {
        switch search.check(key.operations) {
        case .good: break
        case .unknown: undecided.append(key.name)
        case .violation(let violation): wrong.append(violation.text(key.name))
        }
      }
      if !wrong.isEmpty {
        (verdict, exitCode) = ("not linearizable", 1)
      } else if !undecided.isEmpty {
        (verdict, exitCode) = ("unknown: the search ran out of its \(steps) steps", 3)
      } else {
        (verdict, exitCode) = ("linearizable", 0)
      }
      report = """
        operations: \(history.count)  keys: \(history.keys.count)  \
        without an answer: \(history.unknownCount)

        """
      for part in wrong.prefix(10) { report += "\n" + part + "\n" }
      if wrong.count > 10 { report += "… and \(wrong.count - 10) more keys\n" }
      for key in undecided.prefix(10) { report += "undecided: key \(key)\n" }
      if undecided.count > 10 { report += "… and \(undecided.count - 10) more keys\n" }
      report += "verdict: \(verdict)\n"
    }
  }
}

extension LinearizabilitySearch<KeyValueModel>.Violation {
  /// For people: what nothing explains.
  fileprivate func text(_ key: Bytes) -> String {
    let values = states.map { $0.map { "\($0)" } ?? "(nil)" }.sorted()
    var lines = ["key \(key): no order of these operations explains their answers;"]
    lines.append("before them its value was " + values.joined(separator: " or "))
    func show(_ operations: [TimedOperation<KeyValueOperation>]) {
      let shown = operations.suffix(100)
      if shown.count < operations.count {
        lines.append("  … \(operations.count - shown.count) earlier ones")
      }
      for one in shown {
        let returned = one.returned.map { "\($0)" } ?? "-"
        lines.append("  \(one.client) \(one.invoked) \(returned) \(one.operation)")
      }
    }
    show(operations)
    if !open.isEmpty {
      lines.append("and these, which were not answered by then, do not help:")
      show(open)
    }
    return lines.joined(separator: "\n")
  }
}

/// All of a file, as text.
private func readText(_ path: String) throws(Failure) -> String {
  let limit = 1 << 30
  let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else {
    throw Failure.usage("\(path): \(String(cString: strerror(errno))); name a readable history")
  }
  defer { if path != "-" { close(descriptor) } }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 1 << 20)
  while true {
    let count = chunk.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
    if count < 0 && errno == EINTR { continue }
    guard count >= 0 else {
      throw Failure.usage("\(path): \(String(cString: strerror(errno))); name a readable history")
    }
    if count == 0 { break }
    bytes.append(contentsOf: chunk[..<count])
    guard bytes.count <= limit else {
      throw Failure.usage("\(path): longer than \(limit) bytes; cut it by keys and check the parts")
    }
  }
  return String(decoding: bytes, as: UTF8.self)
}
