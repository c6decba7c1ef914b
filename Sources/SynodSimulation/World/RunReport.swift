/// What a run came to.
public struct RunReport: Hashable, Sendable {
  /// How it was judged.
  public enum Outcome: Hashable, Sendable {
    /// Nothing was found, and every check ran to its end.
    case passed
    /// With what is wrong, and at which event it was found.
    case failed(String, event: UInt64)
    /// A check ran out of its budget. Never a pass.
    case undecided(String)
  }

  /// How it was judged.
  public var outcome: Outcome = .passed
  /// Of every event of the run and its content: equal in every process and build.
  public var hash: UInt64 = 0
  /// Events handled.
  public var events: UInt64 = 0
  /// Operations begun, and answered.
  public var operations: UInt64 = 0
  /// Operations answered.
  public var completions: UInt64 = 0
  /// Virtual time, in microseconds.
  public var microseconds: UInt64 = 0
  /// From the end of the faults until everything that was asked had ended, in microseconds of virtual
  /// time; nil where nothing had to, or did not.
  public var settling: UInt64?
  /// Faults injected, and marks reached: by name, in a fixed order, with how often.
  public var injected: [Mark] = []
  /// Marks reached, by name, in a fixed order, with how often.
  public var reached: [Mark] = []

  /// Something that should happen in some runs, and how often it did.
  public struct Mark: Hashable, Sendable {
    /// In a few words.
    public var name: String
    /// How often.
    public var count: UInt64
    /// One made of its parts.
    public init(_ name: String, _ count: UInt64) {
      self.name = name
      self.count = count
    }
  }

  /// Nothing yet.
  public init() {}
}
