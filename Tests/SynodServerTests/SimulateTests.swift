import ArgumentParser
import CASPaxosSimulation
import Foundation
import SynodSimulation
import Testing
import UV

@testable import SynodServer

private func options(_ arguments: [String]) throws -> SimulateOptions {
  try SimulateOptions(try SimulateCommand.parse(arguments))
}

@Test(arguments: [
  (["--protocol", "raft"], "--protocol: 'raft' cannot be simulated; what can be: caspaxos"),
  (["--seeds", "0"], "--seeds: 0 is out of range; it must be 1 to"),
  (["--seed", "1", "--seeds", "2"], "--seed runs one seed; for many, say --seeds"),
  (["--seed", "1", "--from", "2"], "--seed runs one seed; for many, say --seeds"),
  (["--nodes", "8"], "--nodes: 8 is out of range; it must be 1 to 7 nodes"),
  (["--steps", "0"], "--steps: 0 is out of range"),
  (["--jobs", "0"], "--jobs: 0 is out of range"),
  (["--operations", "0"], "--operations: 0 is out of range"),
  (["--without", "rain"], "--without: 'rain' is no fault; there are: all, loss, "),
  (["--trace", ""], "--trace: '' is no file"),
])
func aWrongFlagOfSimulateIsNamedWithWhatIsPossible(
  _ arguments: [String], _ expected: String
) throws {
  do {
    _ = try options(arguments)
    Issue.record("\(arguments) was taken")
  } catch let failure as Failure {
    #expect(failure.isUsage && failure.description.contains(expected), "\(failure)")
  }
}

@Test func wrongUseOfSimulateExitsWithTwo() {
  for arguments in [["--seed", "x"], ["--protocol", "raft"], ["--nonsense"], ["--jobs", "-1"]] {
    #expect(runSynod(["simulate"] + arguments) == 2)
  }
}

@Test func aBaseIsDrawnAfreshUnlessItIsSaid() throws {
  let (one, other) = (try options([]), try options([]))
  #expect(one.isDrawn && one.count == 100 && one.base != other.base)
  let said = try options(["--seeds", "3", "--from", "18446744073709551615"])
  #expect(!said.isDrawn && said.plan(0).seed == .max && said.plan(1).seed == 0)
}

@Test func theCommandOfARunGivesItsPlanAgain() throws {
  var plan = RunPlan(seed: 5)
  (plan.voters, plan.operations, plan.keys) = (plan.voters % 7 + 1, 3, 1)
  (plan.spares, plan.watchers, plan.oncePercent) = (4, 9, 33)
  for fault in plan.faults.parts.prefix(2) { plan.faults.leaveOut(fault) }
  let command = try options([]).command(for: plan, events: 812)
  let words = command.split(separator: " ").map { String($0) }
  #expect(words.prefix(2) == ["synod", "simulate"])
  let again = try options(Array(words.dropFirst(2)))
  #expect(again.plan(0) == plan && again.steps == 812 && again.count == 1)
}

/// What many runs came to, with so many threads.
private func hash(jobs: Int) throws -> String {
  let runs = SimulationRuns(
    try options(["--seeds", "12", "--from", "40", "--steps", "300"]))
  let threads = try runs.start(jobs: jobs)
  var summary = SimulationSummary()
  var places: [Int] = []
  while let results = runs.take() {
    for result in results {
      summary.add(result.report, isRepeated: false)
      places.append(result.place)
      #expect(result.otherHash == nil)
    }
  }
  for thread in threads { thread.join() }
  #expect(places == Array(0..<12))
  return "\(summary.hash) \(summary.events)"
}

@Test func theResultsDoNotDependOnTheNumberOfThreads() throws {
  #expect(try hash(jobs: 1) == hash(jobs: 5))
}

@Test func aFailureIsMadeSmallAndDrawnWithTheCommandThatShowsItAgain() throws {
  let broken = SimulatedProtocol(
    name: "broken",
    run: { plan, limit in
      var report = RunReport()
      report.events = min(limit, 1_000)
      if plan.seed == 12, plan.operations >= 3, limit >= 100 {
        report.outcome = .failed("it broke", event: 99)
      }
      return report
    },
    page: { plan, events, _ in TracePage("page of \(plan.operations)", outcome: nil, events: []) })
  let file = FileManager.default.temporaryDirectory.appending(path: "synod-\(UUID()).html")
  defer { try? FileManager.default.removeItem(at: file) }
  var options = try options(["--seeds", "9", "--from", "10", "--jobs", "3", "--trace", file.path])
  options.subject = broken
  var show = SimulationShow(options)
  #expect(throws: Failure.self) { try show.run() }
  let page = try String(contentsOf: file, encoding: .utf8)
  #expect(page.contains("page of 3"))
  var small = RunPlan(seed: 12)
  (small.voters, small.clients, small.operations, small.keys) = (1, 1, 3, 1)
  (small.spares, small.watchers, small.oncePercent) = (0, 0, 0)
  for fault in FaultPlan.allParts { small.faults.leaveOut(fault) }
  #expect(page.contains(options.command(for: small, events: 100)))
}

@Test func aRunThatCouldNotBeJudgedIsNoPassUnlessThatIsSaid() throws {
  var options = try options(["--seeds", "3"])
  options.subject = SimulatedProtocol(
    name: "slow",
    run: { _, _ in
      var report = RunReport()
      report.outcome = .undecided("out of budget")
      return report
    }, page: { _, _, _ in TracePage("", outcome: nil, events: []) })
  var show = SimulationShow(options)
  #expect(throws: Failure.self) { try show.run() }
  options.allowsUndecided = true
  show = SimulationShow(options)
  try show.run()
}

@Test func marksThatNoRunReachedAreNamed() {
  var summary = SimulationSummary()
  for count in [0, 3] as [UInt64] {
    var report = RunReport()
    report.injected = [.init("kill", count), .init("lost disk", 0)]
    report.reached = [.init("a duel", count * 1_000), .init("a fold", 0)]
    summary.add(report, isRepeated: true)
  }
  let lines = summary.lines(busy: 1)
  #expect(lines.contains("faults        kill: 3"))
  #expect(lines.contains("reached       a duel: 3,000"))
  #expect(lines.contains("NEVER REACHED lost disk; a fold"))
}
