internal import Synod

extension ContractSuite {
  /// A machine is a value: the same inputs give the same outputs, a copy behaves as the original
  /// does, and what becomes of a copy does not touch the original.
  public func isValue(seed: UInt64) throws(ContractViolation) -> ContractReport {
    let faults = ContractFaults(
      loss: 5, duplication: 10, crash: 3, cancel: 5, slowStore: 60, pieces: 3)
    var control = world(seed: seed, faults)
    var world = world(seed: seed, faults)
    var stale: [(copy: ContractWorld<Witness>, hash: RunHash, steps: Int)] = []
    for step in 0..<steps {
      if step % 10 == 0 {
        let before = world.hash
        var twin = world
        var stray = world
        stray.random = SplitMix(seed: ~seed &+ UInt64(step))
        stray.faults.loss = 30
        stray.run(30)
        twin.run(30)
        if world.hash != before { world.violate("what a copy did changed the original") }
        // The copy is asked again much later, when the original has gone on.
        stale.append((world, twin.hash, 30))
        world.report.forks += 3
      }
      world.step()
      control.step()
      if world.hash != control.hash { world.violate("the same inputs gave other outputs") }
      try check(world, .value, seed: seed)
    }
    for (copy, hash, steps) in stale {
      var copy = copy
      copy.run(steps)
      if copy.hash != hash { world.violate("what the original did changed a copy") }
    }
    let report = try conclude(&world, .value, seed: seed)
    let again = try conclude(&control, .value, seed: seed)
    if report.hash != again.hash {
      world.violate("the same seed gave another run")
      try check(world, .value, seed: seed)
    }
    return report
  }
}
