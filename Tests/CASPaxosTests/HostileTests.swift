import Synod
import Testing

@testable import CASPaxos

/// Messages that no honest voter sends change nothing.
@Suite struct HostileTests {
  /// A machine with a register and an open round, one promise short of its quorum.
  static func busy() -> Bench {
    var bench = Bench(of: 5) { $0.piggybackAfter = 0 }
    bench.add(1, key: "other")
    bench.accept(b(5, 2), state(3, at: b(5, 2)), key: "held")
    bench.propose(.change(.add(1)))
    bench.persist()
    bench.promise(bench.request, from: 2)
    return bench
  }

  func changesNothing(_ message: Message, from sender: UInt32, _ why: Comment) {
    var bench = Self.busy()
    let before = bench.machine
    bench.receive(message, from: sender)
    #expect(bench.machine == before, why)
    #expect(bench.messages.isEmpty && bench.records.isEmpty && bench.completed.isEmpty, why)
  }

  @Test(arguments: [Message.Kind.prepare, .accept, .read])
  func requestsWithAnothersBallot(_ kind: Message.Kind) {
    let request = Message(kind, slot: 0, ballot: b(50, 3), key: "held", state: .blank)
    changesNothing(request, from: 2, "it is 3's ballot")
    changesNothing(request, from: 1, "it is 3's ballot")
  }

  @Test(arguments: [Message.Kind.prepare, .accept, .read])
  func requestsOfStrangers(_ kind: Message.Kind) {
    changesNothing(
      Message(kind, slot: 0, ballot: b(50, 9), key: "held", state: .blank), from: 9, "9 is nobody")
  }

  @Test(arguments: [Message.Kind.prepare, .accept, .read])
  func requestsOfAnEpochNotKnown(_ kind: Message.Kind) {
    let ballot = Ballot(epoch: Epoch(7), counter: 50, voter: VoterID(2))
    var bench = Self.busy()
    let held = bench.machine.acceptorState(of: "held")?.promised
    bench.receive(Message(kind, slot: 0, ballot: ballot, key: "held"), from: 2)
    #expect(bench.messages.map(\.message.kind) == [.behind] && bench.records.isEmpty)
    #expect(bench.machine.acceptorState(of: "held")?.promised == held)
  }

  @Test(arguments: [Message.Kind.prepare, .accept])
  func requestsWithKeysOverTheLimit(_ kind: Message.Kind) {
    let key = Bytes([UInt8](repeating: 1, count: 5000))
    changesNothing(Message(kind, slot: 0, ballot: b(50, 2), key: key), from: 2, "a long key")
  }

  @Test func acceptsThatAskForAPromiseNotTheirOwn() {
    for next in [
      b(51, 3), b(49, 2), b(50, 2), Ballot(epoch: Epoch(1), counter: 1, voter: VoterID(2)),
    ] {
      changesNothing(
        Message(.accept, slot: 0, ballot: b(50, 2), promised: next, key: "held"), from: 2,
        "\(next) is not its next")
    }
  }

  @Test(arguments: [Message.Kind.promise, .accepted, .conflict, .readReply])
  func repliesOfStrangers(_ kind: Message.Kind) {
    let request = Self.busy().request
    changesNothing(
      Message(
        kind, slot: request.slot, ballot: request.ballot, promised: b(900, 9),
        accepted: b(900, 9)), from: 9, "9 is nobody")
  }

  @Test(arguments: [Message.Kind.promise, .accepted, .conflict, .readReply])
  func repliesToOthers(_ kind: Message.Kind) {
    let request = Self.busy().request
    for ballot in [
      b(request.ballot.counter, 2),
      Ballot(epoch: Epoch(1), counter: request.ballot.counter, voter: VoterID(2)),
    ] {
      changesNothing(
        Message(kind, slot: request.slot, ballot: ballot, promised: b(900, 2)), from: 3,
        "not asked by 1")
    }
  }

  @Test(arguments: [Message.Kind.promise, .accepted, .readReply])
  func repliesWithWrongSlotsOrBallots(_ kind: Message.Kind) {
    let request = Self.busy().request
    for slot in [request.slot + 1, 1000, .max] {
      changesNothing(Message(kind, slot: slot, ballot: request.ballot), from: 3, "slot \(slot)")
    }
    let huge = b(Ballot.counterLimit, 1)
    changesNothing(
      Message(kind, slot: request.slot, ballot: huge, promised: huge, accepted: huge), from: 3,
      "a counter never drawn")
  }

  @Test func aConflictOfAnotherEpochDoesNotMoveTheCounter() {
    var bench = Bench()
    let ballot = Ballot(epoch: Epoch(3), counter: 900, voter: VoterID(2))
    bench.conflict(Message(.prepare, slot: 0, ballot: b(1, 1)), from: 2, promised: ballot)
    bench.propose(.change(.add(1)))
    #expect(bench.request.ballot == b(1, 1))
  }

  @Test func randomMessagesNeverTrapNorMakeTwoStatesOfOneBallot() {
    var random = SplitMix(seed: 77)
    func draw(_ n: UInt64) -> UInt64 { random.next() % n }
    for _ in 0..<40 {
      var bench = Self.busy()
      for _ in 0..<200 {
        let sender = UInt32(draw(7))
        func ballot() -> Ballot {
          Ballot(
            epoch: Epoch(draw(10) == 0 ? 1 : 0), counter: draw(12), voter: VoterID(UInt32(draw(7))))
        }
        let kind = Message.Kind(rawValue: UInt8(1 + draw(7)))!
        let own = b(1 + draw(12), draw(2) == 0 ? 1 : sender)
        let message = Message(
          kind, slot: UInt32(draw(3)), ballot: own, promised: ballot(), accepted: ballot(),
          key: draw(2) == 0 ? "k" : "held", state: state(Int(own.counter), at: own))
        bench.receive(message, from: sender)
        if bench.acknowledged < bench.batches.count && draw(2) == 0 { bench.persist() }
      }
      bench.tick(to: 1_000_000)
      #expect(bench.machine.openProposals <= 1)
    }
  }
}
