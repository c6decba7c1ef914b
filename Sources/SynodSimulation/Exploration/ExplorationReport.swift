/// What an exploration came to.
public struct ExplorationReport: Hashable, Sendable {
  /// Different states seen.
  public var states = 0
  /// Moves made.
  public var moves = 0
  /// Moves on the shortest way to the state that is farthest away.
  public var depth = 0
  /// Why it ended before every state was seen; nil where none is left.
  public var limit: Limit?
  /// What is wrong; nil where nothing was found.
  public var violation: String?
  /// A shortest way to the violation, move by move.
  public var trace: [String] = []
  /// What was seen on the way.
  public var sights: [String] = []
  /// Bytes held at the end, about.
  public var bytes = 0

  /// A limit that was reached.
  public enum Limit: Hashable, Sendable {
    case states(Int)
    case bytes(Int)
    /// Whoever watched the progress had enough.
    case stopped
  }

  /// Nothing yet.
  public init() {}

  /// Whether every state that can be reached was seen, and nothing is wrong with any.
  public var isExhaustive: Bool { limit == nil && violation == nil }
}

/// How much an exploration may hold.
public struct ExplorationLimits: Hashable, Sendable {
  /// States, at the most.
  public var states: Int
  /// Bytes, at the most, about.
  public var bytes: Int

  /// One made of its parts.
  public init(states: Int = .max, bytes: Int = 4 << 30) {
    self.states = states
    self.bytes = bytes
  }
}
