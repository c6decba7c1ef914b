import CASPaxosSimulation
import EPaxosSimulation
import MultiPaxosSimulation
import SynodSimulation

/// A small world of some protocol, every run of which can be walked.
struct SmallWorld: Sendable {
  let name: String
  let summary: String
  let isLarge: Bool
  let explore: @Sendable (ExplorationLimits, (ExplorationReport) -> Bool) -> ExplorationReport

  init(_ world: ExploredWorld) {
    name = world.name
    summary = world.summary
    isLarge = world.isLarge
    explore = { world.explore(limits: $0, progress: $1) }
  }

  init(_ world: ExploredLog) {
    name = world.name
    summary = world.summary
    isLarge = world.isLarge
    explore = { world.explore(limits: $0, progress: $1) }
  }

  init(_ world: ExploredInstances) {
    name = world.name
    summary = world.summary
    isLarge = world.isLarge
    explore = { world.explore(limits: $0, progress: $1) }
  }

  /// Those of a protocol, the small ones first.
  static func all(of protocolName: String) -> [SmallWorld] {
    switch protocolName {
    case SimulatedProtocol.multipaxos.name: ExploredLog.all.map { SmallWorld($0) }
    case SimulatedProtocol.epaxos.name: ExploredInstances.all.map { SmallWorld($0) }
    default: ExploredWorld.all.map { SmallWorld($0) }
    }
  }
}
