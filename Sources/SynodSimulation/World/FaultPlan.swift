public import Synod

/// Which faults a run has, and how often each: zero for one that it does not have at all. Leaving out
/// some of them finds more than having all of them always (swarm testing, Groce et al., ISSTA 2012).
public struct FaultPlan: Hashable, Sendable {
  /// No faults.
  public init() {}

  /// A random subset, with random intensities.
  public init(from random: inout SplitMix) {}
}
