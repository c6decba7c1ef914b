import CASPaxos
import Synod
import Testing

@Suite struct DuelTests {
  /// Every increment that was acknowledged counts once, every one that certainly failed counts not
  /// at all, and every other at most once.
  static func check(_ world: inout RandomWorld, adds: [ProposalID]) throws {
    let ended = world.settle()
    #expect(ended, "open: \(world.open.count), in flight: \(world.network.count)")
    let read = world.propose(.read, at: world.draw(world.nodes.count))
    let answered = world.settle()
    #expect(answered)
    guard case .read(let register)? = world.completions[read]?.result else {
      Issue.record("the last read did not end with a state")
      return
    }
    var certain = 0
    var possible = 0
    for id in adds {
      switch world.completions[id]?.result {
      case .applied: certain += 1
      case .unknown: possible += 1
      case .notApplied: break
      case nil: possible += 1
      case .read: Issue.record("an increment ended as a read")
      }
    }
    #expect(register.number >= certain)
    #expect(register.number <= certain + possible)
    #expect(world.violations.isEmpty, "\(world.violations)")
    #expect(world.orderViolations().isEmpty, "\(world.orderViolations())")
  }

  @Test(arguments: 0..<40)
  func everyIncrementOfDuellingProposersCountsOnce(seed: UInt64) throws {
    var world = RandomWorld(seed: seed)
    var adds: [ProposalID] = []
    for _ in 0..<60 {
      adds.append(world.propose(.change(.add(1)), at: world.draw(3)))
      for _ in 0..<world.draw(20) { world.step() }
    }
    try Self.check(&world, adds: adds)
    #expect(adds.allSatisfy { if case .applied? = world.completions[$0]?.result { true } else { false } })
  }

  @Test(arguments: 0..<60)
  func incrementsCountOnceThroughLossDuplicationAndCrashes(seed: UInt64) throws {
    var world = RandomWorld(
      seed: seed, nodes: [1, 3, 5][Int(seed % 3)],
      faults: .init(loss: 10, duplication: 20, crash: 8))
    var adds: [ProposalID] = []
    for _ in 0..<60 {
      adds.append(world.propose(.change(.add(1)), at: world.draw(world.nodes.count)))
      for _ in 0..<world.draw(30) { world.step() }
    }
    try Self.check(&world, adds: adds)
  }

  @Test func fiveNodesHammeringOneKeyAllMakeProgress() throws {
    var world = RandomWorld(seed: 5, nodes: 5)
    var adds: [ProposalID] = []
    for _ in 0..<40 {
      for node in 0..<5 { adds.append(world.propose(.change(.add(1)), at: node)) }
      for _ in 0..<100 { world.step() }
    }
    try Self.check(&world, adds: adds)
    for node in 0..<5 { #expect(world.nodes[node].machine.statistics.chosen > 0) }
  }

  @Test(arguments: 0..<60)
  func readsRefusalsDeletesAndIncrementsAreLinearizable(seed: UInt64) throws {
    let count = [3, 4, 5][Int(seed % 3)]
    var world = RandomWorld(
      seed: seed, nodes: count, faults: .init(loss: 8, duplication: 15, crash: 5)
    ) { settings in
      settings.piggybackAfter = [nil, 0, 1, 3][Int(seed % 4)]
      settings.maxFold = [1, 2, 4096][Int(seed % 3)]
      settings.retransmitAfter = 20
      if count == 4 {
        let quorums = try! QuorumSystem(
          voters: 4, prepare: seed % 2 == 0 ? 2 : 3, accept: seed % 2 == 0 ? 3 : 2)
        settings.configuration = try! Configuration(
          epoch: Epoch(0), voters: settings.configuration.voters, quorums: quorums)
      }
    }
    for round in 0..<120 {
      let node = world.draw(count)
      let operation: CASPaxos.Operation<Counter> =
        switch world.draw(8) {
        case 0: .read
        case 1: .barrierRead
        case 2: .change(.get)
        case 3: .change(.swap(world.draw(4), for: world.draw(4)))
        case 4: .change(.delete)
        default: .change(.add(1))
        }
      let deadline = world.draw(6) == 0 ? world.now + UInt64(world.draw(40)) : nil
      let id = world.propose(operation, at: node, deadline: deadline)
      for _ in 0..<world.draw(25) { world.step() }
      if round % 10 == 0 && world.open[id] != nil {
        world.nodes[node].machine.cancel(id)
        world.drain(node)
      }
    }
    let ended = world.settle()
    #expect(ended)
    #expect(world.violations.isEmpty, "\(world.violations)")
    #expect(world.orderViolations().isEmpty, "\(world.orderViolations())")
    for node in world.nodes { #expect(node.machine.openProposals == 0) }
  }
}
