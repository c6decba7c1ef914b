/// Explores a cluster of machines of any protocol.
public enum ClusterExploration {
  /// Walks every run of the subject's world, breadth first.
  /// - Parameters:
  ///   - isExact: a debugging mode, in which states are told apart by all that they are.
  ///   - prunes: leaves out messages that can do nothing any more.
  ///   - progress: called now and then; false stops it.
  public static func explore(
    _ subject: some ExploredSubject, limits: ExplorationLimits = ExplorationLimits(),
    isExact: Bool = false, prunes: Bool = true, reduces: Bool = true,
    progress: (ExplorationReport) -> Bool = { _ in true }
  ) -> ExplorationReport {
    let rules = ClusterModel(subject)
    if subject.settings.count <= 3 {
      return walk(
        ClusterWorld<SIMD8<UInt32>>(rules, prunes: prunes, reduces: reduces), limits, isExact,
        progress)
    }
    return walk(
      ClusterWorld<SIMD16<UInt32>>(rules, prunes: prunes, reduces: reduces), limits, isExact,
      progress)
  }

  private static func walk<Words>(
    _ world: ClusterWorld<Words>, _ limits: ExplorationLimits, _ isExact: Bool,
    _ progress: (ExplorationReport) -> Bool
  ) -> ExplorationReport {
    var exploration = Exploration(world, limits: limits, isExact: isExact)
    return exploration.run(progress: progress)
  }
}
