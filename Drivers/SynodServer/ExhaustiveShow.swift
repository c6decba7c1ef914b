import Glibc
import SynodSimulation
import UV

/// Walks every run of small worlds and tells people about it.
struct ExhaustiveShow {
  private let all: [SmallWorld]
  private let worlds: [SmallWorld]
  private let isTerminal = isatty(STDOUT_FILENO) == 1

  /// - Parameters:
  ///   - name: of a world; all but the large ones where nil.
  ///   - protocolName: whose worlds.
  /// - Throws: a `Failure` where there is none of that name.
  init(world name: String?, of protocolName: String) throws(Failure) {
    guard SimulatedProtocol.named(protocolName) != nil else {
      let names = SimulatedProtocol.all.map(\.name).joined(separator: ", ")
      throw .usage(
        "--protocol: '\(protocolName)' cannot be simulated; what can be: \(names)")
    }
    all = SmallWorld.all(of: protocolName)
    guard let name else {
      worlds = all.filter { !$0.isLarge }
      return
    }
    guard let world = all.first(where: { $0.name == name }) else {
      throw .usage(
        "--world: there is no '\(name)'; there are: "
          + all.map(\.name).joined(separator: ", "))
    }
    worlds = [world]
  }

  /// - Throws: a `Failure` where something is wrong with a world, or one was not walked to its end.
  func run() throws {
    Interruption.hold()
    var unfinished: [String] = []
    for world in worlds {
      print("\(world.name): \(world.summary)")
      let start = Self.seconds()
      let report = world.explore(ExplorationLimits(bytes: 6 << 30)) { report in
        show(report, since: start)
        return !Interruption.isPending
      }
      if isTerminal { print("\r\u{1b}[K", terminator: "") }
      let end = report.isExhaustive ? "exhausted" : Self.words(for: report)
      print("  \(Self.line(report, since: start)) · \(end)")
      if let violation = report.violation {
        for (number, move) in report.trace.enumerated() { print("  \(number + 1). \(move)") }
        throw Failure("\(world.name): \(violation)")
      }
      if Interruption.isPending { throw Failure("interrupted") }
      if !report.isExhaustive { unfinished.append(world.name) }
    }
    if !unfinished.isEmpty {
      throw Failure("not walked to the end: \(unfinished.joined(separator: ", "))")
    }
    if worlds.count == 1 { return print("passed") }
    let large = all.filter(\.isLarge).map(\.name)
    print(
      "passed: \(worlds.count) of \(all.count) worlds."
        + (large.isEmpty
          ? "" : " Left out, unless named by --world: \(large.joined(separator: ", "))"))
  }

  private func show(_ report: ExplorationReport, since start: Double) {
    guard isTerminal || report.states % (1 << 20) == 0 else { return }
    let line = "  \(Self.line(report, since: start)) · \(report.bytes >> 20) MiB"
    print(isTerminal ? "\r\u{1b}[K\(line)" : line, terminator: isTerminal ? "" : "\n")
    fflush(nil)
  }

  private static func line(_ report: ExplorationReport, since start: Double) -> String {
    let rate = UInt64(Double(report.states) / max(seconds() - start, 0.001))
    return "\(grouped(UInt64(report.states))) states · \(grouped(UInt64(report.moves))) moves · "
      + "depth \(report.depth) · \(grouped(rate)) states a second"
  }

  private static func words(for report: ExplorationReport) -> String {
    if report.violation != nil { return "a violation" }
    return switch report.limit {
    case .states(let limit): "not exhausted: the limit is \(limit) states"
    case .bytes(let limit): "not exhausted: the limit is \(limit >> 20) MiB"
    case .stopped, nil: "not exhausted: stopped"
    }
  }

  private static func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
