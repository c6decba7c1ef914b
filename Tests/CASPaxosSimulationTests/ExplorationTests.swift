import CASPaxos
import Glibc
import Synod
import Testing

@testable import CASPaxosSimulation
@testable import SynodSimulation

/// Every run of small worlds. In a test run each world is walked to a bounded number of states; set
/// `SYNOD_EXPLORE` to a number of states to go on.
@Suite struct ExplorationTests {
  typealias Steps = [ExploredLedger<RegisterExploration>.Step]

  static let budget = getenv("SYNOD_EXPLORE").flatMap { Int(String(cString: $0)) } ?? 1_500

  /// Walks a world, and gives every history of its steps that was seen.
  static func walk(
    _ subject: RegisterExploration, isExact: Bool = false, prunes: Bool = true,
    reduces: Bool = true
  ) -> (report: ExplorationReport, histories: Set<Steps>) {
    let model = ClusterModel(subject)
    let world = ClusterWorld<SIMD16<UInt32>>(model.rules, prunes: prunes, reduces: reduces)
    var exploration = Exploration(world, isExact: isExact)
    let report = exploration.run()
    return (report, Set(model.ledgers.values.map(\.steps)))
  }

  static func exploration(
    _ steps: [RegisterExploration.Step], voters: Int = 3, crashes: Int = 0, attempts: Int = .max,
    isSymmetric: Bool = true
  ) -> RegisterExploration {
    RegisterExploration(
      settings: ExploredWorld.settings(voters: voters), steps: steps,
      budget: ExplorationBudget(crashes: crashes),
      attempts: Array(repeating: attempts, count: voters), isSymmetric: isSymmetric)
  }

  @Test(arguments: ExploredWorld.all.map(\.name))
  func nothingIsWrongInAnyWorld(_ name: String) throws {
    let world = try #require(ExploredWorld.named(name))
    let report = world.explore(limits: ExplorationLimits(states: Self.budget))
    #expect(
      report.violation == nil,
      "\(name): \(report.violation ?? "")\n\(report.trace.joined(separator: "\n"))")
    print(
      "explored \(name): \(report.states) states, \(report.moves) moves, "
        + (report.isExhaustive ? "exhaustive" : "bounded"))
  }

  @Test func whatANodeWasAskedBeforeItCrashedDoesNotEnd() {
    let subject = Self.exploration([.add(1, at: 0)], crashes: 1)
    let model = ClusterModel(subject)
    var ledger = ExploredLedger<RegisterExploration>(
      steps: [ExploredLedger.Step()], history: subject.blank, budget: subject.budget,
      violation: nil)
    let end = RegisterExploration.Machine.Completion(
      proposal: ProposalID(1), result: .unknown(.deadline))
    model.note(.started(0), of: 0, in: &ledger)
    model.note(.crashed, of: 0, in: &ledger)
    #expect(ledger.violation == nil)
    model.note(.ended(0, end), of: 0, in: &ledger)
    #expect(ledger.violation?.contains("its node crashed") == true)
  }

  @Test func oneChangeAndOneCrashAreWalkedToTheEnd() {
    let (report, _) = Self.walk(Self.exploration([.add(1, at: 0)], crashes: 1))
    #expect(report.isExhaustive)
    #expect(report.sights == ["0 applied"])
  }

  @Test(arguments: [
    Self.exploration([.add(1, at: 0)], crashes: 1),
    Self.exploration([.add(1, at: 0), .add(10, at: 0)]),
    Self.exploration([.read(at: 0), .read(at: 1)]),
    Self.exploration([.barrierRead(at: 0)], crashes: 1),
    RegisterExploration(
      settings: ExploredWorld.settings(), steps: [.add(1, at: 0)],
      budget: ExplorationBudget(failures: 1)),
    RegisterExploration(
      settings: ExploredWorld.settings(), steps: [.add(1, at: 0)],
      budget: ExplorationBudget(crashes: 1), groups: true),
  ])
  func whatIsLeftOutShowsNothingNew(_ subject: RegisterExploration) {
    let reduced = Self.walk(subject)
    let pruned = Self.walk(subject, reduces: false)
    #expect(reduced.report.isExhaustive && pruned.report.isExhaustive)
    #expect(reduced.report.violation == nil && pruned.report.violation == nil)
    #expect(reduced.report.states < pruned.report.states)
    #expect(reduced.histories == pruned.histories)
  }

  @Test func deadMessagesShowNothingNew() {
    let subject = Self.exploration([.add(1, at: 0)], crashes: 1)
    let pruned = Self.walk(subject, reduces: false)
    let whole = Self.walk(subject, prunes: false, reduces: false)
    #expect(pruned.report.states < whole.report.states)
    #expect(pruned.histories == whole.histories)
  }

  @Test func aTraceTellsOfEveryVote() throws {
    // Two acceptances are too few for what the other machines take as enough promises.
    let report = ClusterExploration.explore(try Self.quorumsThatMissEachOther())
    let told = report.trace.joined(separator: "; ").split(separator: "; ")
    #expect(told.count { $0.contains(" -> 1: promise") } == 2)
    #expect(told.count { $0.contains(" -> 2: promise") } == 1)
  }

  @Test func fingerprintsTellAllStatesApart() {
    let subject = Self.exploration([.add(1, at: 0), .add(10, at: 0)], crashes: 1)
    #expect(Self.walk(subject, isExact: true).report == Self.walk(subject).report)
  }

  @Test func acceptorsThatProposeNothingMayChangePlaces() {
    let alike = Self.walk(Self.exploration([.add(1, at: 0)], voters: 5))
    let apart = Self.walk(Self.exploration([.add(1, at: 0)], voters: 5, isSymmetric: false))
    #expect(alike.report.states * 5 < apart.report.states)
    #expect(alike.histories == apart.histories)
  }

  static func quorumsThatMissEachOther() throws -> RegisterExploration {
    // One machine counts two acceptances of four as chosen, the others two promises as enough.
    var settings = ExploredWorld.settings(voters: 4)
    let voters = settings.map(\.voter)
    settings[0].configuration = try Configuration(
      epoch: Epoch(0), voters: voters, quorums: QuorumSystem(voters: 4, prepare: 3, accept: 2))
    for node in 1...3 {
      settings[node].configuration = try Configuration(
        epoch: Epoch(0), voters: voters, quorums: QuorumSystem(voters: 4, prepare: 2, accept: 3))
    }
    return RegisterExploration(
      settings: settings, steps: [.add(1, at: 0), .add(10, at: 1)], attempts: [1, 1, 1, 1])
  }

  @Test func quorumsThatMissEachOtherAreFound() throws {
    let report = ClusterExploration.explore(try Self.quorumsThatMissEachOther())
    #expect(report.violation?.contains("was lost at") == true)
    #expect(report.trace.count == report.depth)
  }
}
