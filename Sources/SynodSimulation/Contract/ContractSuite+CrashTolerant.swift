internal import Synod

extension ContractSuite {
  /// A machine rebuilt from any prefix of its batches that contains all that it was told of is a
  /// correct continuation: it can account for all that was let out.
  ///
  /// At every step that touches a store, a fork crashes that machine, for every number of unsynced
  /// batches that may survive, with and without a checkpoint that was taken in pieces meanwhile; the
  /// fork then runs on. Beyond that, machines crash at random in the run itself.
  /// - Parameters:
  ///   - seed: what happens is drawn from it.
  ///   - ahead: steps that each fork runs.
  public func crashTolerant(
    seed: UInt64, ahead: Int = 25
  ) throws(ContractViolation) -> ContractReport {
    var world = world(
      seed: seed,
      ContractFaults(
        loss: 5, duplication: 15, crash: 8, cancel: 3, lostAcknowledgement: 20, slowStore: 65,
        pieces: 12))
    for _ in 0..<steps {
      world.step()
      try check(world, .crashTolerant, seed: seed)
      for index in world.touched.sorted() {
        for survivors in 0...world.nodes[index].inFlight.count {
          try fork(&world, crashing: index, survivors, ahead, seed)
        }
      }
    }
    return try conclude(&world, .crashTolerant, seed: seed)
  }

  private func fork(
    _ world: inout ContractWorld<Witness>, crashing index: Int, _ survivors: Int, _ ahead: Int,
    _ seed: UInt64
  ) throws(ContractViolation) {
    let start = world.report
    var recoveries: [ContractNode<Witness.Machine>.Recovery] = [.log]
    if world.nodes[index].checkpoint?.validOnce != nil { recoveries.append(.checkpoint) }
    for recovery in recoveries {
      var other = world
      other.faults.crash = 0
      other.crash(index, keeping: survivors, recovery: recovery)
      // The new life proposes at once, with what it believes to be free.
      let proposal = other.witness.proposal(at: Ticks(other.now), random: &other.random)
      _ = other.propose(proposal, at: index)
      other.run(ahead)
      if world.steps % 16 == 0 && survivors == 0 { other.conclude() }
      try check(other, .crashTolerant, seed: seed)
      world.report.add(fork: other.report, since: start)
    }
  }
}
