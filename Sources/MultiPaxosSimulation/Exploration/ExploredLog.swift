import MultiPaxos
import Synod
public import SynodSimulation

/// A small world of a log that can be walked to its end, by name.
public struct ExploredLog: Sendable {
  /// As one types it.
  public var name: String
  /// What is in it, in one line.
  public var summary: String
  /// Whether a few minutes and some gigabytes are not enough for it.
  public var isLarge = false
  let make: @Sendable () -> LogExploration

  /// What is explored.
  public var subject: LogExploration { make() }

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
  public static func named(_ name: String) -> ExploredLog? { all.first { $0.name == name } }

  /// Machines for a small world: whoever's deadline comes stands at once.
  /// - Parameter joining: nodes on blank stores.
  static func settings(voters: Int = 3, joining: Int = 0, window: UInt64) -> [Settings] {
    (1...UInt32(voters + joining)).map { voter in
      let configuration: Configuration
      do {
        configuration = try Configuration(
          epoch: Epoch(0), voters: (1...UInt32(voters)).map { VoterID($0) })
      } catch {
        preconditionFailure("\(error)")
      }
      var settings = Settings(voter: VoterID(voter), configuration: configuration, seed: 1)
      settings.window = window
      settings.counterBlock = 64
      settings.mode = voter > UInt32(voters) ? .join : .bootstrap
      if voter > UInt32(voters) { settings.store = store(of: voter) }
      settings.decorations.asksBeforeStanding = false
      settings.decorations.checksQuorum = false
      settings.decorations.sendsHeartbeats = false
      settings.decorations.delegates = false
      return settings
    }
  }

  /// - Parameters:
  ///   - candidates: nodes that may stand; those that are asked for something where nil.
  ///   - candidacies: deadlines that come, at any nodes.
  ///   - isSynced: whether what is to be persisted is durable at once.
  private static func world(
    _ settings: [Settings], _ steps: [LogExploration.Step], candidates: Set<Int>? = nil,
    candidacies: Int = 2, crashes: Int = 0, isSynced: Bool = true
  ) -> LogExploration {
    var settings = settings
    let candidates = candidates ?? Set(steps.map(\.node))
    for node in settings.indices {
      settings[node].decorations.standsForLeader = candidates.contains(node)
    }
    return LogExploration(
      settings: settings, steps: steps,
      budget: ExplorationBudget(crashes: crashes, timeOuts: candidacies),
      persistsAtOnce: isSynced)
  }

  private static func store(of voter: UInt32) -> Identity128 {
    Identity128(high: 1, low: UInt64(voter))
  }

  private static func voter(_ voter: UInt32) -> Member {
    Member(voter: VoterID(voter), role: .voter, store: store(of: voter))
  }

  private static let leaves = LogExploration.Step.members([.remove(VoterID(3))], at: 0)
  private static let joins = LogExploration.Step.members([.add(voter(2))], at: 0)
  private static let moves = LogExploration.Step.members(
    [.replace(VoterID(1), by: voter(2))], at: 0)

  /// Every world that there is, the small ones first.
  public static let all: [ExploredLog] = [
    ExploredLog(
      name: "log-one-write", summary: "3 voters, α 1, 1 candidate, 2 candidacies, 1 write, 1 crash",
      make: {
        world(settings(window: 1), [.write(1, at: 0)], crashes: 1)
      }),
    ExploredLog(
      name: "log-read-1-2", summary: "1 voter gives its place to another, α 1, a write, a read",
      make: {
        world(settings(voters: 1, joining: 1, window: 1), [moves, .write(1, at: 1), .read(at: 0)])
      }),
    ExploredLog(
      name: "log-members-1-2-1", summary: "1 voter, 1 joins, α 1, a write of each, 1 crash",
      make: {
        world(
          settings(voters: 1, joining: 1, window: 1), [joins, .write(1, at: 0), .write(2, at: 1)],
          crashes: 1)
      }),
    ExploredLog(
      name: "log-members-1-2-3", summary: "1 voter, 1 joins, α 3, a write of each, 1 crash",
      make: {
        world(
          settings(voters: 1, joining: 1, window: 3), [joins, .write(1, at: 0), .write(2, at: 1)],
          crashes: 1)
      }),
    ExploredLog(
      name: "log-2-1", summary: "3 voters, α 1, 2 candidates, a write of each",
      make: { world(settings(window: 1), [.write(1, at: 0), .write(2, at: 1)]) }),
    ExploredLog(
      name: "log-2-3", summary: "3 voters, α 3, 2 candidates, a write of each",
      make: { world(settings(window: 3), [.write(1, at: 0), .write(2, at: 1)]) }),
    ExploredLog(
      name: "log-members-3-2-1",
      summary: "3 voters, 1 leaves, α 1, 2 candidates, a write, 1 crash",
      make: { world(settings(window: 1), [leaves, .write(1, at: 1)], crashes: 1) }),
    ExploredLog(
      name: "log-members-3-2-3",
      summary: "3 voters, 1 leaves, α 3, 2 candidates, a write, 1 crash", isLarge: true,
      make: { world(settings(window: 3), [leaves, .write(1, at: 1)], crashes: 1) }),
    ExploredLog(
      name: "log-crash", summary: "3 voters, α 1, 2 candidates, 1 write, 1 crash", isLarge: true,
      make: {
        world(
          settings(window: 1), [.write(1, at: 0)], candidates: [0, 1], crashes: 1, isSynced: false)
      }),
  ]
}
