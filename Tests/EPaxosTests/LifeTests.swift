@testable import EPaxos
import Synod
import Testing

/// Restarts, retries, and what clients are told.
@Suite struct LifeTests {
  /// A recovery makes a live owner's instance void: its proposal is decided by another, once.
  @Test func whatBecameVoidIsProposedAgain() {
    var world = World.directed(3)
    let proposal = world.add(1, at: 1)
    world.recover(at(1, 1), at: 3)
    world.hand(3, 1, "recover")
    world.hand(1, 3, "holding")
    world.isHeldBack = { _ in false }
    world.settle(300)
    #expect(world.decided(at(1, 1), at: 1) == .nop)
    #expect(world.completions[proposal]?.number == 1)
    #expect(world.numbers(2) == [1])
    #expect(world[1].statistics.resubmitted == 1)
    world.expectAgreement()
  }

  @Test func aProposalIsUnknownOnceAnInstanceMayDecideIt() {
    var world = World.directed(3) { $0.maxOpenInstances = 1 }
    let first = world.add(1, at: 1)
    let second = world.add(2, at: 1)
    let third = world.add(3, at: 1)
    world.with(VoterID(1)) {
      $0.cancel(first)
      $0.cancel(second)
    }
    #expect(world.completions[first] == .unknown(.cancelled))
    #expect(world.completions[second] == .notApplied(.abandoned(.cancelled)))
    world.with(VoterID(1)) { $0.storageFailed() }
    #expect(world.completions[third] == .notApplied(.abandoned(.storageFailed)))
  }

  @Test func aDeadlineEndsWhatHasNotEnded() {
    var world = World.directed(3)
    let proposal = world.propose(.command(.add(1, [0])), at: 1, deadline: 50)
    let late = world.propose(.command(.add(1, [0])), at: 1, deadline: 0)
    #expect(world.completions[late] == .notApplied(.abandoned(.deadline)))
    #expect(world.completions[proposal] == nil)
    world.pass(51)
    #expect(world.completions[proposal] == .unknown(.deadline))
  }

  @Test func aCommandThatIsSentAgainHasItsEffectOnce() {
    var world = World(3)
    let client = Identity128(high: 1, low: 2)
    let first = world.propose(.command(.add(4, [0])), at: 1, once: Once(client, 1))
    world.calm()
    let again = world.propose(
      .command(.add(4, [0])), at: 2, once: Once(client, 1, isRetry: true))
    world.settle(100)
    #expect(world.completions[first]?.number == 4)
    #expect(world.completions[again] == world.completions[first])
    // At once, through two nodes.
    let ids = [UInt32(1), 3].map {
      world.propose(.command(.add(5, [0])), at: $0, once: Once(client, 2))
    }
    world.settle(200)
    #expect(ids.map { world.completions[$0]?.number } == [17, 17])
    let old = world.propose(.command(.add(4, [0])), at: 2, once: Once(client, 1, isRetry: true))
    world.settle(200)
    #expect(world.completions[old] == .notApplied(.outdated))
    #expect(world.numbers(3) == [4, 5])
    world.expectAgreement()
  }

  @Test func numbersAreNotDrawnTwice() {
    var world = World(3)
    world.add(1, at: 1)
    world.calm()
    for round in 1...3 as ClosedRange<UInt64> {
      // One leaves, and its record does not reach the disk.
      world.isHeldBack = { $0.message.kind != "preAccept" }
      world.with(VoterID(1)) {
        $0.propose(Proposal(.command(.add(2, [0]))), as: ProposalID(1000 + round))
      }
      let sent = world[1].instances.map(\.id.number).max()!
      world.restart(VoterID(1))
      world.isHeldBack = { _ in false }
      world.settle(600)
      #expect(world.numbers(1).first == 1)
      let next = world.add(3, at: 1)
      world.settle(600)
      #expect(world.completions[next]?.number != nil)
      #expect(world[1].instances.map(\.id).filter { $0.owner == VoterID(1) }.last!.number > sent)
    }
    world.expectAgreement()
  }

  /// Recovery takes it for impossible that an owner proposed something beside what it had proposed before
  /// (V2 and W3). One that restarts may not know any more what left before its record was durable.
  @Test func whatAnEarlierLifeProposedIsInTheWayOfTheNext() {
    var world = World.directed(3)
    world.add(1, at: 3)
    world.deliver(from: 3, to: 2) { $0.kind == "preAccept" }
    world.sync(VoterID(2))
    world.crash(3)
    world.restart(VoterID(3))
    world.calm()
    #expect(world[3].instance(at(3, 1)) == nil && world[2].instance(at(3, 1)) != nil)
    world.add(2, at: 3)
    world.calm()
    let x = world[3].instances.last!.id
    world.ask(3, [1], "preAccept", "preAccepted")
    let decided = world.decided(x, at: 3)
    #expect(decided != nil)
    world.nodes[VoterID(3)]!.isCutOff = true
    world.network.removeAll()
    world.recover(x, at: 1)
    world.mingle(1, 2)
    #expect(world.decided(x, at: 1) == decided)
    #expect(world.problems == [])
  }

