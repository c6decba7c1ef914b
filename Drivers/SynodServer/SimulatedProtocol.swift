import CASPaxos
import CASPaxosSimulation
import SynodSimulation

/// A protocol that `synod simulate` knows, whatever its types.
struct SimulatedProtocol: Sendable {
  let name: String
  /// Runs a plan up to a number of events.
  let run: @Sendable (RunPlan, UInt64) -> RunReport
  /// Runs a plan up to a number of events, and draws the newest so many.
  let page: @Sendable (RunPlan, UInt64, Int) -> TracePage

  static let all = [caspaxos]

  static func named(_ name: String) -> SimulatedProtocol? { all.first { $0.name == name } }

  /// Registers, with one workload or another.
  static let caspaxos = SimulatedProtocol(RegisterSubject<AppendWorkload>.self)

  init<Subject: SimulationSubject>(_ subject: Subject.Type) {
    name = Subject.name
    run = { Simulation<Subject>.run($0, events: $1) }
    page = { Simulation<Subject>.page(of: $0, events: $1, capacity: $2) }
  }
}
