import Glibc
import MultiPaxosSimulation
import Synod
import SynodSimulation
import Testing

/// Every run of small worlds. In a test run each is walked to a bounded number of states; set
/// `SYNOD_EXPLORE` to a number of states to go on.
@Suite struct LogExplorationTests {
  static let budget = getenv("SYNOD_EXPLORE").flatMap { Int(String(cString: $0)) } ?? 1_500

  @Test(arguments: ExploredLog.all.map(\.name))
  func nothingIsWrongInAnyWorld(_ name: String) throws {
    let world = try #require(ExploredLog.named(name))
    let report = world.explore(limits: ExplorationLimits(states: Self.budget))
    #expect(
      report.violation == nil,
      "\(name): \(report.violation ?? "")\n\(report.trace.joined(separator: "\n"))")
  }

  /// Any other number of states is another world, or another machine: to be understood, then changed.
  @Test(arguments: [("log-read-1-2", 18_663)])
  func aSmallWorldIsWalkedToItsEnd(_ name: String, _ states: Int) throws {
    let world = try #require(ExploredLog.named(name))
    let report = world.explore()
    #expect(report.isExhaustive, "\(name): \(report.violation ?? "")")
    #expect(report.states == states)
  }
}
