public import Synod

/// One run, drawn from its seed: the size of the cluster, its load, its limits and what goes wrong.
public struct RunPlan: Hashable, Sendable {
  /// The run is a function of it and of what a caller fixed.
  public var seed: UInt64
  /// 1 to 7.
  public var voters: Int
  /// Each has one operation open at a time.
  public var clients: Int
  /// Operations that the clients begin, all together.
  public var operations: Int
  /// Registers, or keys, that are used.
  public var keys: Int
  /// Of a hundred operations, how many go to the first key.
  public var hotKeyPercent: Int
  /// Tiny limits, so that logs roll over, checkpoints come and queues fill within a run.
  public var isTiny: Bool
  /// Which faults there are at all, and how often.
  public var faults: FaultPlan
  /// More is broken than the protocol survives: refusing is allowed then, lying is not.
  public var isOverBudget: Bool

  /// A plan drawn from `seed`.
  public init(seed: UInt64) {
    var random = SplitMix(seed: seed ^ 0x53_59_4e_4f_44)
    func one<T>(of choices: [T]) -> T { choices[Int(random.next() % UInt64(choices.count))] }
    self.seed = seed
    voters = one(of: [1, 2, 3, 3, 3, 3, 4, 5, 5, 5, 6, 7])
    clients = one(of: [1, 3, 6, 10])
    operations = one(of: [50, 150, 150, 400])
    keys = one(of: [1, 1, 3, 10, 50])
    hotKeyPercent = one(of: [0, 0, 50, 90])
    isTiny = one(of: [true, true, false])
    faults = FaultPlan(from: &random)
    isOverBudget = one(of: [false, false, false, false, true])
  }
}
