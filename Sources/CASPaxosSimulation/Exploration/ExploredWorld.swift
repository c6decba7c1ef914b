public import CASPaxos
public import Synod
public import SynodSimulation

/// A small world of registers that can be walked to its end, by name.
///
/// None has a clock unless it says so: a machine then waits for ever after a round's second failure,
/// so that a round draws two ballots at the most.
public struct ExploredWorld: Sendable {
  /// As one types it.
  public var name: String
  /// What is in it, in one line.
  public var summary: String
  /// Whether a few minutes and some gigabytes are not enough for it.
  public var isLarge = false
  let make: @Sendable () -> RegisterExploration

  /// What is explored.
  public var subject: RegisterExploration { make() }

  /// Walks it.
  /// - Parameters:
  ///   - limits: how much it may hold.
  ///   - progress: called every 65,536 states; false stops it.
  public func explore(
    limits: ExplorationLimits = ExplorationLimits(),
    progress: (ExplorationReport) -> Bool = { _ in true }
  ) -> ExplorationReport {
    ClusterExploration.explore(make(), limits: limits, progress: progress)
  }

  /// The world of this name, if there is one.
  public static func named(_ name: String) -> ExploredWorld? { all.first { $0.name == name } }

  /// Machines for a small world: one shard, no waiting but for the clock.
  /// - Parameters:
  ///   - voters: how many there are at first.
  ///   - joining: nodes on blank stores that are to become voters.
  ///   - quorums: majorities where nil.
  ///   - piggyback: as in `Settings`.
  public static func settings(
    voters: Int = 3, joining: Int = 0, quorums: QuorumSystem? = nil, piggyback: UInt8? = nil
  ) -> [Settings] {
    (1...UInt32(voters + joining)).map { voter in
      let configuration: Configuration
      do {
        configuration = try Configuration(
          epoch: Epoch(0), voters: (1...UInt32(voters)).map { VoterID($0) }, quorums: quorums)
      } catch {
        preconditionFailure("\(error)")
      }
      var settings = Settings(voter: VoterID(voter), configuration: configuration, seed: 1)
      settings.shards = 1
      settings.counterBlock = 64
      settings.backoff = 1
      settings.piggybackAfter = piggyback
      return settings
    }
  }

  static func flexible(_ voters: Int, _ prepare: Int, _ accept: Int) -> [Settings] {
    do {
      return settings(
        voters: voters,
        quorums: try QuorumSystem(voters: voters, prepare: prepare, accept: accept))
    } catch {
      preconditionFailure("\(error)")
    }
  }

  /// Every world that there is, the small ones first.
  public static let all: [ExploredWorld] = plain + collecting + changing + together