  /// Its owner has it under way, and so looks for nothing; what became of it the others have forgotten.
  @Test func anOwnInstanceThatOthersForgotEndsInASnapshot() {
    var world = World(3)
    world.isHeldBack = { _ in true }
    world.add(1, at: 1)
    world.hand(1, 2, "preAccept")
    world.nodes[VoterID(1)]!.isCutOff = true
    world.network.removeAll()
    world.isHeldBack = { _ in false }
    world.settle(2000)
    let barrier = world.propose(.barrier, at: 2)
    world.settle(1000)
    #expect(world.completions[barrier] == .passed)
    #expect(world[2].isForgotten(at(1, 1)) && world[3].isForgotten(at(1, 1)))
    world.nodes[VoterID(1)]!.isCutOff = false
    world.settle(3000)
    #expect(world[1].isForgotten(at(1, 1)))
    world.expectAgreement()
  }

  /// It asks and asks, and hears no answer.
  @Test func oneThatIsHeardAndHearsNobodyKeepsNoneFromRecovering() {
    var world = World(5)
    world.isHeldBack = { _ in true }
    world.tell(.preAccept(at(1, 1), Value(World.command(1), deps())), from: 1, to: 2, 3)
    world.crash(1)
    world.network.removeAll()
    world.recover(at(1, 1), at: 5)
    world.isHeldBack = { $0.to == VoterID(5) }
    for _ in 0..<200 {
      world.pass(20)
      world.network.removeAll { $0.to == VoterID(5) }
    }
    #expect(world.decided(at(1, 1), at: 2) != nil)
  }

  @Test func aCheckpointMakesTheSameMachine() {
    var world = World(3) { $0.barrierEvery = 6 }
    for round in 0..<40 {
      world.add(Int32(round), to: [UInt8(round % 3)], at: UInt32(1 + round % 3))
      if round % 3 == 0 { world.pass(5) }
    }
    world.settle(300)
    let before = world[2].app
    #expect(world[2].statistics.truncated > 0)
    world.compact(VoterID(2))
    world.restart(VoterID(2))
    #expect(world[2].app == before)
    #expect(world[2].status.executedThrough == world[1].status.executedThrough)
    // It writes nothing of that again.
    #expect(world.nodes[VoterID(2)]!.unsynced.flatMap(\.records).count <= 1)
    world.add(1, at: 2)
    world.settle(400)
    world.expectAgreement()
  }

  @Test func aLaggardAsksForWhatItMissed() {
    var world = World(3) { $0.barrierEvery = nil }
    world.nodes[VoterID(3)]!.isCutOff = true
    for round in 0..<50 {
      world.add(Int32(round), to: [UInt8(round % 3)], at: UInt32(1 + round % 2))
    }
    world.settle(200)
    world.nodes[VoterID(3)]!.isCutOff = false
    world.add(7, at: 1)
    world.settle(600)
    #expect(world[3].statistics.fetched > 10)
    #expect(world[3].statistics.installed == 0)
    world.expectAgreement()
  }

  @Test func aLaggardThatAsksForTheForgottenTakesASnapshot() {
    var world = World(3) {
      $0.barrierEvery = 10
      $0.maxPieceBytes = 32
    }
    world.add(100, at: 3)
    world.calm()
    world.nodes[VoterID(3)]!.isCutOff = true
    for round in 0..<80 {
      world.add(Int32(round), to: [UInt8(round % 3)], at: UInt32(1 + round % 2))
      world.pass(2)
    }
    world.settle(300)
    #expect(world[1].statistics.truncated > 20)
    world.nodes[VoterID(3)]!.isCutOff = false
    let proposal = world.add(7, at: 3)
    world.settle(2000)
    #expect(world[3].statistics.installed >= 1)
    #expect(world.completions[proposal] != nil)
    world.expectAgreement()
    world.restart(VoterID(3))
    world.settle(300)
    world.expectAgreement()
  }

  @Test func whatIsForgottenTakesNoMemory() {
    var world = World(3) { $0.barrierEvery = 20 }
    for round in 0..<400 {
      world.add(Int32(round), to: [UInt8(round % 5)], at: UInt32(1 + round % 3))
      if round % 5 == 0 { world.pass(3) }
    }
    world.settle(300)
    for voter in 1...3 as ClosedRange<UInt32> { #expect(world[voter].instances.count < 100) }
    world.expectAgreement()
  }

  @Test func aBatchThatWasNeverIssuedStopsTheMachine() {
    var world = World(3)
    world.with(VoterID(1)) { $0.persisted(through: PersistBatch(1000)) }
    #expect(world[1].stopped == .machineStopped)
    #expect(world[1].nextDeadline == nil)
  }

  @Test func anIdleMachineNeedsNoTime() {
    var world = World(3)
    world.add(1, at: 1)
    world.settle(500)
    for voter in 1...3 as ClosedRange<UInt32> {
      let next = world[voter].nextDeadline
      #expect(next == nil, "\(String(describing: next)) at \(world.now)")
    }
  }
}
