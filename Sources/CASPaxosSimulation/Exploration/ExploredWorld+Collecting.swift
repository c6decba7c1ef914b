internal import CASPaxos
internal import Synod
internal import SynodSimulation

/// Worlds in which what is deleted is collected, while accepts of before are on their way.
extension ExploredWorld {
  /// The first node collects what its rounds leave deleted.
  static func collectors(_ settings: [Settings]) -> [Settings] {
    var settings = settings
    settings[0].collectsAtOnce = true
    return settings
  }

  static let collecting: [ExploredWorld] = [
    ExploredWorld(
      name: "collect", summary: "3 voters, a deletion that is collected, 2 changes elsewhere",
      make: {
        RegisterExploration(
          settings: collectors(settings()),
          steps: [.delete(at: 0), .add(1, at: 1), .add(10, at: 1)], attempts: [1, 1, 1])
      }),
    ExploredWorld(
      name: "collect-crash",
      summary: "3 voters, a change and a deletion that is collected, 1 crash",
      make: {
        RegisterExploration(
          settings: collectors(settings()), steps: [.delete(at: 0), .add(1, at: 1)],
          budget: ExplorationBudget(crashes: 1), attempts: [1, 1, 1])
      }),
    ExploredWorld(
      name: "collect-resolve",
      summary: "3 voters, a deletion that is collected, a change elsewhere that is looked for",
      make: {
        RegisterExploration(
          settings: collectors(settings()), steps: [.delete(at: 0), .add(1, at: 1)],
          attempts: [1, 2, 1])
      }),
    ExploredWorld(
      name: "collect-1-3",
      summary:
        "3 voters, prepare quorum 1, accept quorum 3, a deletion that is collected, 2 changes",
      make: {
        RegisterExploration(
          settings: collectors(flexible(3, 1, 3)),
          steps: [.delete(at: 0), .add(1, at: 1), .add(10, at: 2)], attempts: [1, 2, 1])
      }),
    ExploredWorld(
      name: "collect-3-1",
      summary:
        "3 voters, prepare quorum 3, accept quorum 1, a deletion that is collected, 2 changes",
      make: {
        RegisterExploration(
          settings: collectors(flexible(3, 3, 1)),
          steps: [.delete(at: 0), .add(1, at: 1), .add(10, at: 2)], attempts: [1, 2, 1])
      }),
  ]
}
