internal import CASPaxos
internal import Synod
internal import SynodSimulation

/// Worlds in which the voters change, while something is written (rules 42 and 43).
///
/// They begin where the change was asked for: what leads there is rehearsed, and what it has not told
/// everyone yet is on its way. But for those that crash, stores make durable at once what they are
/// given: with the moments in between they are far too large. Those that are marked as large were
/// walked to some millions of states, not to their end.
extension ExploredWorld {
  static func world(
    _ settings: [Settings], _ steps: [RegisterExploration.Step], rehearsal: [Rehearsal] = [],
    deaf: [Int] = [], budget: ExplorationBudget = ExplorationBudget(),
    attempts: Int = 2
  ) -> RegisterExploration {
    var world = RegisterExploration(
      settings: settings, steps: steps, budget: budget,
      attempts: settings.map { _ in attempts }, isSymmetric: false)
    world.rehearsal = rehearsal
    world.deaf = bits(deaf)
    world.persistsAtOnce = true
    return world
  }

  /// What nobody has told these nodes when the world begins.
  static func unknown(to nodes: Int..., after deliveries: Int = .max) -> Rehearsal {
    Rehearsal(late: bits(nodes), deliveries: deliveries)
  }

  static func bits(_ nodes: [Int]) -> UInt8 { nodes.reduce(0) { $0 | 1 << UInt8($1) } }

  /// Nothing is sent again before a change is taken over.
  static func patient(_ settings: [Settings]) -> [Settings] {
    settings.map {
      var settings = $0
      settings.takeOverAfter = 1
      settings.retransmitAfter = 1_000
      return settings
    }
  }

  static let voter = RegisterExploration.Step.members(
    .add(address: "new", role: .voter), at: 0)

