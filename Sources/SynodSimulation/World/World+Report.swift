internal import Synod

// What a run came to.
extension World {
  /// Judges what has happened so far.
  /// - Parameter budget: steps of the search for a linear order.
  public mutating func report(budget: Int) -> RunReport {
    var report = RunReport()
    if let violation {
      report.outcome = .failed(violation, event: eventNumber)
    } else {
      switch subject.verdict(budget: budget) {
      case .good: report.outcome = .passed
      case .violation(let what): report.outcome = .failed(what, event: eventNumber)
      case .unknown(let what): report.outcome = .undecided(what)
      }
    }
    report.hash = hash.value
    report.events = events
    report.operations = UInt64(begun)
    report.completions = counts.completions
    report.microseconds = now
    report.injected = injected
    report.reached = reached
    return report
  }

  private var injected: [RunReport.Mark] {
    var marks = FaultKind.allCases.map { RunReport.Mark($0.name, counts.faults[$0.rawValue]) }
    func lost(_ reason: SimulatedNetwork.Loss) -> UInt64 { network.losses[reason.rawValue] }
    marks += [
      .init("message lost", lost(.lost)), .init("message twice", network.duplicates),
      .init("message damaged", lost(.damaged)), .init("message cut off", lost(.cut)),
      .init("message crowded out", lost(.crowded) + dropped(.crowded)),
      .init("message to a dead process", dropped(.nobody)),
      .init("proposal cancelled", counts.cancels),
    ]
    return marks
  }

  private func dropped(_ reason: WorldCounts.Drop) -> UInt64 { counts.drops[reason.rawValue] }

  private var reached: [RunReport.Mark] {
    subject.marks(processes.map(\.machine)).map { RunReport.Mark($0.name, $0.count) } + [
      .init("process restarted", counts.restarts),
      .init("client lost patience", counts.impatient),
      .init("stranger refused", dropped(.stranger)),
    ]
  }
}
