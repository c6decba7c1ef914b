/// Explores a cluster of machines of any protocol.
public enum ClusterExploration {
  /// Walks every run of the subject's world, breadth first.
  /// - Parameters:
  ///   - subject: the machines, what may happen to them, and what must hold.
  ///   - limits: where to stop.
  ///   - isExact: a debugging mode, in which states are told apart by all that they are.
  ///   - prunes: leaves out messages that can do nothing any more.
  ///   - reduces: of events that may come in any order, to the same end, walks one order.
  ///   - progress: called now and then; false stops it.
  @inlinable
  public static func explore(
    _ subject: some ExploredSubject, limits: ExplorationLimits = ExplorationLimits(),
    isExact: Bool = false, prunes: Bool = true, reduces: Bool = true,
    progress: (ExplorationReport) -> Bool = { _ in true }
  ) -> ExplorationReport {
    let rules = ClusterModel(subject).rules
    return walk(rules, limits, isExact, prunes, reduces, progress)
  }

  @usableFromInline
  static func walk(
    _ rules: ClusterRules, _ limits: ExplorationLimits, _ isExact: Bool, _ prunes: Bool,
    _ reduces: Bool, _ progress: (ExplorationReport) -> Bool
  ) -> ExplorationReport {
    if rules.nodes <= 3 {
      let world = ClusterWorld<SIMD8<UInt32>>(rules, prunes: prunes, reduces: reduces)
      return walk(world, limits, isExact, progress)
    }
    let world = ClusterWorld<SIMD16<UInt32>>(rules, prunes: prunes, reduces: reduces)
    return walk(world, limits, isExact, progress)
  }

  private static func walk<Words>(
    _ world: ClusterWorld<Words>, _ limits: ExplorationLimits, _ isExact: Bool,
    _ progress: (ExplorationReport) -> Bool
  ) -> ExplorationReport {
    var exploration = Exploration(world, limits: limits, isExact: isExact)
    return exploration.run(progress: progress)
  }
}
