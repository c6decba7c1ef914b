internal import CASPaxos
internal import Synod
internal import SynodSimulation

/// Worlds of what each was explored alone: two registers under one floor and in one transfer, a
/// deletion that is collected while the voters change, a voter that left and comes back late with what
/// it knew.
extension ExploredWorld {
  /// Everyone hears of it before the world begins.
  private static let known = Rehearsal()

  static let together: [ExploredWorld] = [
    ExploredWorld(
      name: "two-keys",
      summary: "3 voters, 2 proposers, changes of 2 registers, 1 crash, 1 ballot each",
      make: {
        RegisterExploration(
          settings: settings(), steps: [.add(1, at: 0), .add(10, at: 1).of("l")],
          budget: ExplorationBudget(crashes: 1), attempts: [1, 1, 1])
      }),
    ExploredWorld(
      name: "collect-two-keys",
      summary:
        "3 voters, a deletion that is collected, a change of another register that is looked for",
      make: {
        RegisterExploration(
          settings: collectors(settings()),
          steps: [.delete(at: 0), .add(1, at: 1).of("l")],
          attempts: [1, 2, 1])
      }),
    ExploredWorld(
      name: "members-two-keys",
      summary:
        "2 voters, 1 leaves; a register that both hold, a change of another by the one that leaves",
      make: {
        world(
          settings(voters: 2),
          [.add(1, at: 0), .members(.remove(VoterID(2)), at: 0), .add(10, at: 1).of("l")],
          rehearsal: [known])
      }),
    ExploredWorld(
      name: "members-join-two-keys",
      summary:
        "1 voter, 1 joins; a register that is there, a change of another, the newcomer reads",
      make: {
        world(
          settings(voters: 1, joining: 1),
          [.add(1, at: 0), voter, .add(10, at: 0).of("l"), .read(at: 1)],
          rehearsal: [known, unknown(to: 1)])
      }),
    ExploredWorld(
      name: "members-collect-join",
      summary: "1 voter, 1 joins while a deletion is collected; the newcomer reads",
      make: {
        world(
          collectors(settings(voters: 1, joining: 1)),
          [.add(1, at: 0), voter, .delete(at: 0), .read(at: 1)],
          rehearsal: [known, unknown(to: 1)])
      }),
    ExploredWorld(
      name: "members-collect-leave",
      summary: "2 voters, 1 leaves while a deletion is collected; the one that leaves reads",
      make: {
        world(
          collectors(settings(voters: 2)),
          [.add(1, at: 0), .members(.remove(VoterID(2)), at: 0), .delete(at: 0), .read(at: 1)],
          rehearsal: [known])
      }),
    // The newcomer holds the value in the epoch of both, which is still under way.
    ExploredWorld(
      name: "members-collect",
      summary:
        "2 voters, 1 joins and hears late of a deletion, which is collected; the other reads",
      make: {
        world(
          collectors(settings(voters: 2, joining: 1)),
          [.add(1, at: 0), voter, .delete(at: 0), .read(at: 1)],
          rehearsal: [known, Rehearsal(deliveries: 40), unknown(to: 2)])
      }),
    ExploredWorld(
      name: "members-return",
      summary:
        "3 voters, 1 was removed and heard of nothing; a deletion that is collected, its late change",
      make: {
        world(
          collectors(settings(voters: 3)),
          [
            .add(1, at: 0), .members(.remove(VoterID(3)), at: 0), .delete(at: 0),
            .add(10, at: 2), .read(at: 1),
          ],
          rehearsal: [known, unknown(to: 2)])
      }),
  ]
}
