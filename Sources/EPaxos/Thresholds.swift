internal import Synod

/// How many votes it takes, the coordinator's own included (rules 1 and 2).
public struct Thresholds: Hashable, Sendable {
  /// Voters.
  public let voters: Int
  /// How many may be down.
  public let failures: Int
  /// How many may be down, or disagree, while a command is still decided in one round trip.
  public let fastFailures: Int

  /// The largest for a number of voters: `n >= max(2e + f - 1, 2f + 1)`.
  public init(voters: Int) {
    self.voters = voters
    failures = (voters - 1) / 2
    fastFailures = min(failures, (voters - failures + 1) / 2)
  }

  /// Votes that decide on the slow path, and answers that let a recovery go on.
  public var slow: Int { voters - failures }
  /// Unchanged votes that decide on the fast path.
  public var fast: Int {
    #if PlantedBugs
      if PlantedBug.has(.fastMajority) { return slow }
    #endif
    return voters - fastFailures
  }
}
