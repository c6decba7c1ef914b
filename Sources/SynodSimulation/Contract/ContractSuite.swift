internal import Synod

/// The five properties of `ConsensusMachine`, checked on any machine.
///
/// Each check drives a small cluster from a seed and throws the first violation that it finds; the
/// same seed finds it again. Nothing here knows a test framework.
public struct ContractSuite<Witness: ContractWitness>: Sendable {
  /// What a run begins with: of a fresh cluster.
  public var witness: Witness
  /// Steps that a run takes before it is let settle.
  public var steps: Int
  /// Proposals that are made in a run, at the most.
  public var proposals: Int

  /// A suite for the cluster that `witness` knows.
  public init(_ witness: Witness, steps: Int = 300, proposals: Int = 30) {
    self.witness = witness
    self.steps = steps
    self.proposals = proposals
  }

  func world(seed: UInt64, _ faults: ContractFaults) -> ContractWorld<Witness> {
    ContractWorld(witness, seed: seed, faults: faults, proposals: proposals)
  }

  /// Lets a run end, judges it, and tells how much there was.
  func conclude(
    _ world: inout ContractWorld<Witness>, _ property: ContractViolation.Property, seed: UInt64
  ) throws(ContractViolation) -> ContractReport {
    if world.violations.isEmpty { world.conclude() }
    try check(world, property, seed: seed)
    world.report.hash = world.hash
    return world.report
  }

  func check(
    _ world: ContractWorld<Witness>, _ property: ContractViolation.Property, seed: UInt64
  ) throws(ContractViolation) {
    if let what = world.violations.first {
      throw ContractViolation(
        property: property, seed: seed, step: world.steps, what: what)
    }
  }

  /// Any message may be lost, repeated, delayed or reordered; what is proposed ends all the same.
  public func lossTolerant(seed: UInt64) throws(ContractViolation) -> ContractReport {
    var world = world(
      seed: seed, ContractFaults(loss: 20, duplication: 30, cancel: 5, slowStore: 50))
    world.run(steps)
    return try conclude(&world, .lossTolerant, seed: seed)
  }
}