  static let changing: [ExploredWorld] = [
    ExploredWorld(
      name: "members-1-2", summary: "1 voter, 1 joins, a change of the first node",
      make: {
        world(
          settings(voters: 1, joining: 1), [voter, .add(1, at: 0)], rehearsal: [unknown(to: 1)])
      }),
    ExploredWorld(
      name: "members-2-1", summary: "2 voters, 1 leaves, a change of the one that leaves",
      make: {
        world(settings(voters: 2), [.members(.remove(VoterID(2)), at: 0), .add(1, at: 1)])
      }),
    ExploredWorld(
      name: "members-2-1-flexible",
      summary: "2 voters, prepare quorum 2, accept quorum 1, 1 leaves, its change and a read",
      make: {
        world(
          flexible(2, 2, 1),
          [.members(.remove(VoterID(2)), at: 0), .add(1, at: 1), .read(at: 0)])
      }),
    ExploredWorld(
      name: "members-2-3", summary: "2 voters, 1 joins, a change of the other voter",
      make: {
        world(
          settings(voters: 2, joining: 1), [voter, .add(1, at: 1)], rehearsal: [unknown(to: 2)])
      }),
    ExploredWorld(
      name: "members-3-2", summary: "3 voters, 1 leaves, a change of the one that leaves",
      make: {
        world(settings(voters: 3), [.members(.remove(VoterID(3)), at: 0), .add(1, at: 2)])
      }),
    ExploredWorld(
      name: "members-duel", summary: "2 voters, each removes the other",
      make: {
        world(
          settings(voters: 2),
          [.members(.remove(VoterID(2)), at: 0), .members(.remove(VoterID(1)), at: 1)])
      }),
    ExploredWorld(
      name: "members-add-remove",
      summary: "2 voters, 1 joins while a voter removes the other, a change of it",
      isLarge: true,
      make: {
        world(
          settings(voters: 2, joining: 1),
          [voter, .members(.remove(VoterID(1)), at: 1), .add(1, at: 1)], rehearsal: [unknown(to: 2)]
        )
      }),
    ExploredWorld(
      name: "members-dead-newcomer",
      summary: "1 voter, 1 joins and dies, the change is rolled back",
      make: {
        world(
          settings(voters: 1, joining: 1),
          [voter, .members(.rollback(of: Epoch(1)), at: 0), .add(1, at: 0)],
          rehearsal: [Rehearsal(deliveries: 4)], deaf: [1])
      }),
    ExploredWorld(
      name: "members-1-2-rollback",
      summary: "1 voter, 1 joins, the change is rolled back, a change of the newcomer, 1 crash",
      make: {
        world(
          settings(voters: 1, joining: 1),
          [voter, .members(.rollback(of: Epoch(1)), at: 0), .add(1, at: 1)],
          rehearsal: [Rehearsal(deliveries: 4)], budget: ExplorationBudget(crashes: 1))
      }),
    ExploredWorld(
      name: "members-2-1-rollback",
      summary: "2 voters, 1 leaves, and rolls the change back; a change of it",
      isLarge: true,
      make: {
        world(
          settings(voters: 2),
          [
            .members(.remove(VoterID(2)), at: 0), .members(.rollback(of: Epoch(1)), at: 1),
            .add(1, at: 1),
          ],
          rehearsal: [Rehearsal(deliveries: 5)])
      }),
    ExploredWorld(
      name: "members-2-3-rollback",
      summary: "2 voters, 1 joins, the other voter rolls it back; a change of the newcomer",
      isLarge: true,
      make: {
        world(
          settings(voters: 2, joining: 1),
          [voter, .members(.rollback(of: Epoch(1)), at: 1), .add(1, at: 2)],
          rehearsal: [Rehearsal(deliveries: 16)])
      }),
    ExploredWorld(
      name: "members-1-2-crash", summary: "1 voter, 1 joins, a change, 1 crash",
      isLarge: true,
      make: {
        var crash = world(
          settings(voters: 1, joining: 1), [voter, .add(1, at: 0)], rehearsal: [unknown(to: 1)],
          budget: ExplorationBudget(crashes: 1))
        crash.persistsAtOnce = false
        return crash
      }),
    ExploredWorld(
      name: "members-2-1-crash", summary: "2 voters, 1 leaves, its change, 1 crash",
      isLarge: true,
      make: {
        var crash = world(
          settings(voters: 2), [.members(.remove(VoterID(2)), at: 0), .add(1, at: 1)],
          budget: ExplorationBudget(crashes: 1))
        crash.persistsAtOnce = false
        return crash
      }),
    ExploredWorld(
      name: "members-take-over",
      summary: "2 voters, 1 leaves, 1 crash and 2 deadlines come: another takes over",
      isLarge: true,
      make: {
        world(
          patient(settings(voters: 2)), [.members(.remove(VoterID(1)), at: 0), .add(1, at: 0)],
          budget: ExplorationBudget(crashes: 1, timeOuts: 2))
      }),
    ExploredWorld(
      name: "members-old-epoch",
      summary: "3 voters, 1 was replaced; a change of epoch 0 with a high ballot, one of epoch 2",
      make: {
        var old = world(
          settings(voters: 3, joining: 1),
          [
            .add(1, at: 1), .members(.replace(VoterID(3), address: "new"), at: 0), .add(10, at: 0),
          ],
          rehearsal: [
            // Its own vote is the only one. Meanwhile the others go on without it.
            unknown(to: 0, after: 5),
            Rehearsal(late: bits([1]), waits: 0), unknown(to: 1),
          ],
          budget: ExplorationBudget(timeOuts: 1))
        old.stored = [1: [.reserve(counter: 100)]]
        return old
      }),
    ExploredWorld(
      name: "members-replace",
      summary: "3 voters, 1 of them lost and replaced, a change of another voter",
      make: {
        world(
          settings(voters: 3, joining: 1),
          [.members(.replace(VoterID(3), address: "new"), at: 0), .add(1, at: 1)],
          rehearsal: [unknown(to: 3)], deaf: [2])
      }),
  ]
}
