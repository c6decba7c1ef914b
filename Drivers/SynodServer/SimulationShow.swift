import Glibc
import SynodSimulation
import UV

/// Runs what was asked for and tells people about it.
struct SimulationShow {
  private let options: SimulateOptions
  private var summary = SimulationSummary()
  /// By their seeds, what is wrong.
  private var failures: [(plan: RunPlan, what: String, report: RunReport)] = []
  private let isTerminal = isatty(STDOUT_FILENO) == 1

  init(_ options: SimulateOptions) { self.options = options }

  /// - Throws: a `Failure` where a run failed.
  mutating func run() throws {
    Interruption.hold()
    introduce()
    let runs = SimulationRuns(options)
    let threads = try runs.start(jobs: options.jobs)
    let wasInterrupted = watch(runs)
    for thread in threads { thread.join() }
    for line in summary.lines(busy: runs.busy) { print(line) }
    if let failure = failures.first { try explain(failure.plan, failure.what, failure.report) }
    if wasInterrupted { throw Failure("interrupted after \(summary.runs) runs") }
    if summary.undecided > 0, !options.allowsUndecided {
      throw Failure("\(summary.undecided) runs could not be judged within their budget")
    }
    if options.count == 1 {
      try draw(options.plan(0), events: options.steps)
    } else if options.trace != nil {
      print("nothing failed, so nothing was drawn; to draw a run, name its --seed")
    }
    print("passed")
  }

  private func introduce() {
    guard options.count > 1 else {
      print("\(options.subject.name): \(options.plan(0))")
      return
    }
    let how = options.isDrawn ? "a drawn base" : "the base"
    print("\(options.subject.name): \(options.count) seeds from \(how), --from \(options.base)")
  }

  /// Looks at the reports as they come.
  /// - Returns: whether Ctrl-C ended it.
  private mutating func watch(_ runs: SimulationRuns) -> Bool {
    var progress = SimulationProgress(count: options.count, isTerminal: isTerminal)
    var wasInterrupted = false
    while let results = runs.take() {
      for result in results where failures.isEmpty || options.keepsGoing {
        judge(result)
        if !failures.isEmpty, !options.keepsGoing { runs.stop() }
      }
      progress.show(summary, busy: runs.busy, failed: failures.count)
      if Interruption.isPending {
        wasInterrupted = true
        runs.stop()
      }
      usleep(20_000)
    }
    progress.clear()
    return wasInterrupted
  }

  private mutating func judge(_ result: SimulationRuns.Result) {
    let (plan, report) = (options.plan(result.place), result.report)
    let isRepeated = options.count == 1 || result.place % SimulationRuns.repeated == 0
    summary.add(report, isRepeated: isRepeated)
    if options.explains { print("\(plan)\n  \(RunHashText(report.hash)), \(report.events) events") }
    if let other = result.otherHash {
      let hashes = "\(RunHashText(report.hash)) and \(RunHashText(other))"
      failures.append((plan, "run twice, it was two different runs: \(hashes)", report))
    } else if case .failed(let what, _) = report.outcome {
      failures.append((plan, what, report))
    } else if case .undecided(let what) = report.outcome, options.explains {
      print("  undecided: \(what)")
    }
    if options.keepsGoing, let last = failures.last, last.plan == plan {
      print("seed \(plan.seed) failed: \(last.what)")
    }
  }

  /// Says what failed, makes it small, and draws it.
  private func explain(_ plan: RunPlan, _ what: String, _ report: RunReport) throws {
    print("\nseed \(plan.seed) FAILED after \(grouped(report.events)) events: \(what)")
    print("plan      \(plan)")
    let cut = options.steps == .max ? nil : options.steps
    print("again     \(options.command(for: plan, events: cut))")
    let (subject, steps) = (options.subject, options.steps)
    if let small = SmallestFailure(of: plan, events: steps, run: { subject.run($0, $1) }) {
      if case .failed(let found, _) = small.report.outcome, Self.gist(found) != Self.gist(what) {
        print("small     another thing is wrong there: \(found)")
      }
      print("shortest  \(small.plan)")
      print("          cut after \(grouped(small.events)) events, found in \(small.runs) runs")
      print("reproduce \(options.command(for: small.plan, events: small.events))")
      try draw(small.plan, events: small.events)
    }
    let others = failures.dropFirst().map { "\($0.plan.seed)" }
    if !others.isEmpty { print("failed as well: seeds \(others.joined(separator: ", "))") }
    throw Failure("seed \(plan.seed) failed")
  }

  /// Without numbers and lists: which voter and which ballot do not matter.
  private static func gist(_ what: String) -> String {
    what.prefix { $0 != ":" }.filter { !$0.isNumber }
  }

  private func draw(_ plan: RunPlan, events: UInt64) throws(Failure) {
    guard let path = options.trace else { return }
    var page = options.subject.page(plan, events, options.traceEvents)
    page.command =
      options.command(for: plan, events: events == .max ? nil : events) + " --trace run.html"
    try TextFile.write(page.html, to: path)
    print("trace     \(path)")
  }
}

/// Sixteen digits.
private func RunHashText(_ hash: UInt64) -> String {
  let digits = String(hash, radix: 16)
  return String(repeating: "0", count: 16 - digits.utf8.count) + digits
}
