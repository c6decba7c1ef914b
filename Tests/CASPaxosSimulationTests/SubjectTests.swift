import CASPaxosSimulation
import Synod
import SynodSimulation
import Testing

@testable import CASPaxos

@Suite struct SubjectTests {
  @Test(arguments: 0..<30)
  func itAgreesWithMachinesThatAreRight(_ seed: UInt64) {
    var world = SmallWorld<AppendWorkload>(RunPlan(seed: seed))
    world.run(operations: 120)
    #expect(world.violation == nil, "seed \(seed)")
  }

  @Test(arguments: 0..<30)
  func itAgreesWithChangesOfAnyKind(_ seed: UInt64) {
    var world = SmallWorld<KeyValueWorkload>(RunPlan(seed: seed))
    world.run(operations: 120)
    #expect(world.violation == nil, "seed \(seed)")
  }

  /// Runs a world that shows the subject something else than happened, until it says so.
  private func violation(
    _ tamper: @escaping (inout Message) -> Bool
  ) -> String {
    for seed in 0..<40 as Range<UInt64> {
      var plan = RunPlan(seed: seed)
      plan.voters = 3
      plan.keys = 1
      var world = SmallWorld<AppendWorkload>(plan)
      world.tamper = { envelope, _ in
        var message = envelope.message
        return tamper(&message) ? Envelope(to: envelope.to, message: message) : envelope
      }
      world.run(operations: 60)
      if let violation = world.violation { return violation }
    }
    return "nothing"
  }

  @Test func aPromiseThatIsNotDurableIsSeen() {
    let seen = violation { message in
      guard message.kind == .promise else { return false }
      message.ballot.counter += 0
      message.accepted = Ballot(epoch: Epoch(0), counter: 1_000_000, voter: VoterID(1))
      return true
    }
    #expect(seen.contains("tells of 0.1000000.1"), "\(seen)")
  }

  @Test func anAcceptedReplyThatPromisesTooMuchIsSeen() {
    let seen = violation { message in
      guard message.kind == .accepted else { return false }
      message.promised.counter += 1000
      return true
    }
    #expect(seen.contains("and durable is"), "\(seen)")
  }

  @Test func aReadReplyThatIsNotDurableIsSeen() {
    let seen = violation { message in
      guard message.kind == .readReply else { return false }
      message.accepted.counter += 1000
      message.accepted.voter = VoterID(2)
      return true
    }
    #expect(seen.contains("tells a read of"), "\(seen)")
  }

  @Test func aRefusalForNoReasonIsSeen() {
    let seen = violation { message in
      guard message.kind == .conflict else { return false }
      message.promised = .zero
      message.accepted = .zero
      return true
    }
    #expect(seen.contains("for no reason"), "\(seen)")
  }

  @Test func twoStatesUnderOneBallotAreSeen() {
    var count = 0
    let seen = violation { message in
      guard message.kind == .accept else { return false }
      count += 1
      message.state.value = Bytes("\(count)")
      return true
    }
    #expect(seen.contains("another state") || seen.contains("two states"), "\(seen)")
  }

  @Test func aBallotThatIsNotReservedIsSeen() {
    let seen = violation { message in
      guard message.kind == .prepare else { return false }
      message.ballot.counter += 1 << 40
      return true
    }
    #expect(seen.contains("durably reserved"), "\(seen)")
  }

  @Test func aBallotOfAnotherIsSeen() {
    let seen = violation { message in
      guard message.kind == .prepare else { return false }
      message.ballot.voter = VoterID(message.ballot.voter.rawValue % 3 + 1)
      return true
    }
    #expect(seen.contains("a ballot of another"), "\(seen)")
  }

  @Test func aStateWithoutALineageIsSeen() {
    let seen = violation { message in
      guard message.kind == .accept, !message.state.lineage.isEmpty else { return false }
      message.state.lineage = []
      return true
    }
    #expect(seen.contains("does not come of"), "\(seen)")
  }

  @Test func aStoreThatComesBackWithLessIsSeen() {
    var world = SmallWorld<AppendWorkload>(RunPlan(seed: 3))
    world.run(operations: 40, crashes: 0)
    #expect(world.violation == nil)
    world.nodes[0].durable.removeLast(min(20, world.nodes[0].durable.count))
    world.crash(0)
    #expect(world.violation?.contains("does not bear out") == true, "\(world.violation ?? "")")
  }

  @Test func aLostStoreThatSpeaksIsSeen() {
    var plan = RunPlan(seed: 3)
    plan.voters = 3
    var world = SmallWorld<AppendWorkload>(plan)
    world.subject.retired(VoterID(1))
    world.run(operations: 40, crashes: 0)
    #expect(world.violation?.contains("is lost") == true, "\(world.violation ?? "")")
  }

  @Test func everyMarkIsReached() {
    // Nobody comes or goes in these worlds, and nobody watches.
    let ofOthers: Set<String> = [
      "a change of the voters began", "a change of the voters came to its end",
      "a change of the voters was rolled back", "a change of the members was refused",
      "a node that is no member was asked",
      "a register was accepted anew for a change of the voters",
      "a deleted register was collected while the voters changed",
      "a node was behind with the members", "a node asked in an epoch that had long ended",
      "a driver crashed while it made somebody a voter",
      "a driver crashed between two pieces of a transfer",
      "a driver crashed while it listed the registers",
      "a driver crashed while it had registers accepted anew",
      "a driver crashed while it concluded a change",
      "a watch told of a state", "a watch passed over states", "a watch went on from a version",
      "a watch of many registers told of one",
    ]
    var reached: Set<String> = []
    var all: Set<String> = []
    for seed in 0..<150 as Range<UInt64> where all.isEmpty || all.subtracting(reached) != ofOthers {
      var world = SmallWorld<AppendWorkload>(RunPlan(seed: seed))
      world.run(operations: 100)
      for mark in world.subject.marks([]) {
        all.insert(mark.name)
        if mark.count > 0 { reached.insert(mark.name) }
      }
    }
    #expect(all.subtracting(reached) == ofOthers)
  }
}