  private static let plain: [ExploredWorld] = [
    ExploredWorld(
      name: "one-change", summary: "3 voters, 1 change, 1 crash",
      make: {
        RegisterExploration(
          settings: settings(), steps: [.add(1, at: 0)], budget: ExplorationBudget(crashes: 1))
      }),
    ExploredWorld(
      name: "restarted-proposer", summary: "3 voters, 1 proposer, 2 changes, 1 crash",
      make: {
        RegisterExploration(
          settings: settings(), steps: [.add(1, at: 0), .add(10, at: 0)],
          budget: ExplorationBudget(crashes: 1))
      }),
    ExploredWorld(
      name: "two-ballots", summary: "3 voters, 2 proposers, 2 changes, 1 crash, 1 ballot each",
      make: {
        RegisterExploration(
          settings: settings(), steps: [.add(1, at: 0), .add(10, at: 1)],
          budget: ExplorationBudget(crashes: 1), attempts: [1, 1, 1])
      }),
    ExploredWorld(
      name: "four-voters", summary: "4 voters, 2 proposers, 2 changes, 1 ballot each",
      make: {
        RegisterExploration(
          settings: settings(voters: 4), steps: [.add(1, at: 0), .add(10, at: 1)],
          attempts: [1, 1, 1, 1])
      }),
    ExploredWorld(
      name: "five-voters", summary: "5 voters, 2 proposers, 2 changes, 1 ballot each",
      make: {
        RegisterExploration(
          settings: settings(voters: 5), steps: [.add(1, at: 0), .add(10, at: 1)],
          attempts: [1, 1, 1, 1, 1])
      }),
    ExploredWorld(
      name: "cancelled-change",
      summary: "3 voters, 1 proposer, 3 changes, promises asked ahead, "
        + "1 cancelled",
      make: {
        RegisterExploration(
          settings: settings(piggyback: 0),
          steps: [.add(1, at: 0), .add(10, at: 0), .add(100, at: 0)],
          budget: ExplorationBudget(cancels: 1))
      }),
    ExploredWorld(
      name: "late-change", summary: "3 voters, 1 proposer, 2 changes, 1 deadline comes",
      make: {
        RegisterExploration(
          settings: settings(), steps: [.add(1, at: 0), .add(10, at: 0)],
          budget: ExplorationBudget(timeOuts: 1))
      }),
    ExploredWorld(
      name: "failed-store", summary: "3 voters, 2 changes, 1 store fails, 1 crash, 1 ballot each",
      make: {
        RegisterExploration(
          settings: settings(), steps: [.add(1, at: 0), .add(10, at: 1)],
          budget: ExplorationBudget(crashes: 1, failures: 1), attempts: [1, 1, 1])
      }),
    ExploredWorld(
      name: "group-commit", summary: "3 voters, 2 changes, batches acknowledged together, 1 crash",
      make: {
        RegisterExploration(
          settings: settings(), steps: [.add(1, at: 0), .add(10, at: 1)],
          budget: ExplorationBudget(crashes: 1), attempts: [1, 1, 1], groups: true)
      }),
    ExploredWorld(
      name: "late-rivals",
      summary: "3 voters, 2 proposers, 2 changes with deadlines, 1 deadline comes, 1 ballot each",
      make: {
        RegisterExploration(
          settings: settings(),
          steps: [.add(1, at: 0, deadline: Ticks(20)), .add(10, at: 1, deadline: Ticks(20))],
          budget: ExplorationBudget(timeOuts: 1), attempts: [1, 1, 1])
      }),
    ExploredWorld(
      name: "barrier-read",
      summary: "3 voters, a change and a barrier read elsewhere, 1 crash, 1 ballot each",
      make: {
        RegisterExploration(
          settings: settings(), steps: [.add(1, at: 0), .barrierRead(at: 1)],
          budget: ExplorationBudget(crashes: 1), attempts: [1, 1, 1])
      }),
    ExploredWorld(
      name: "delete",
      summary: "3 voters, a change and a deletion elsewhere, 1 crash, 1 ballot each",
      make: {
        RegisterExploration(
          settings: settings(), steps: [.add(1, at: 0), .delete(at: 1)],
          budget: ExplorationBudget(crashes: 1), attempts: [1, 1, 1])
      }),
    ExploredWorld(
      name: "read", summary: "3 voters, a change and a read elsewhere, 1 crash, 1 ballot each",
      make: {
        RegisterExploration(
          settings: settings(), steps: [.add(1, at: 0), .read(at: 1)],
          budget: ExplorationBudget(crashes: 1), attempts: [1, 1, 1])
      }),
    ExploredWorld(
      name: "read-3-2",
      summary: "4 voters, prepare quorum 3, accept quorum 2, a change and a read, 1 ballot each",
      make: {
        RegisterExploration(
          settings: flexible(4, 3, 2), steps: [.add(1, at: 0), .read(at: 1)],
          attempts: [1, 1, 1, 1])
      }),
    ExploredWorld(
      name: "read-2-3",
      summary: "4 voters, prepare quorum 2, accept quorum 3, a change and a read, 1 ballot each",
      make: {
        RegisterExploration(
          settings: flexible(4, 2, 3), steps: [.add(1, at: 0), .read(at: 1)],
          attempts: [1, 1, 1, 1])
      }),
    ExploredWorld(
      name: "refusal", summary: "3 voters, a change and a compare-and-set that fails",
      make: {
        RegisterExploration(
          settings: settings(), steps: [.add(1, at: 0), .swap(5, for: 6, at: 1)])
      }),
    ExploredWorld(
      name: "refusal-and-read",
      summary: "3 voters, a change, a compare-and-set that fails and a read, 1 ballot each",
      make: {
        RegisterExploration(
          settings: settings(), steps: [.add(1, at: 0), .swap(5, for: 6, at: 1), .read(at: 1)],
          attempts: [1, 1, 1])
      }),
    ExploredWorld(
      name: "two-proposers", summary: "3 voters, 2 proposers, 2 changes",
      make: {
        RegisterExploration(settings: settings(), steps: [.add(1, at: 0), .add(10, at: 1)])
      }),
    ExploredWorld(
      name: "three-ballots",
      summary: "3 voters, 2 proposers, 2 changes, 1 crash, 2 ballots and 1",
      make: {
        RegisterExploration(
          settings: settings(), steps: [.add(1, at: 0), .add(10, at: 1)],
          budget: ExplorationBudget(crashes: 1), attempts: [2, 1, 1])
      }),
    ExploredWorld(
      name: "two-proposers-crash", summary: "3 voters, 2 proposers, 2 changes, 1 crash",
      make: {
        RegisterExploration(
          settings: settings(), steps: [.add(1, at: 0), .add(10, at: 1)],
          budget: ExplorationBudget(crashes: 1))
      }),
    ExploredWorld(
      name: "two-reads", summary: "3 voters, a change and reads at both others", isLarge: true,
      make: {
        RegisterExploration(
          settings: settings(), steps: [.add(1, at: 0), .read(at: 1), .read(at: 2)])
      }),
    ExploredWorld(
      name: "two-refusals", summary: "3 voters, a change and 2 compare-and-sets that fail",
      isLarge: true,
      make: {
        RegisterExploration(
          settings: settings(),
          steps: [.add(1, at: 0), .swap(5, for: 6, at: 1), .swap(5, for: 6, at: 2)])
      }),
    ExploredWorld(
      name: "promise-ahead",
      summary: "3 voters, 2 proposers, 3 changes, promises asked ahead, 1 ballot each",
      isLarge: true,
      make: {
        RegisterExploration(
          settings: settings(piggyback: 0),
          steps: [.add(1, at: 0), .add(10, at: 0), .add(100, at: 1)], attempts: [1, 1, 1])
      }),
  ]
}
