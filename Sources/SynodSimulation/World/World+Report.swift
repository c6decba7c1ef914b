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
    report.settling = counts.settled
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
      .init("message too large", counts.tooLarge),
      .init("proposal cancelled", counts.cancels),
      .init("crash in recovery", counts.crashesInRecovery),
      .init("crash of a driver", counts.driverCrashes), .init("exile", counts.exiles),
      .init("siege of a leader", counts.sieges),
    ]
    var disks = DiskFaultCounts()
    for process in processes { disks.add(process.disk.counts) }
    for fault in DiskFault.allCases where !Self.own.contains(fault) {
      marks.append(.init("disk: \(fault.name)", disks[fault]))
    }
    return marks
  }

  /// What a world does itself, and counts.
  private static var own: [DiskFault] { [.kill, .powerCut, .lostDisk] }

  private func dropped(_ reason: WorldCounts.Drop) -> UInt64 { counts.drops[reason.rawValue] }

  private var reached: [RunReport.Mark] {
    subject.marks(processes.map(\.machine)).map { RunReport.Mark($0.name, $0.count) } + [
      .init("a process came back", counts.restarts),
      .init("a process stopped in order", counts.stops),
      .init("one whom nobody needs any more was deleted", counts.letGo),
      .init("a client lost patience", counts.impatient),
      .init("what was asked last was asked again", counts.askedAgain),
      .init("a stranger was not listened to", dropped(.stranger)),
      .init("a torn tail was repaired", counts.tornTails),
      .init("a checkpoint was written", counts.checkpoints),
      .init("a checkpoint failed", counts.checkpointsFailed),
      .init("a checkpoint was used in recovery", counts.checkpointsUsed),
      .init("a damaged store was refused", counts.refusals),
      .init("a store failed", counts.storageFailures),
      .init("a store could not be opened at once", counts.failedOpenings),
      .init("a full disk got space back", counts.spaceCameBack),
      .init(
        "a proposal was refused, since the store is short of space or behind",
        counts.proposalsRefused),
      .init("a request was dropped, since the store is behind", counts.requestsDropped),
      .init("all that was asked had to end", counts.demanded),
      .init("too much was broken for anything to have to end", counts.notDemanded),
      .init("what was broken for good did not keep the rest from deciding", counts.settledWithout),
    ]
  }
}
