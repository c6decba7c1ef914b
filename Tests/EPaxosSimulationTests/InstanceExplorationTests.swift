import EPaxos
import Glibc
import Synod
import Testing

@testable import EPaxosSimulation
@testable import SynodSimulation

/// Small worlds, walked as far as a test may take.
@Suite struct InstanceExplorationTests {
  static let budget = getenv("SYNOD_EXPLORE").flatMap { Int(String(cString: $0)) } ?? 1_500

  /// In a test run each world is walked to a bounded number of states; set `SYNOD_EXPLORE` to a number
  /// of states to go on.
  @Test(arguments: ExploredInstances.all.map(\.name))
  func nothingIsWrongInAnyWorld(_ name: String) throws {
    let world = try #require(ExploredInstances.named(name))
    let report = world.explore(limits: ExplorationLimits(states: Self.budget))
    #expect(
      report.violation == nil,
      "\(name): \(report.violation ?? "")\n\(report.trace.joined(separator: "\n"))")
  }

  @Test func oneCommandIsDecidedInWhateverOrderMessagesCome() {
    let world = InstanceExploration(writes: [(0, 1)], budget: ExplorationBudget(timeOuts: 3))
    let report = ClusterExploration.explore(world)
    #expect(report.isExhaustive && report.states > 100, "\(report.trace)")
    #expect(report.sights.contains { $0.contains("applied") })
  }

  @Test func ofTwoThatInterfereOneComesBehindTheOther() {
    let world = InstanceExploration(
      writes: [(0, 1), (2, 1)], budget: ExplorationBudget(timeOuts: 3))
    let report = ClusterExploration.explore(world, limits: ExplorationLimits(states: 2_000))
    #expect(report.violation == nil && report.states >= 2_000, "\(report.trace)")
  }

  /// What a client is told is held against what is decided.
  @Test(arguments: [
    (told: Outcome<Scrolls>.notApplied(.overloaded), times: 1, isRight: false),
    (told: .applied(.init([]), at: 1), times: 0, isRight: false),
    (told: .applied(.init([]), at: 1), times: 2, isRight: false),
    (told: .applied(.init([]), at: 1), times: 1, isRight: true),
    (told: .notApplied(.overloaded), times: 0, isRight: true),
    (told: .unknown(.cancelled), times: 1, isRight: true),
  ])
  func answersAgreeWithWhatIsDecided(_ told: Outcome<Scrolls>, _ times: Int, _ isRight: Bool) {
    let world = InstanceExploration(writes: [(0, 1)])
    var step = ExploredLedger<InstanceExploration>.Step()
    step.completion = .init(proposal: ProposalID(1), result: told)
    var history = InstanceHistory()
    let command = Scrolls.Command(item: 1, writes: 1, reads: 0)
    var before = Dependencies()
    for number in 0..<UInt64(times) {
      let id = InstanceID(row: Row(epoch: Epoch(0), owner: VoterID(1)), number: number + 1)
      history.decided[id] = Value(Batch([Entry(.command, payload: command.encoded)]), before)
      before.insert(id)
    }
    let ledger = ExploredLedger<InstanceExploration>(
      steps: [step], history: history, budget: ExplorationBudget(), violation: nil)
    #expect((world.judge(ledger) == nil) == isRight)
  }
}
