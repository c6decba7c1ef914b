import CASPaxos
import CASPaxosSimulation
import EPaxosSimulation
import MultiPaxosSimulation
import SynodSimulation

/// A protocol that `synod simulate` knows, whatever its types.
struct SimulatedProtocol: Sendable {
  let name: String
  /// Runs a plan up to a number of events.
  let run: @Sendable (RunPlan, UInt64) -> RunReport
  /// Runs a plan up to a number of events, and draws the newest so many.
  let page: @Sendable (RunPlan, UInt64, Int) -> TracePage

  static let all = [caspaxos, multipaxos, epaxos]

  static func named(_ name: String) -> SimulatedProtocol? { all.first { $0.name == name } }

  /// Registers; the seed says with which workload.
  static let caspaxos = SimulatedProtocol(
    even: SimulatedProtocol(RegisterSubject<AppendWorkload>.self),
    odd: SimulatedProtocol(RegisterSubject<KeyValueWorkload>.self))

  /// A log.
  static let multipaxos = SimulatedProtocol(LogSubject<TapeWorkload>.self)

  /// Commands without a common order: a whole run, and short ones of recoveries that meet.
  static let epaxos = SimulatedProtocol(SimulatedProtocol(InstanceSubject.self)) { report, plan in
    Skirmish.follow(&report, seed: plan.seed)
  }
}

extension SimulatedProtocol {
  init<Subject: SimulationSubject & SendableMetatype>(_ subject: Subject.Type) {
    name = Subject.name
    run = { Simulation<Subject>.run($0, events: $1) }
    page = { Simulation<Subject>.page(of: $0, events: $1, capacity: $2) }
  }

  /// The same, where something follows each run.
  private init(
    _ whole: SimulatedProtocol, follow: @escaping @Sendable (inout RunReport, RunPlan) -> Void
  ) {
    name = whole.name
    page = whole.page
    run = { plan, events in
      var report = whole.run(plan, events)
      follow(&report, plan)
      return report
    }
  }

  /// Two ways to use one protocol, for even and odd seeds.
  private init(even: SimulatedProtocol, odd: SimulatedProtocol) {
    name = even.name
    run = { ($0.seed % 2 == 0 ? even : odd).run($0, $1) }
    page = { ($0.seed % 2 == 0 ? even : odd).page($0, $1, $2) }
  }
}
