internal import Synod

extension ContractSuite {
  /// Batches have rising numbers, several may be in flight, an acknowledgement is cumulative, a lost
  /// or a repeated one is harmless, and one of a batch that was never issued stops a machine for
  /// good.
  public func pipelined(seed: UInt64) throws(ContractViolation) -> ContractReport {
    let faults = ContractFaults(duplication: 5, lostAcknowledgement: 40, slowStore: 85)
    var plain = world(seed: seed, faults)
    var repeating = plain
    var noise = SplitMix(seed: ~seed)
    for step in 0..<steps {
      plain.step()
      repeating.step()
      repeatAcknowledgement(&repeating, &noise)
      if step % 25 == 24 { try stopForGood(plain, seed: seed) }
      try check(plain, .pipelined, seed: seed)
      try check(repeating, .pipelined, seed: seed)
    }
    if plain.hash != repeating.hash {
      repeating.violate("acknowledgements that were repeated changed the run")
    }
    if plain.report.mostInFlight < 2 {
      repeating.violate("never had two batches in flight")
    }
    let again = try conclude(&repeating, .pipelined, seed: seed)
    var report = try conclude(&plain, .pipelined, seed: seed)
    report.add(fork: again, since: ContractReport())
    return report
  }

  private func repeatAcknowledgement(
    _ world: inout ContractWorld<Witness>, _ noise: inout SplitMix
  ) {
    let index = Int(noise.next() % UInt64(world.nodes.count))
    let upTo = world.nodes[index].acknowledged.rawValue
    let batch = PersistBatch(noise.next() % (upTo + 1))
    world.nodes[index].machine.persisted(through: batch)
    if world.nodes[index].machine.hasReady {
      world.violate("acknowledging \(batch) again, \(upTo) being known, let something out")
    }
  }

  /// Each machine of a copy is told of a batch that it never issued.
  private func stopForGood(
    _ original: ContractWorld<Witness>, seed: UInt64
  ) throws(ContractViolation) {
    for index in original.nodes.indices {
      var world = original
      let mine = world.open.filter { $0.node == index }.map(\.id)
      let node = world.nodes[index]
      node.machine.hasReady ? world.drain(index) : ()
      world.nodes[index].machine.persisted(through: PersistBatch(node.issued.rawValue + 1))
      var ready = Ready<Witness.Machine>()
      world.nodes[index].machine.drain(into: &ready)
      let ended = ready.completed.map(\.proposal)
      if Set(ended) != Set(mine) || ended.count != mine.count {
        world.violate("told of a batch never issued, it ended \(ended) where \(mine) were open")
      }
      if !ready.persist.isEmpty || !ready.messages.isEmpty || !ready.effects.isEmpty {
        world.violate("told of a batch never issued, it still let something out")
      }
      staysSilent(&world, index)
      try check(world, .pipelined, seed: seed)
    }
  }

  /// Whatever a stopped machine is given, it only says that it is stopped.
  private func staysSilent(_ world: inout ContractWorld<Witness>, _ index: Int) {
    var ready = Ready<Witness.Machine>()
    let voter = world.nodes[index].voter
    for parcel in world.network.prefix(40) where parcel.to == voter {
      world.nodes[index].machine.receive(parcel.message, from: parcel.from)
    }
    world.nodes[index].machine.tick(to: Ticks(world.now + 100_000))
    world.nodes[index].machine.persisted(through: world.nodes[index].acknowledged)
    if world.nodes[index].machine.hasReady { world.violate("a stopped machine is not silent") }
    if world.nodes[index].machine.nextDeadline != nil {
      world.violate("a stopped machine wants to be woken")
    }
    let proposal = world.witness.proposal(at: Ticks(world.now), random: &world.random)
    let id = ProposalID(UInt64.max)
    world.nodes[index].machine.propose(proposal, as: id)
    world.nodes[index].machine.drain(into: &ready)
    if ready.completed.map(\.proposal) != [id] {
      world.violate("a stopped machine did not refuse a proposal")
    }
    if !ready.messages.isEmpty || !ready.persist.isEmpty || !ready.effects.isEmpty {
      world.violate("a stopped machine works on")
    }
  }
}
