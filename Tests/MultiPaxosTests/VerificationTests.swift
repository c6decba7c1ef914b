import Synod
import Testing

@testable import MultiPaxos

/// Nodes whose state is not that of the others (rule 47).
@Suite struct VerificationTests {
  /// Has the voters compare their states, and finds the odd one.
  func spoilt(_ spoil: (inout CalculatorMachine) -> Void) -> (world: World, odd: VoterID) {
    var world = World(3) {
      $0.decorations.verifiesEvery = 4
      $0.maxRetained = 2
    }
    world.elect()
    let leader = world.leader!.rawValue
    let odd = world.voters.first { $0.rawValue != leader }!
    for _ in 0..<6 { _ = world.end(.command(.add(1)), at: leader) }
    for _ in 0..<20 { world.pass(20) }
    #expect(world.voters.allSatisfy { world.nodes[$0]!.machine.stopped == nil })
    spoil(&world.nodes[odd]!.machine)
    for _ in 0..<6 { _ = world.end(.command(.add(1)), at: leader) }
    for _ in 0..<20 { world.pass(20) }
    return (world, odd)
  }

  @Test func theNodeWhoseStateIsAnotherIsFoundAndStops() {
    let (world, odd) = spoilt { $0.spoil() }
    #expect(world.nodes[odd]!.machine.stopped == .diverged)
    #expect(
      world.nodes[odd]!.effects.contains { if case .diverged = $0 { true } else { false } })
    #expect(world.voters.filter { world.nodes[$0]!.machine.stopped != nil } == [odd])
    #expect(world.nodes[odd]!.machine.participation == .passive)
  }

  /// What the log itself replicates is compared, too: leases, clients' last commands, members.
  @Test(arguments: 0..<3) func whatTheLogReplicatesIsComparedToo(_ what: Int) {
    let (world, odd) = spoilt { machine in
      switch what {
      case 0:
        _ = machine.core.state.leases.apply(.take("x", holder: "y", ticks: 1 << 30), at: Slot(1))
      case 1:
        machine.core.state.clients.keep(Once(Identity128(high: 1, low: 1), 1), "z", at: Slot(1))
      default:
        var schedule = machine.schedule
        _ = try! schedule.apply(
          MembershipChange([.setAddress(VoterID(1), "else")]), at: machine.status.applied)
        machine.core.state.schedule = schedule
      }
    }
    #expect(world.nodes[odd]!.machine.stopped == .diverged)
    #expect(world.voters.filter { world.nodes[$0]!.machine.stopped != nil } == [odd])
  }

  /// Each node was started with what it was told of where the others are reached.
  @Test func addressesThatNodesWereStartedWithMakeNoOddNode() {
    var world = World(3) {
      $0.decorations.verifiesEvery = 4
      $0.addresses = [VoterID(3): $0.voter == VoterID(2) ? "localhost:7103" : "127.0.0.1:7103"]
    }
    world.elect()
    for _ in 0..<12 { _ = world.end(.command(.add(1)), at: 1) }
    for _ in 0..<20 { world.pass(20) }
    #expect(world.voters.allSatisfy { world.nodes[$0]!.machine.stopped == nil })
    #expect(world.problems == [])
  }

  /// Whoever starts it again gets no vote of it and no answer: its store is to be given up.
  @Test(arguments: [false, true])
  func whoWasFoundOddStaysStopped(_ isCompacted: Bool) {
    var (world, odd) = spoilt { $0.spoil() }
    #expect(world.nodes[odd]!.machine.stopped == .diverged)
    world.sync(odd)
    if isCompacted { world.compact(odd) }
    world.restart(odd)
    #expect(world.nodes[odd]!.machine.stopped == .diverged)
    let read = world.propose(.query(.value, .stale), at: odd.rawValue)
    #expect(world.completions[read] == .notApplied(.abandoned(.diverged)))
    #expect(world.nodes[odd]!.machine.participation == .passive)
  }

  /// Only of the leader that was told its digest does a node believe that it is the odd one.
  @Test func onlyWhoComparedStatesSaysWhoIsOdd() {
    var world = World(3) { $0.decorations.verifiesEvery = 4 }
    TraceTests().led(by: 1, &world)
    for _ in 0..<8 { _ = world.end(.command(.add(1)), at: 1) }
    for _ in 0..<20 { world.pass(20) }
    let slot = world[2].core.digests.last!.slot
    world.with(VoterID(2)) { $0.receive(.diverged(slot), from: VoterID(3)) }
    #expect(world[2].stopped == nil)
    world.with(VoterID(2)) { $0.receive(.diverged(slot), from: VoterID(1)) }
    #expect(world[2].stopped == .diverged)
  }

  /// End to end: the odd node gives its state up, and comes back under a new identity with that of the
  /// others, by a snapshot (rules 33 and 47).
  @Test func theOddNodeGivesItsStateUpAndComesBack() {
    var (world, odd) = spoilt { $0.spoil() }
    let leader = world.leader!
    // It stopped: what it held is gone with it, and a new store takes its place.
    world.crash(odd)
    var settings = MembershipTests.joiner(4, mode: .recover(replacing: odd), store: 1)
    settings.decorations.verifiesEvery = 4
    settings.maxRetained = 2
    world.add(settings)
    for _ in 0..<100 { world.pass(20) }
    #expect(world[4].statistics.installed > 0)
    #expect(world[4].status.isVoter && world[4].participation == .active)
    #expect(world[leader.rawValue].schedule.newest.membership.member(odd) == nil)
    // It is one of those whose vote is needed, and whose state is compared.
    let third = world.voters.first { ![leader, odd, VoterID(4)].contains($0) }!
    world.crash(third)
    for _ in 0..<12 { _ = world.end(.command(.add(1)), at: leader.rawValue) }
    #expect(world[4].app.value == 24)
    world.restart(third)
    for _ in 0..<50 { world.pass(20) }
    #expect(world[4].stopped == nil)
    world.expectAgreement([leader.rawValue, third.rawValue, 4])
  }
}

extension CalculatorMachine {
  /// Has this node's state be another than the others', as a fault of memory would.
  mutating func spoil() { flip { $0.flaw = 1 } }
}
